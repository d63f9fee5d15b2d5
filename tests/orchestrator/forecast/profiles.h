// Profiles and plans made by hand, for forecasts.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/forecast/forecast.h"
#include "tests/orchestrator/engine/plans.h"

namespace orchestrator {

inline ProfileSample SampleOf(const std::string& step, double seconds, int32_t back = -1) {
  return {.step = step,
          .back = back,
          .action = back < 0 ? absl::StrCat("test.", step) : absl::StrCat("test.back_", step),
          .undo = false,
          .hosts = 1,
          .waves = 1,
          .seconds = seconds};
}

inline Profile ProfileOf(std::vector<ProfileSample> samples) {
  return {.playbook_digest = "00",
          .plan = "test",
          .run = "20150411-2300-test-1",
          .kind = "rehearsal",
          .outcome = "succeeded",
          .started = absl::FromUnixSeconds(1428782400),
          .ended = absl::FromUnixSeconds(1428786000),
          .programs = {{"orchestrator", "1.2.3"}},
          .samples = std::move(samples)};
}

// One host, action "test.<id>", and one action "test.back_<id>" back.
inline PlannedStep TimedStep(const std::string& id, std::vector<uint32_t> needs) {
  PlannedStep step = MakeStep(id, {kSource0}, {.needs = std::move(needs), .own_undo = false});
  step.phase = "move";
  step.apply.action = absl::StrCat("test.", id);
  step.apply.timeout = absl::Seconds(100);
  step.rollback = {MakeAction(absl::StrCat("test.back_", id), {kSource0}, true)};
  step.rollback.front().timeout = absl::Seconds(50);
  return step;
}

inline Plan PlanOf(std::vector<PlannedStep> steps) {
  Plan plan = EmptyPlan();
  plan.steps = std::move(steps);
  return plan;
}

inline Forecaster ForecasterOf(Plan plan, const std::vector<Profile>& profiles) {
  return Forecaster(std::make_shared<const Plan>(std::move(plan)), profiles, 1);
}

}  // namespace orchestrator
