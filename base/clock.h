#pragma once

#include "absl/time/time.h"

namespace base {

// The only source of time in this code base. Inject it; never call absl::Now().
// Implementations are safe for any thread.
class Clock {
 public:
  virtual ~Clock() = default;

  // Wall time, for people and records: may jump.
  virtual absl::Time WallNow() const = 0;

  // Time since an arbitrary start, for machines: timeouts, rates. Never goes back.
  virtual absl::Duration MonotonicNow() const = 0;
};

// The machine's clock. Lives for ever.
const Clock& SystemClock();

// What of a processor the calling thread has had so far: unlike the time on a clock, it stands
// while the thread waits for one.
absl::Duration ThreadProcessorTime();

// A clock that stands still until moved. Not thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(absl::Time wall) : wall_(wall) {}
  absl::Time WallNow() const override { return wall_; }
  absl::Duration MonotonicNow() const override { return monotonic_; }
  void Advance(absl::Duration by) {
    wall_ += by;
    monotonic_ += by;
  }

 private:
  absl::Time wall_;
  absl::Duration monotonic_ = absl::ZeroDuration();
};

}  // namespace base
