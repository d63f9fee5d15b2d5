#pragma once

#include <algorithm>

#include "absl/time/time.h"

namespace orchestrator {

// The time of a run's events: the wall clock as it was when the process started, moved on by the
// monotonic one. It never goes back, also not behind what an earlier process wrote; and where the
// wall clock was set back between two processes it goes on from there, so that deadlines pass.
class RunClock {
 public:
  RunClock(absl::Time wall, absl::Duration monotonic) : base_(wall - monotonic) {}

  // An event of `time` is in the journal.
  void GoOnFrom(absl::Time time, absl::Duration monotonic) {
    base_ = std::max(base_, time - monotonic);
  }

  absl::Time Now(absl::Duration monotonic) const {
    return absl::FromUnixNanos(absl::ToUnixNanos(base_ + monotonic));  // As journals keep it.
  }

 private:
  absl::Time base_;  // When the monotonic clock said 0.
};

}  // namespace orchestrator
