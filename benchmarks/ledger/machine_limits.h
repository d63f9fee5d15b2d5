#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "lab/load/histogram.h"

namespace benchmarks {

// What the disk under a folder gives to somebody who does nothing else: over blocks that are
// already written, past the page cache. On a busy machine most of a short wait is for the core, so
// that a rate is by the fastest tenth of all writes: what the disk could do.
struct DiskLimits {
  double write_bytes_per_s = 0;  // 1 MiB at a time, each synced.
  double sync_us_p10 = 0;        // Writing 4 KiB and syncing, one by one.
  double sync_us_p50 = 0;
  double sync_us_p99_9 = 0;
};

// Takes about a second. absl::IsUnimplemented() where the file system has no direct writing
// (tmpfs).
absl::StatusOr<DiskLimits> MeasureDisk(const std::string& folder);

// Writing 4 KiB and syncing a thousand times a second for so many seconds on a machine that does
// nothing else, each time measured from when it was due: whoever syncs before it answers waits for
// the machine's own pauses too. In microseconds.
absl::StatusOr<lab::Histogram> MeasureSyncsByClock(const std::string& folder, double seconds);

// What this program holds in memory now.
uint64_t ResidentBytes();

}  // namespace benchmarks
