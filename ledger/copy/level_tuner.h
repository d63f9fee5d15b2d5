#pragma once

#include <cstdint>

#include "absl/time/time.h"

namespace ledger {

// Finds how hard to compress: harder while the link is what the copy waits for and it gets faster
// by it, less when compressing is. Pure; not thread-safe.
class LevelTuner {
 public:
  struct Sent {
    uint64_t raw_bytes;
    absl::Duration compressing;
    absl::Duration waiting;  // For the link to take it.
  };

  int level() const { return level_; }
  // One piece has gone, at the monotonic time `now`.
  void Note(const Sent& sent, absl::Duration now);

 private:
  void Decide(double bytes_per_s);

  int level_ = 0;
  // Since the last decision.
  absl::Duration since_ = -absl::InfiniteDuration();
  int pieces_ = 0;
  uint64_t raw_bytes_ = 0;
  absl::Duration compressing_;
  absl::Duration waiting_;
  absl::Duration longest_pause_;  // Between two pieces.
  absl::Duration last_;           // When the last piece had gone.

  bool is_trying_ = false;  // The level was raised at the last decision,
  double before_ = 0;       // where it made so many bytes a second.
  int rest_ = 0;            // Decisions until it is raised again.
  int rest_next_ = 1;
};

}  // namespace ledger
