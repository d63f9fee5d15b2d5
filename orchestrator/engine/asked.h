#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "hamisha/orchestrator/v1/orchestrator.pb.h"
#include "orchestrator/engine/run.h"
#include "orchestrator/plan/plan.h"

namespace orchestrator {

// Steps that ask people before they begin: gates, and points of no return. A gate is passed when so
// many different people approved as its quorum says, and each of its roles is held by one of them.
// Who was delegated to holds the roles of who delegated, too, who is then not asked any more. A
// point of no return is passed when two different people completed it (one, where the inventory
// names no people).

bool AsksPeople(const PlannedStep& step);

// What is missing before the step may go on.
struct Missing {
  std::vector<std::string> roles;
  uint32_t people = 0;
  bool nothing() const { return roles.empty() && people == 0; }
};
Missing MissingOf(const Plan& plan, const PlannedStep& step, const AskedRun& asked);
// "1 more person and the role ops"
std::string DescribeMissing(const Missing& missing);

// Who did so, among what was said to the step.
std::set<std::string> PeopleWho(const AskedRun& asked, hamisha::orchestrator::v1::Act act);

// Whether whoever approves, rejects or delegates is asked by the gate. That the author is not, is
// the engine's to check.
absl::Status CheckGateAct(const Plan& plan, const PlannedStep& step, const AskedRun& asked,
                          const hamisha::orchestrator::v1::PersonAct& act);

}  // namespace orchestrator
