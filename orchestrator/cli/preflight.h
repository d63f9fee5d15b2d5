// `hamisha preflight`: only a playbook's comparison of servers. Pure.
#pragma once

#include <string>

#include "hamisha/orchestrator/v1/orchestrator.pb.h"
#include "orchestrator/plan/plan.h"

namespace orchestrator {

// A playbook of the plan's steps host.facts and host.compare alone, which changes nothing; "" when
// it has none to compare.
std::string PreflightPlaybook(const Plan& plan);

// Whether a preflight would come between the run and its way back: only the newest run can go back.
bool MayHaveToGoBack(const hamisha::orchestrator::v1::RunView& run);

// A row for each difference, those that block first, and whether the run may begin.
std::string RenderPreflight(const hamisha::orchestrator::v1::RunView& run);
std::string RenderPreflightJson(const hamisha::orchestrator::v1::RunView& run);

}  // namespace orchestrator
