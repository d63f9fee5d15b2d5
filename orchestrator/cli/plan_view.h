// A plan as people and programs read it, before anything runs. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "absl/time/time.h"
#include "orchestrator/plan/plan.h"

namespace orchestrator {

// Name, digest and window; then a table of the steps with hosts, needs and what happens on failure.
std::string RenderPlan(const Plan& plan, absl::TimeZone zone);
// All of the plan as one JSON object, indented, with sorted keys; `fit` as FitJson() has it, or
// null.
std::string RenderPlanJson(const Plan& plan, absl::TimeZone zone, const nlohmann::json& fit);

// What a run that goes well would order, in order, and the way back of each step. The same engine
// that drives a run says it.
std::string RenderDryRun(const Plan& plan);
std::string RenderDryRunJson(const Plan& plan);

}  // namespace orchestrator
