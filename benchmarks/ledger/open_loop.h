#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "benchmarks/ledger/transfer_call.h"
#include "lab/load/histogram.h"
#include "lab/load/random.h"

namespace benchmarks {

// Customers who do not wait for each other: transfers arrive by chance (Poisson) at a rate, whether
// or not earlier ones were answered.
struct OpenLoad {
  double transfers_per_s = 6'000;
  // Those due within it share a call, as with hamisha-load's --coalesce; 0: a call for each. That
  // they wait for each other counts.
  double coalesce_s = 0;
  uint64_t in_flight_max = 256;  // A call that would be one more waits, and its waiting counts.
  uint64_t first = 0;            // Number of the first transfer: those before exist.
  TransferKind kind;
};

struct OpenOutcome {
  uint64_t transfers = 0;
  double seconds = 0;
  // From the moment a transfer should have been sent: a stall counts for all that fell into it, not
  // only for the one that met it ("coordinated omission").
  lab::Histogram from_intended_us;
  // From the moment it was sent, to tell the node's time from this client's lateness.
  lab::Histogram from_sent_us;
};

// They keep their connections, as customers do: a connection is slow at first. Not thread-safe.
class OpenLoop {
 public:
  // Connects, which is not measured.
  OpenLoop(const std::string& address, const OpenLoad& load);
  OpenLoop(const OpenLoop&) = delete;
  OpenLoop& operator=(const OpenLoop&) = delete;

  // Hears what those that were answered in the last second found, from when they should have been
  // sent; on a thread of its own.
  using EachSecond = std::function<void(const lab::Histogram& from_intended_us)>;
  // Returns when all are answered; numbers go on where the last ended. CANCELLED when `stop`.
  absl::StatusOr<OpenOutcome> Run(double seconds, const std::atomic<bool>& stop,
                                  const EachSecond& each_second = nullptr);

 private:
  struct Stretch;
  // To the next one's arrival.
  double GapSeconds();
  void Send(Stretch& stretch, double seconds, const std::atomic<bool>& stop);
  TransferCall& TakeFree();
  void TakeAnswers(Stretch& stretch, const EachSecond& each_second);

  const OpenLoad load_;
  const TransferCalls calls_;
  lab::Random random_{0, 0};
  uint64_t next_;

  absl::Mutex mutex_;
  std::vector<TransferCall*> free_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace benchmarks
