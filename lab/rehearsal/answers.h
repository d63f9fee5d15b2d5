#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "hamisha/orchestrator/v1/orchestrator.pb.h"

namespace lab {

// Nobody watches a rehearsal, so the lab decides for its people: what one of them answers next to
// what the run asks, without signature. Gates are approved and points of no return completed; a run
// that is held is taken back, and aborted where there is no way back or `abort_held` says so.
// Nothing while nothing is asked. FAILED_PRECONDITION when a gate asks for somebody whom the lab
// does not have. Pure.
absl::StatusOr<std::optional<hamisha::orchestrator::v1::PersonAct>> NextAnswer(
    const hamisha::orchestrator::v1::RunView& run, bool abort_held);

}  // namespace lab
