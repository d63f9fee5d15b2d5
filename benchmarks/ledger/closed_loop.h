#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "benchmarks/ledger/transfer_call.h"
#include "lab/load/histogram.h"

namespace benchmarks {

// As much as the node takes: every answer is followed by the next call at once.
struct ClosedLoad {
  uint64_t batch = 1;      // Transfers of a call.
  uint64_t in_flight = 2;  // Calls.
  uint64_t transfers = 0;  // At most,
  double seconds = 0;      // and for at most so long.
  TransferKind kind;
};

struct ClosedOutcome {
  uint64_t transfers = 0;
  double seconds = 0;
  lab::Histogram latency_us;  // Of a call.
};

// CANCELLED when `stop`.
absl::StatusOr<ClosedOutcome> RunClosedLoop(const std::string& address, const ClosedLoad& load,
                                            const std::atomic<bool>& stop);

}  // namespace benchmarks
