#include "orchestrator/engine/step_state.h"

#include "base/invariant.h"

namespace orchestrator {

absl::string_view ToString(StepState state) {
  switch (state) {  // No default: -Wswitch names the state someone forgot.
    case StepState::kPending: return "pending";
    case StepState::kAwaiting: return "awaiting";
    case StepState::kRunning: return "running";
    case StepState::kProbing: return "probing";
    case StepState::kRetryWait: return "retry_wait";
    case StepState::kSucceeded: return "succeeded";
    case StepState::kFailed: return "failed";
    case StepState::kUnknown: return "unknown";
    case StepState::kPassed: return "passed";
    case StepState::kSettling: return "settling";
    case StepState::kUndoing: return "undoing";
    case StepState::kUndone: return "undone";
    case StepState::kUndoFailed: return "undo_failed";
    case StepState::kSkipped: return "skipped";
  }
  UNREACHABLE();
}

absl::string_view ToString(HostState state) {
  switch (state) {
    case HostState::kWaiting: return "waiting";
    case HostState::kSent: return "sent";
    case HostState::kProbing: return "probing";
    case HostState::kRetryWait: return "retry_wait";
    case HostState::kSucceeded: return "succeeded";
    case HostState::kFailed: return "failed";
    case HostState::kUnknown: return "unknown";
  }
  UNREACHABLE();
}

}  // namespace orchestrator
