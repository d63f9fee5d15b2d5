#include "lab/relay/pacer.h"

#include <algorithm>

namespace lab {
namespace {

constexpr absl::Duration kBacklogMax = absl::Milliseconds(5);
constexpr size_t kWindowBytesMin = 4 << 20;

size_t WindowBytes(absl::Duration delay, uint64_t bandwidth_bytes_per_s) {
  const double line =
      static_cast<double>(bandwidth_bytes_per_s) * absl::ToDoubleSeconds(delay + 2 * kBacklogMax);
  return std::max(kWindowBytesMin, static_cast<size_t>(line));
}

}  // namespace

Pacer::Pacer(absl::Duration delay, uint64_t bandwidth_bytes_per_s)
    : delay_(delay),
      bandwidth_bytes_per_s_(bandwidth_bytes_per_s),
      window_bytes_(WindowBytes(delay, bandwidth_bytes_per_s)) {}

void Pacer::Change(absl::Duration delay, uint64_t bandwidth_bytes_per_s) {
  delay_ = delay;
  bandwidth_bytes_per_s_ = bandwidth_bytes_per_s;
  window_bytes_ = WindowBytes(delay, bandwidth_bytes_per_s);
}

absl::Duration Pacer::Send(absl::Duration now, size_t bytes) {
  busy_until_ = std::max(busy_until_, now);
  if (bandwidth_bytes_per_s_ > 0) {
    busy_until_ +=
        absl::Seconds(static_cast<double>(bytes) / static_cast<double>(bandwidth_bytes_per_s_));
  }
  arrived_last_ = std::max(arrived_last_, busy_until_ + delay_);
  return arrived_last_;
}

absl::Duration Pacer::ReadyAt() const { return busy_until_ - kBacklogMax; }

}  // namespace lab
