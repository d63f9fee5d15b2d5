// When a run will finish, how long going back would take, and the minute after which going back no
// longer fits. Pure, and the same for the same inputs.
//
// Formulas, over kDraws simulated ends of the run:
//  - A step takes what DurationsOf() says, drawn anew in each; a step under way what is left of
//  that
//    after the time that it has taken. Steps are drawn one by one, but each with one chance in four
//    takes the draw's own luck: a slow night is slow in many places.
//  - A step begins when all that it needs have ended, and not before the window does unless it may.
//    Waves are in its duration. Failures, and what people take to decide about them, are not
//    forecast; a held step counts as begun anew. A gate takes the time that is given to people.
//  - finish = now + the last step's end. P50 and P90 are over the draws.
//  - Going back is in the engine's order: one action after the other, so the draws are added up;
//    for a step under way also the asking for its outcome (P50 0.2 s, P90 2 s).
//  - latest safe abort = window end − max(rollback reserve, P90 of going back once what may begin
//    next has begun). A rehearsal counts on the reserve for what has no profile yet: it makes one.
//  - A step's share of the critical path is the part of the remaining time in which the end waited
//    for it, on the average over the draws.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "orchestrator/forecast/durations.h"
#include "orchestrator/forecast/run_position.h"
#include "orchestrator/plan/plan.h"

namespace orchestrator {

struct Spread {
  absl::Duration p50;
  absl::Duration p90;
};

struct PathPart {
  uint32_t step = 0;     // Index into Plan::steps.
  double share = 0;      // At least 1 %.
  bool guessed = false;  // From its timeout.
};

struct PhaseForecast {
  std::string name;
  Spread left;          // From the end of what comes before it, or now, to its own end.
  absl::Time ends_p90;  // No later than finish_p90.
};

struct Forecast {
  absl::Time made_at;
  bool going_back = false;  // `finish` is then that of the way back, and what follows is not said.
  absl::Time finish_p50;
  absl::Time finish_p90;
  Spread back_now;          // If it went back at once.
  Spread back_next;         // Once what may begin next has begun: the latest safe abort's.
  Spread back_worst;        // At the most expensive moment that is still ahead.
  bool can_go_back = true;  // False past the point of no return.
  std::optional<Window> window;
  std::optional<absl::Time> latest_safe_abort;  // Without a window, or a way back: none.
  std::vector<PathPart> critical_path;          // In plan order.
  std::vector<PhaseForecast> phases;            // Those with something ahead, in plan order.
  std::vector<Spread> steps;                    // What is left of each; as in the plan.
};

class Forecaster {
 public:
  static constexpr size_t kDraws = 1'024;

  // Makes the tables that all forecasts of a run share.
  Forecaster(std::shared_ptr<const Plan> plan, const std::vector<Profile>& profiles, uint64_t seed);

  // `position` is of the same plan. Safe for any thread.
  Forecast At(const RunPosition& position, absl::Time now) const;

  const Plan& plan() const { return *plan_; }
  const Durations& durations() const { return durations_; }
  // Steps of the same index here have the same needs.
  const std::vector<uint32_t>& needs_group() const { return needs_group_; }
  uint64_t seed() const { return seed_; }

 private:
  const std::shared_ptr<const Plan> plan_;
  const Durations durations_;
  const uint64_t seed_;
  std::vector<uint32_t> needs_group_;
};

enum class Prospect : uint8_t {
  kInTime,
  kMayBeLate,     // P90 of the finish is past the latest safe abort time.
  kProbablyLate,  // P50 is.
};
Prospect ProspectOf(const Forecast& forecast);

// What should be said ahead of time, in words: that the end lies beyond the latest safe abort time
// (at P50, else at P90), and what to do. "" when all is well.
std::string WarningOf(const Plan& plan, const Forecast& forecast, absl::TimeZone zone);

// "finish 2015-04-19T11:20:00+03:00 (P50) to … (P90), latest safe abort …, going back now 31m
// (P90)"
std::string Describe(const Forecast& forecast, absl::TimeZone zone);

// As these texts have them: RFC 3339 with seconds and zone; "2h10m", "12.3s".
std::string TimeText(absl::Time time, absl::TimeZone zone);
std::string DurationText(absl::Duration duration);

}  // namespace orchestrator
