#include "ledger/copy/commit_latency.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/invariant.h"

namespace ledger {
namespace {

int64_t SecondOf(absl::Duration time) { return absl::ToInt64Seconds(time); }

}  // namespace

int CommitLatency::BucketOf(absl::Duration took) {
  const double us = std::max(1.0, absl::ToDoubleMicroseconds(took));
  return std::min(static_cast<int>(std::log2(us) * kStepsAnOctave), kBuckets - 1);
}

void CommitLatency::Answered(absl::Duration come) {
  const absl::Duration now = clock_.MonotonicNow();
  const int64_t number = SecondOf(now);
  Second& second = seconds_[static_cast<size_t>(number % kUsualSeconds)];
  if (second.number != number) {
    second.number = kNone;  // Who looks meanwhile sees at most some of another second's.
    for (std::atomic<uint32_t>& count : second.counts) count = 0;
    second.number = number;
  }
  ++second.counts[static_cast<size_t>(BucketOf(now - come))];
}

void CommitLatency::BeginWrite() { begun_ns_ = absl::ToInt64Nanoseconds(clock_.MonotonicNow()); }

void CommitLatency::EndWrite() {
  const int64_t begun_ns = begun_ns_.exchange(kNone);
  INVARIANT(begun_ns != kNone);
}

std::optional<absl::Duration> CommitLatency::P99(int seconds) const {
  const std::optional<absl::Duration> answered = P99OfAnswered(seconds);
  const int64_t begun_ns = begun_ns_;
  if (begun_ns == kNone) return answered;
  return std::max(answered.value_or(absl::ZeroDuration()),
                  clock_.MonotonicNow() - absl::Nanoseconds(begun_ns));
}

std::optional<absl::Duration> CommitLatency::P99OfAnswered(int seconds) const {
  const int64_t now = SecondOf(clock_.MonotonicNow());
  return P99Within(now - seconds, now);
}

std::optional<absl::Duration> CommitLatency::UsualP99(int seconds) const {
  const int64_t now = SecondOf(clock_.MonotonicNow());
  std::vector<absl::Duration> p99s;
  for (int64_t last = now; last > now - kUsualSeconds; last -= seconds) {
    if (const auto p99 = P99Within(last - seconds, last)) p99s.push_back(*p99);
  }
  if (p99s.empty()) return std::nullopt;
  const auto median = p99s.begin() + static_cast<int64_t>(p99s.size() / 2);
  std::nth_element(p99s.begin(), median, p99s.end());
  return *median;
}

std::optional<absl::Duration> CommitLatency::P99Within(int64_t after, int64_t last) const {
  std::array<uint64_t, kBuckets> counts{};
  uint64_t total = 0;
  for (const Second& second : seconds_) {
    const int64_t number = second.number;
    if (number == kNone || number <= after || number > last) continue;
    for (size_t i = 0; i < counts.size(); ++i) {
      const uint32_t count = second.counts[i].load(std::memory_order_relaxed);
      counts[i] += count;
      total += count;
    }
  }
  if (total == 0) return std::nullopt;
  uint64_t above = total / 100;  // May be above it.
  for (size_t i = counts.size(); i-- > 0;) {
    if (counts[i] > above) {
      return absl::Microseconds(std::exp2(static_cast<double>(i + 1) / kStepsAnOctave));
    }
    above -= counts[i];
  }
  return std::nullopt;
}

}  // namespace ledger
