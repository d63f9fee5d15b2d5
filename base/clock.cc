#include "base/clock.h"

#include <ctime>

namespace base {
namespace {

timespec Read(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now;
}

class RealClock final : public Clock {
 public:
  absl::Time WallNow() const override { return absl::TimeFromTimespec(Read(CLOCK_REALTIME)); }
  absl::Duration MonotonicNow() const override {
    return absl::DurationFromTimespec(Read(CLOCK_MONOTONIC));
  }
};

}  // namespace

const Clock& SystemClock() {
  static const RealClock clock;
  return clock;
}

absl::Duration ThreadProcessorTime() {
  return absl::DurationFromTimespec(Read(CLOCK_THREAD_CPUTIME_ID));
}

}  // namespace base
