#include "base/clock.h"

#include <ctime>

namespace base {
namespace {

class RealClock final : public Clock {
 public:
  absl::Time WallNow() const override { return absl::TimeFromTimespec(Read(CLOCK_REALTIME)); }
  absl::Duration MonotonicNow() const override {
    return absl::DurationFromTimespec(Read(CLOCK_MONOTONIC));
  }

 private:
  static timespec Read(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return now;
  }
};

}  // namespace

const Clock& SystemClock() {
  static const RealClock clock;
  return clock;
}

}  // namespace base
