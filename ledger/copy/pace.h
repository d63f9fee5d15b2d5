#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "hamisha/ledger/v1/copy.pb.h"

namespace ledger {

// INVALID_ARGUMENT says what is wrong with them.
absl::Status CheckLimits(const ::hamisha::ledger::v1::CopyLimits& limits);
// What holds where nobody has set any: no rate, and at most a quarter more of commit latency: a
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
  // it. Loads change while a copy goes on for hours: in pauses it is heard anew.
  void Begin(std::optional<absl::Duration> p99);
  // The same beside a copy that nobody has held back, whose share in it is not known: to be heard.
  void BeginBeside(std::optional<absl::Duration> p99, absl::Duration now);
  void Forget() { before_.reset(); }
  std::optional<absl::Duration> before() const { return before_; }

  // Of a piece: a rate is of what the link carries; commits feel what is read and compressed, which
  // may be many times as much.
  struct Bytes {
    uint64_t raw = 0;
    uint64_t sent = 0;
  };
  // Zero: they may go now, and are counted. Else how long to wait before asking again.
  absl::Duration Ask(const Bytes& bytes, absl::Duration now, absl::Time wall);
  // The last wait was for commits, and not for a rate.
  bool waits_for_commits() const { return waits_for_commits_; }
  // Whether Heard(), while it is listening, or else LatencyIs() is to be told by now.
  bool WantsLatency(absl::Duration now) const { return now >= judged_at_ + kJudgeEvery; }
  bool is_listening() const { return listening_since_.has_value(); }
  // What commits of the last kJudgedSeconds took, or else of the last kSeldomSeconds; none: there
  // were none.
  void LatencyIs(std::optional<absl::Duration> p99, absl::Duration now);
  // What those took that were answered in the last kJudgedSeconds. Once the pause has been long
  // enough it ends. What commits take without a copy is the median of what was heard in the last
  // pauses, in which what was known before them counts for two: neither a bad moment lets copies
  // loose, nor does a good one stop them.
  void Heard(std::optional<absl::Duration> p99, absl::Duration now);
  // Commits make it slower than the link and the rates would let it.
  bool is_backing_off() const { return is_listening() || is_slow_ || is_held_ || was_held_; }

  static constexpr int kJudgedSeconds = 2;
  static constexpr int kSeldomSeconds = 5;
  static constexpr absl::Duration kListenEvery = absl::Minutes(2);

 private:
  static constexpr absl::Duration kJudgeEvery = absl::Milliseconds(500);

  // Bytes a second that an operator allows at that time; none: as fast as it goes.
  std::optional<double> RateAt(absl::Time wall) const;
  bool WantsToListen(absl::Duration now) const;
  void GoSlower(double went, bool far_beyond);
  void GoFaster(bool near_limit);

  ::hamisha::ledger::v1::CopyLimits limits_;
  std::optional<absl::Duration> before_;
  std::vector<absl::Duration> heard_;              // At most kHeardMax, the newest last.
  bool is_guess_ = false;                          // That was measured beside a copy.
  bool is_settled_ = true;                         // It hardly moved when it was last heard.
  std::optional<absl::Duration> listening_since_;  // No copy goes, to hear what commits take then.
  absl::Duration heard_at_ = -absl::InfiniteDuration();

  std::optional<double> by_latency_;  // Raw bytes a second.
  bool waits_for_commits_ = false;
  bool owes_commits_ = false;  // What was let go last is paid for by that, and not by a rate.
  bool is_held_ = false;       // Something waited for by_latency_ since it was judged,
  bool was_held_ = false;      // and in the time before that.
  bool is_slow_ = false;       // Commits took too long when it was judged.
  bool is_free_ = true;        // When it was judged there was nobody to hold it back.
  absl::Duration judged_at_ = -absl::InfiniteDuration();
  absl::Duration slower_at_ = -absl::InfiniteDuration();  // When it last became so.
  uint64_t since_judged_raw_bytes_ = 0;
  absl::Duration free_at_ = -absl::InfiniteDuration();  // When what was let go is paid for.
};

}  // namespace ledger
