#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "base/clock.h"

namespace ledger {

// How long clients waited for their commits in the last seconds. Any thread may ask, without a
// lock: who asks may be kept from its processor for long, and commits must not wait for it.
class CommitLatency {
 public:
  static constexpr int kSeconds = 10;
  static constexpr int kUsualSeconds = 60;  // That are kept.

  // `clock` must outlive it.
  explicit CommitLatency(const base::Clock& clock) : clock_(clock) {}

  // A batch of a client's has come: what to answer it with.
  absl::Duration Come() const { return clock_.MonotonicNow(); }
  // It is durable, and answered. One at a time.
  void Answered(absl::Duration come);
  // The log begins to write some of them, one write at a time, and has ended.
  void BeginWrite();
  void EndWrite();
  // Of those answered in the last `seconds`, 1 to kUsualSeconds, within 10 % above, and no less
  // than the age of the write under way: commits that hang are slow ones too. None when there was
  // neither.
  std::optional<absl::Duration> P99(int seconds = kSeconds) const;
  // The same without the write under way.
  std::optional<absl::Duration> P99OfAnswered(int seconds = kSeconds) const;
  // The median of what P99OfAnswered(seconds) was in the last kUsualSeconds, in those times that
  // have any: bursts of slow ones do not move it. `seconds` divides kUsualSeconds.
  std::optional<absl::Duration> UsualP99(int seconds) const;

 private:
  static constexpr int64_t kNone = -1;
  static constexpr int kStepsAnOctave = 8;
  static constexpr int kBuckets = 30 * kStepsAnOctave;
  // A second's answers by their time in µs.
  struct Second {
    std::atomic<int64_t> number = kNone;
    std::array<std::atomic<uint32_t>, kBuckets> counts{};
  };
  static int BucketOf(absl::Duration took);
  // Of those answered after the second `after` and up to `last`.
  std::optional<absl::Duration> P99Within(int64_t after, int64_t last) const;

  const base::Clock& clock_;
  std::array<Second, kUsualSeconds> seconds_;
  std::atomic<int64_t> begun_ns_ = kNone;  // When the write under way did.
};

}  // namespace ledger
