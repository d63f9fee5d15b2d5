#include "orchestrator/control/forecast_keeper.h"

#include <utility>

#include "orchestrator/forecast/fit.h"

namespace orchestrator {
namespace {

// The same luck in each forecast of a run: what differs between two of them is what has happened.
constexpr uint64_t kSeed = 1;

}  // namespace

void ForecastKeeper::Begin(std::shared_ptr<const Plan> plan,
                           std::function<std::vector<Profile>()> load) {
  End();
  plan_ = std::move(plan);
  load_ = std::move(load);
  prepared_ = std::make_shared<Prepared>();
}

void ForecastKeeper::End() {
  ++run_;
  plan_ = nullptr;
  newest_ = nullptr;
  unprofiled_.clear();
  asked_ = absl::InfinitePast();
  busy_ = false;
}

absl::Time ForecastKeeper::NextDue() const {
  return plan_ == nullptr || busy_ ? absl::InfiniteFuture() : asked_ + kEvery;
}

void ForecastKeeper::Refresh(const Engine& engine, bool rehearsal, absl::Time now) {
  if (NextDue() > now) return;
  RunPosition position = PositionOf(engine);
  position.rehearsal = rehearsal;
  auto work = [this, run = run_, plan = plan_, load = load_, prepared = prepared_,
               position = std::move(position), now] {
    if (prepared->forecaster == nullptr) {
      prepared->forecaster = std::make_unique<const Forecaster>(plan, load(), kSeed);
    }
    const Forecaster& forecaster = *prepared->forecaster;
    post_([this, run, forecast = forecaster.At(position, now),
           unprofiled = UnprofiledText(forecaster.durations())]() mutable {
      Take(run, std::move(forecast), std::move(unprofiled));
    });
  };
  asked_ = now;
  busy_ = work_.Run(std::move(work));
}

void ForecastKeeper::Take(uint64_t run, Forecast forecast, std::string unprofiled) {
  if (run != run_) return;
  busy_ = false;
  newest_ = std::make_shared<const Forecast>(std::move(forecast));
  unprofiled_ = std::move(unprofiled);
  changed_();
}

}  // namespace orchestrator
