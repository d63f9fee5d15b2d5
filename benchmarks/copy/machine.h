#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace benchmarks {

// What a copy cannot be faster than on this machine: each measured alone, for about a second, with
// as many threads as the copy has streams.
struct CopyBounds {
  double disk_write_bytes_per_s = 0;  // 1 MiB at a time past the page cache, synced every 64 MiB.
  double loopback_bytes_per_s = 0;    // TCP, from one thread to another of this program.
  // Each thread reads what was written, 1 MiB at a time, and writes it again: what a disk gives
  // that both nodes are on.
  double disk_copy_bytes_per_s = 0;

  double slower() const {
    return disk_write_bytes_per_s < loopback_bytes_per_s ? disk_write_bytes_per_s
                                                         : loopback_bytes_per_s;
  }
};

CopyBounds Mean(const CopyBounds& one, const CopyBounds& other);

absl::StatusOr<CopyBounds> MeasureBounds(const std::string& folder, int streams);

}  // namespace benchmarks
