#pragma once

#include <string>

#include "absl/status/status.h"
#include "hamisha/orchestrator/v1/orchestrator.pb.h"
#include "orchestrator/approval/ssh_keygen.h"
#include "orchestrator/approval/statement.h"
#include "orchestrator/plan/plan.h"

namespace orchestrator {

// Whether an act is really that person's, about this plan, this run and this question. `question`
// is as this orchestrator asks it. Where the plan names people, everybody who acts must be one of
// them (PERMISSION_DENIED), but to pause, abort or take back, and the acts of IsSigned() carry a
// statement with all that the act says (FAILED_PRECONDITION) and a signature of it
// (UNAUTHENTICATED). A gate cannot be skipped. Messages say what to do. Whether the person may
// decide that now is the engine's to say. Any thread; starts a process when there is a signature.
absl::Status CheckAct(const Plan& plan, const Question& question,
                      const hamisha::orchestrator::v1::PersonAct& act, const SshKeygen& ssh_keygen);

}  // namespace orchestrator
