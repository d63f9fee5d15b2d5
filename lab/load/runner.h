#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/file_system.h"
#include "lab/load/accounts.h"
#include "lab/load/gateways.h"
#include "lab/load/histogram.h"
#include "lab/load/workload.h"

namespace lab {

struct RunOptions {
  Shape shape;
  double rate = 0;  // Arrivals a second.
  uint64_t seed = 0;
  std::string folder;                                  // Files of lab/load/run_files.h.
  absl::Duration duration = absl::InfiniteDuration();  // Of arrivals.
  uint64_t transactions_max = UINT64_MAX;              // Arrivals.
  // Transactions of one shard that fall due within this time travel in one call.
  absl::Duration coalesce = absl::ZeroDuration();
  absl::Duration call_timeout = absl::Seconds(30);
  absl::Duration drain =
      absl::Seconds(60);             // How long after the stop outstanding ones are retried.
  uint64_t in_flight_max = 200'000;  // Arrivals past it are not sent: client errors.
};

// Of one second, and of the whole run.
struct RunCounts {
  uint64_t sent = 0;  // Arrivals, repeats too.
  uint64_t acknowledged = 0;
  uint64_t refused = 0;
  uint64_t unanswered = 0;
  uint64_t repeats = 0;
  uint64_t client_errors = 0;
  uint64_t attempts_failed = 0;
  Histogram latency_us;  // Of acknowledged ones, from their scheduled time.
};

struct RunSecond {
  absl::Time wall;
  double second = 0;  // Since the start of arrivals, at the end of this second.
  uint64_t in_flight = 0;
  const RunCounts* counts = nullptr;
};

struct RunHooks {
  // Waits at most so long; true once the run shall stop. Called by the thread of Run().
  std::function<bool(absl::Duration)> wait;
  std::function<void(const RunSecond&)> report;  // Every second.
};

// Runs the load until it is stopped and all is answered or given up. Everything that was sent is
// then in the outcomes file. FAILED_PRECONDITION when accounts are missing; ALREADY_EXISTS when
// the folder has the outcomes of an earlier run.
absl::StatusOr<RunCounts> Run(Gateways& gateways, const Workload& workload,
                              const RunOptions& options, const RunHooks& hooks,
                              base::FileSystem& files);

}  // namespace lab
