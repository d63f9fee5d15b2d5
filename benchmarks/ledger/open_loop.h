#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "benchmarks/ledger/transfer_call.h"
#include "lab/load/histogram.h"

namespace benchmarks {

// Customers who do not wait for each other: calls of one transfer arrive by chance (Poisson) at a
// rate, whether or not earlier ones were answered.
struct OpenLoad {
  double transfers_per_s = 6'000;
  double seconds = 10;
  uint64_t in_flight_max = 256;  // A call that would be one more waits, and its waiting counts.
  uint64_t first = 0;            // Number of the first transfer: those before exist.
  TransferKind kind;
};

struct OpenOutcome {
  uint64_t transfers = 0;
  double seconds = 0;
  // From the moment a call should have been sent: a stall counts for all that fell into it, not
  // only for the one that met it ("coordinated omission").
  lab::Histogram from_intended_us;
  // From the moment it was sent, to tell the node's time from this client's lateness.
  lab::Histogram from_sent_us;
};

// CANCELLED when `stop`.
absl::StatusOr<OpenOutcome> RunOpenLoop(const std::string& address, const OpenLoad& load,
                                        const std::atomic<bool>& stop);

}  // namespace benchmarks
