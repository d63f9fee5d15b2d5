#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/work_queue.h"
#include "orchestrator/forecast/forecast.h"

namespace orchestrator {

// Keeps the newest forecast of one run at a time. What takes long is done on a thread of its own,
// from a copy of where the run stands, so that orders do not wait for it. But for Stop() all calls
// come from one thread, where `post` makes its tasks run, too.
class ForecastKeeper {
 public:
  static constexpr absl::Duration kEvery = absl::Seconds(1);

  using Task = std::function<void()>;
  // `changed` is called, on that one thread, after each new forecast.
  ForecastKeeper(std::function<void(Task)> post, Task changed)
      : post_(std::move(post)), changed_(std::move(changed)) {}

  // Another run: what was known of the one before is forgotten. `load` reads the profiles.
  void Begin(std::shared_ptr<const Plan> plan, std::function<std::vector<Profile>()> load);
  void End();

  // Makes a new forecast when the last one is kEvery old, or there is none.
  void Refresh(const Engine& engine, bool rehearsal, absl::Time now);
  // When Refresh() should be called again.
  absl::Time NextDue() const;

  // Of the run as it is; null before the first.
  const std::shared_ptr<const Forecast>& newest() const { return newest_; }
  // What is only guessed, in words; "" before the first forecast.
  const std::string& unprofiled() const { return unprofiled_; }

  // Joins the thread. Nothing is posted afterwards.
  void Stop() { work_.Stop(); }

 private:
  struct Prepared {  // Made on the worker, at the first forecast of a run.
    std::unique_ptr<const Forecaster> forecaster;
  };

  void Take(uint64_t run, Forecast forecast, std::string unprofiled);

  const std::function<void(Task)> post_;
  const Task changed_;
  uint64_t run_ = 0;                  // Counts Begin(): forecasts of the run before come too late.
  std::shared_ptr<const Plan> plan_;  // Null: there is no run.
  std::function<std::vector<Profile>()> load_;
  std::shared_ptr<Prepared> prepared_;
  std::shared_ptr<const Forecast> newest_;
  std::string unprofiled_;
  absl::Time asked_ = absl::InfinitePast();
  bool busy_ = false;
  base::WorkQueue work_;  // Last: its thread uses all of the above.
};

}  // namespace orchestrator
