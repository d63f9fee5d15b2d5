// Whether a live run may begin at all. Pure; what only the servers know is its own steps' to check.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "orchestrator/coverage/coverage.h"
#include "orchestrator/engine/engine.h"
#include "orchestrator/fleet/fleet.h"
#include "orchestrator/plan/plan.h"

namespace orchestrator {

// Whether a run that has ended did something that nobody has taken back: it ended unknown, or
// stopped with steps that change something. Not past the point of no return, where nothing goes
// back.
bool LeavesSomething(const Engine& run);

// Why no other run may come behind this one, with what to do; "" when it leaves nothing, or null.
std::string LeftoverOf(const Engine* run);

struct Applicant {
  const Plan& plan;
  const Engine* newest;                  // The run before it; null without one.
  const std::vector<AgentInfo>& agents;  // That were ever connected.
  const Coverage& tried;                 // By all rehearsals of this playbook.
};

// FAILED_PRECONDITION with every reason against it, a line each, and what to do about it.
absl::Status CheckMayGoLive(const Applicant& applicant);

}  // namespace orchestrator
