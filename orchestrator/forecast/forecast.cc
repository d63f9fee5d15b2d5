#include "orchestrator/forecast/forecast.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "orchestrator/forecast/simulation.h"

namespace orchestrator {
namespace {

constexpr double kShareMin = 0.01;

absl::Duration Quantile(const std::vector<float>& ascending, double probability) {
  INVARIANT(!ascending.empty());
  const auto place = static_cast<size_t>(probability * static_cast<double>(ascending.size()));
  const float seconds = ascending[std::min(place, ascending.size() - 1)];
  return absl::Microseconds(static_cast<int64_t>(static_cast<double>(seconds) * 1e6));
}

Spread SpreadOf(const std::vector<float>& ascending) {
  return {.p50 = Quantile(ascending, 0.5), .p90 = Quantile(ascending, 0.9)};
}

// Steps of one phase often need the same many steps: those are looked at once.
std::vector<uint32_t> GroupByNeeds(const Plan& plan) {
  std::map<std::vector<uint32_t>, uint32_t> groups;
  std::vector<uint32_t> group_of;
  for (const PlannedStep& step : plan.steps) {
    const auto next = static_cast<uint32_t>(groups.size());
    group_of.push_back(groups.emplace(step.needs, next).first->second);
  }
  return group_of;
}

void SayPhases(const Simulation& simulation, const RunPosition& position, absl::Time now,
               const Plan& plan, Forecast& forecast) {
  size_t step = 0;
  for (size_t phase = 0; phase < simulation.phases().size(); ++phase) {
    bool ahead = false;
    for (; step < plan.steps.size() && plan.steps[step].phase == simulation.phases()[phase];
         ++step) {
      ahead = ahead || position.steps[step].state != StepPosition::State::kOver;
    }
    if (!ahead) continue;
    forecast.phases.push_back({.name = simulation.phases()[phase],
                               .left = SpreadOf(simulation.phase_lengths()[phase]),
                               .ends_p90 = now + Quantile(simulation.phase_ends()[phase], 0.9)});
  }
}

}  // namespace

Forecaster::Forecaster(std::shared_ptr<const Plan> plan, const std::vector<Profile>& profiles,
                       uint64_t seed)
    : plan_(std::move(plan)),
      durations_(DurationsOf(*plan_, profiles)),
      seed_(seed),
      needs_group_(GroupByNeeds(*plan_)) {}

Forecast Forecaster::At(const RunPosition& position, absl::Time now) const {
  Simulation simulation(*this, position, now);
  simulation.Run();
  Forecast forecast;
  forecast.made_at = now;
  forecast.going_back = position.going_back;
  forecast.back_now = SpreadOf(simulation.back_now());
  const Spread finish = position.going_back ? forecast.back_now : SpreadOf(simulation.finish());
  forecast.finish_p50 = now + finish.p50;
  forecast.finish_p90 = now + finish.p90;
  forecast.window = position.window;
  if (position.going_back) return forecast;

  forecast.back_next = SpreadOf(simulation.back_next());
  forecast.back_worst = SpreadOf(simulation.back_worst());
  forecast.can_go_back = !position.past_no_return;
  if (position.window.has_value() && forecast.can_go_back) {
    forecast.latest_safe_abort =
        position.window->end - std::max(position.window->rollback_reserve, forecast.back_next.p90);
  }
  for (uint32_t step = 0; step < plan_->steps.size(); ++step) {
    const double share = simulation.shares()[step];
    const bool guessed = durations_.forward[step].basis == Basis::kTimeout;
    if (share >= kShareMin) forecast.critical_path.push_back({step, share, guessed});
    const Quantiles& left = simulation.left()[step];
    forecast.steps.push_back({.p50 = left.P50(), .p90 = left.P90()});
  }
  SayPhases(simulation, position, now, *plan_, forecast);
  return forecast;
}

Prospect ProspectOf(const Forecast& forecast) {
  const absl::Time latest = forecast.latest_safe_abort.value_or(absl::InfiniteFuture());
  if (forecast.finish_p50 > latest) return Prospect::kProbablyLate;
  return forecast.finish_p90 > latest ? Prospect::kMayBeLate : Prospect::kInTime;
}

std::string WarningOf(const Plan& plan, const Forecast& forecast, absl::TimeZone zone) {
  const Prospect prospect = ProspectOf(forecast);
  if (prospect == Prospect::kInTime) return "";
  const absl::Time latest = *forecast.latest_safe_abort;
  const bool likely = prospect == Prospect::kProbablyLate;
  const absl::Time finish = likely ? forecast.finish_p50 : forecast.finish_p90;
  std::string warning = absl::StrCat(
      likely ? "the run will probably not" : "the run may not",
      " finish in time: ", TimeText(finish, zone), likely ? " (P50)" : " (P90)", " is ",
      DurationText(finish - latest), " past the latest safe abort time ", TimeText(latest, zone),
      ", when it goes back by itself unless two people override");
  const auto longest =
      std::max_element(forecast.critical_path.begin(), forecast.critical_path.end(),
                       [](const PathPart& a, const PathPart& b) { return a.share < b.share; });
  if (longest != forecast.critical_path.end()) {
    absl::StrAppend(&warning, "; most of it waits for '", plan.steps[longest->step].id, "', ",
                    static_cast<int>(longest->share * 100 + 0.5), " % of the time left",
                    longest->guessed ? " (guessed from its timeout: it has no profile)" : "");
  }
  return warning;
}

std::string Describe(const Forecast& forecast, absl::TimeZone zone) {
  std::string text = absl::StrCat(forecast.going_back ? "back at " : "finish ",
                                  TimeText(forecast.finish_p50, zone), " (P50) to ",
                                  TimeText(forecast.finish_p90, zone), " (P90)");
  if (forecast.going_back) return text;
  if (!forecast.can_go_back) return absl::StrCat(text, ", past the point of no return");
  if (forecast.latest_safe_abort.has_value()) {
    absl::StrAppend(&text, ", latest safe abort ", TimeText(*forecast.latest_safe_abort, zone));
  }
  return absl::StrCat(text, ", going back now takes ", DurationText(forecast.back_now.p50),
                      " (P50) to ", DurationText(forecast.back_now.p90), " (P90)");
}

std::string TimeText(absl::Time time, absl::TimeZone zone) {
  return absl::FormatTime(absl::RFC3339_sec, time, zone);
}

std::string DurationText(absl::Duration duration) {
  const bool brief = absl::AbsDuration(duration) < absl::Minutes(1);
  return absl::FormatDuration(
      absl::Trunc(duration, brief ? absl::Milliseconds(100) : absl::Seconds(1)));
}

}  // namespace orchestrator
