#pragma once

#include <atomic>
#include <string>

#include "absl/status/statusor.h"
#include "benchmarks/ledger/closed_loop.h"

namespace benchmarks {

// `load.in_flight` threads that each create one transfer after the other through the client
// library, which merges what they send. CANCELLED when `stop`.
absl::StatusOr<ClosedOutcome> RunMergedCallers(const std::string& address, const ClosedLoad& load,
                                               const std::atomic<bool>& stop);

}  // namespace benchmarks
