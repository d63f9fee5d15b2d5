#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace lab {

struct LinkOptions {
  absl::Duration round_trip = absl::Milliseconds(150);
  uint64_t bandwidth_bytes_per_s = 0;  // In each direction; 0: no limit.
};

// One direction of a link: a line that serves in order. Bytes wait for those before them, take
// bytes / bandwidth to be put on the line, and then travel for `delay`. All connections of the
// direction share it. Pure; times are monotonic. Not thread-safe.
class Pacer {
 public:
  Pacer(absl::Duration delay, uint64_t bandwidth_bytes_per_s);

  // For what is handed in from now on; it still does not overtake what was sent earlier.
  void Change(absl::Duration delay, uint64_t bandwidth_bytes_per_s);

  // When the last of `bytes` that are handed in at `now` arrives. Never before what was sent
  // earlier.
  absl::Duration Send(absl::Duration now, size_t bytes);

  // From when more should be handed in: little waits in front of the line, so that a connection
  // that sends much does not make the others wait for it.
  absl::Duration ReadyAt() const;

  // What one connection may have under way: enough to fill the line, and no more.
  size_t window_bytes() const { return window_bytes_; }

 private:
  absl::Duration delay_;
  uint64_t bandwidth_bytes_per_s_;
  size_t window_bytes_;
  absl::Duration busy_until_ = -absl::InfiniteDuration();
  absl::Duration arrived_last_ = -absl::InfiniteDuration();
};

}  // namespace lab
