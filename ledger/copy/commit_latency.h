#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "base/clock.h"

namespace ledger {

// How long commits of the last seconds took. Any thread may ask, without a lock: who asks may be
// kept from its processor for long, and commits must not wait for it.
class CommitLatency {
 public:
  static constexpr int kSeconds = 10;

  // `clock` must outlive it.
  explicit CommitLatency(const base::Clock& clock) : clock_(clock) {}

  // One begins: one at a time, as they end.
  void Begin();
  // It is durable now.
  void End();
  // Of the last `seconds`, 1 to kSeconds, within 10 % above, and no less than the age of the one
  // under way: commits that hang are slow ones too. None when there was no commit.
  std::optional<absl::Duration> P99(int seconds = kSeconds) const;
  // The same of those that have ended.
  std::optional<absl::Duration> P99OfEnded(int seconds = kSeconds) const;

 private:
  static constexpr int64_t kNone = -1;
  static constexpr int kStepsAnOctave = 8;
  static constexpr int kBuckets = 30 * kStepsAnOctave;
  // A second's commits by their time in µs.
  struct Second {
    std::atomic<int64_t> number = kNone;
    std::array<std::atomic<uint32_t>, kBuckets> counts{};
  };
  static int BucketOf(absl::Duration took);

  const base::Clock& clock_;
  std::array<Second, kSeconds> seconds_;
  std::atomic<int64_t> begun_ns_ = kNone;  // When the one under way did.
};

}  // namespace ledger
