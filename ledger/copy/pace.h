#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "hamisha/ledger/v1/copy.pb.h"

namespace ledger {

// INVALID_ARGUMENT says what is wrong with them.
absl::Status CheckLimits(const ::hamisha::ledger::v1::CopyLimits& limits);
// What holds where nobody has set any: no rate, and at most half as much again of commit latency: a
// node sees less than its clients do, whose p99 is to be at most doubled.
::hamisha::ledger::v1::CopyLimits LimitsByDefault();

// How fast copies may go: by an operator's limits, by the hour, and by what commits take meanwhile.
// Pure; not thread-safe. Times of `now` are monotonic.
class CopyPace {
 public:
  explicit CopyPace(::hamisha::ledger::v1::CopyLimits limits) : limits_(std::move(limits)) {}

  const ::hamisha::ledger::v1::CopyLimits& limits() const { return limits_; }
  // Checked ones. They hold from the next Ask() on.
  void SetLimits(::hamisha::ledger::v1::CopyLimits limits, absl::Duration now);

  // What commits take without a copy, until Forget(); until it is known, and while there are none,
  // commits hold nothing back; beside them a copy begins slowly, and goes faster while they allow
  // it. Loads change while a copy goes on for hours: in pauses it is heard anew, and moves by at
  // most a quarter at once.
  void Begin(std::optional<absl::Duration> p99);
  void Forget() { before_.reset(); }
  std::optional<absl::Duration> before() const { return before_; }

  // Zero: they may go now, and are counted. Else how long to wait before asking again.
  absl::Duration Ask(uint64_t bytes, absl::Duration now, absl::Time wall);
  // Whether LatencyIs() is to be told by now.
  bool WantsLatency(absl::Duration now) const { return now >= judged_at_ + kJudgeEvery; }
  // What commits of the last kJudgedSeconds took, or else of the last kSeldomSeconds; none: there
  // were none.
  void LatencyIs(std::optional<absl::Duration> p99, absl::Duration now);
  bool is_backing_off() const { return by_latency_ || listening_since_; }

  static constexpr int kJudgedSeconds = 2;
  static constexpr int kSeldomSeconds = 5;
  static constexpr absl::Duration kListenEvery = absl::Minutes(2);

 private:
  static constexpr absl::Duration kJudgeEvery = absl::Milliseconds(500);

  // Bytes a second at that time; none: as fast as it goes.
  std::optional<double> RateAt(absl::Time wall) const;
  // What commits of the last seconds took, while no copy goes.
  void Hear(absl::Duration p99, absl::Duration now);
  bool WantsToListen(absl::Duration now) const;

  ::hamisha::ledger::v1::CopyLimits limits_;
  std::optional<absl::Duration> before_;
  std::optional<absl::Duration> listening_since_;  // No copy goes, to hear what commits take then.
  absl::Duration heard_at_ = -absl::InfiniteDuration();
  std::optional<double> by_latency_;  // Bytes a second.
  bool is_free_ = true;               // When it was judged there was nobody to hold it back.
  absl::Duration judged_at_ = -absl::InfiniteDuration();
  absl::Duration slower_at_ = -absl::InfiniteDuration();  // When it last became so.
  uint64_t since_judged_bytes_ = 0;
  absl::Duration free_at_ = -absl::InfiniteDuration();  // When what was let go is paid for.
};

}  // namespace ledger
