#include "ledger/copy/pace.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"

namespace ledger {
namespace {

namespace pb = ::hamisha::ledger::v1;

constexpr uint32_t kMinutesADay = 24 * 60;
constexpr int32_t kOffsetMinutesMax = 14 * 60;
// Commits do not wait for so little, and without it terabytes would take weeks in a bad hour.
constexpr double kLeastBytesPerSecond = 4e6;
constexpr double kStandsStillBytesPerSecond = 256e3;
constexpr double kCarefulBytesPerSecond = 32e6;  // To go on with beside slow commits.
// As much as kFaster in that time: where commits take now more, now less by themselves, copies then
// settle where half of the times are above the limit, which is where their median meets it.
constexpr double kSlower = 0.86;
constexpr double kSlowerFarBeyond = 0.6;
constexpr double kFarBeyond = 1.5;
constexpr absl::Duration kSlowerEvery = absl::Seconds(1);  // One pause is not paid for four times.
constexpr double kFaster = 1.08;
constexpr double kFasterBesideSlow = 1.03;  // Half way to the limit, and beyond.
constexpr absl::Duration kLatencyLeast = absl::Milliseconds(1);
constexpr absl::Duration kBurst = absl::Milliseconds(50);  // What was not used is not lost.
constexpr absl::Duration kLookAgain = absl::Milliseconds(500);
constexpr absl::Duration kStoodStill = absl::Milliseconds(900);  // As a link that is cut.
// One second until nothing is under way any more, and then those that are judged by.
constexpr absl::Duration kListenFor = absl::Seconds(1 + CopyPace::kJudgedSeconds);
constexpr absl::Duration kListenSoon = absl::Seconds(15);
// So slow that it is hardly copies that commits wait for.
constexpr double kCrawlingBytesPerSecond = kCarefulBytesPerSecond / 4;
constexpr double kMoved = 1.5;
constexpr size_t kHeardMax = 5;
constexpr double kMovedFar = 2;

bool IsWithin(const pb::QuietHours& hours, absl::Time wall) {
  const int64_t minutes = absl::ToUnixSeconds(wall) / 60 + hours.utc_offset_minutes();
  const auto minute = static_cast<uint32_t>(minutes % kMinutesADay);
  if (hours.from_minute() <= hours.to_minute()) {
    return hours.from_minute() <= minute && minute < hours.to_minute();
  }
  return hours.from_minute() <= minute || minute < hours.to_minute();
}

}  // namespace

absl::Status CheckLimits(const pb::CopyLimits& limits) {
  const double ratio = limits.max_commit_latency_ratio();
  if (!std::isfinite(ratio) || ratio < 0 || (ratio > 0 && ratio < 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_commit_latency_ratio ", ratio, ": 1 or more, as 2, or 0 for none"));
  }
  for (const pb::QuietHours& hours : limits.quiet_hours()) {
    if (hours.from_minute() >= kMinutesADay || hours.to_minute() >= kMinutesADay ||
        hours.from_minute() == hours.to_minute()) {
      return absl::InvalidArgumentError(
          absl::StrCat("quiet_hours: from ", hours.from_minute(), " to ", hours.to_minute(),
                       ": two different minutes of a day, 0 to ", kMinutesADay - 1));
    }
    if (std::abs(hours.utc_offset_minutes()) > kOffsetMinutesMax) {
      return absl::InvalidArgumentError(absl::StrCat("quiet_hours: utc_offset_minutes ",
                                                     hours.utc_offset_minutes(), ": at most ",
                                                     kOffsetMinutesMax, " either way"));
    }
  }
  return absl::OkStatus();
}

pb::CopyLimits LimitsByDefault() {
  pb::CopyLimits limits;
  limits.set_max_commit_latency_ratio(1.25);
  return limits;
}

void CopyPace::SetLimits(pb::CopyLimits limits, absl::Duration now) {
  limits_ = std::move(limits);
  free_at_ = std::min(free_at_, now);
  if (limits_.max_commit_latency_ratio() > 0) return;
  is_free_ = true;
  by_latency_.reset();
  listening_since_.reset();
}

void CopyPace::Begin(std::optional<absl::Duration> p99) {
  if (before_ || !p99) return;
  before_ = std::max(*p99, kLatencyLeast);
  heard_ = {*before_, *before_};
  is_guess_ = false;
  is_settled_ = true;
  listening_since_.reset();
  is_free_ = true;
  judged_at_ = -absl::InfiniteDuration();
}

void CopyPace::BeginBeside(std::optional<absl::Duration> p99, absl::Duration now) {
  if (before_ || !p99) return;
  Begin(p99);
  is_guess_ = true;
  if (limits_.max_commit_latency_ratio() > 0) listening_since_ = now;
}

std::optional<double> CopyPace::RateAt(absl::Time wall) const {
  for (const pb::QuietHours& hours : limits_.quiet_hours()) {
    // The first that fits holds, whether it is slower or not.
    if (IsWithin(hours, wall)) return static_cast<double>(hours.max_bytes_per_s());
  }
  if (limits_.max_bytes_per_s() == 0) return std::nullopt;
  return static_cast<double>(limits_.max_bytes_per_s());
}

absl::Duration CopyPace::Ask(const Bytes& bytes, absl::Duration now, absl::Time wall) {
  const std::optional<double> rate = RateAt(wall);
  waits_for_commits_ = is_listening();
  if (rate == 0.0 || is_listening()) return kLookAgain;
  const bool is_limited = rate || by_latency_;
  if (is_limited && free_at_ > now) {
    waits_for_commits_ = owes_commits_;
    is_held_ |= owes_commits_;
    return std::min(free_at_ - now, kLookAgain);
  }
  since_judged_raw_bytes_ += bytes.raw;
  const double by_rate_s = rate ? static_cast<double>(bytes.sent) / *rate : 0;
  const double by_commits_s = by_latency_ ? static_cast<double>(bytes.raw) / *by_latency_ : 0;
  owes_commits_ = by_commits_s > by_rate_s;
  free_at_ = is_limited ? std::max(free_at_, now - kBurst) +
                              absl::Seconds(std::max(by_rate_s, by_commits_s))
                        : now;
  return absl::ZeroDuration();
}

bool CopyPace::WantsToListen(absl::Duration now) const {
  const bool is_crawling = by_latency_ && *by_latency_ < kCrawlingBytesPerSecond;
  const bool is_known = is_settled_ && !is_guess_;
  return now >= heard_at_ + (is_crawling || !is_known ? kListenSoon : kListenEvery);
}

void CopyPace::Heard(std::optional<absl::Duration> p99, absl::Duration now) {
  if (now < *listening_since_ + kListenFor) return;
  listening_since_.reset();
  heard_at_ = now;
  if (!p99) return;
  const absl::Duration heard = std::max(*p99, kLatencyLeast);
  is_settled_ = is_guess_ || (heard < *before_ * kMoved && heard * kMoved > *before_);
  if (std::exchange(is_guess_, false)) heard_.clear();
  if (heard_.size() == kHeardMax) heard_.erase(heard_.begin());
  heard_.push_back(heard);
  std::vector<absl::Duration> sorted = heard_;
  std::sort(sorted.begin(), sorted.end());
  before_ = sorted[(sorted.size() - 1) / 2];
}

void CopyPace::LatencyIs(std::optional<absl::Duration> p99, absl::Duration now) {
  const absl::Duration passed = std::min(now - judged_at_, absl::Seconds(10));
  const double went =
      static_cast<double>(since_judged_raw_bytes_) / std::max(absl::ToDoubleSeconds(passed), 1e-3);
  judged_at_ = now;
  since_judged_raw_bytes_ = 0;
  was_held_ = std::exchange(is_held_, false);
  const double ratio = limits_.max_commit_latency_ratio();
  const bool was_free = std::exchange(is_free_, ratio == 0 || !before_ || !p99);
  is_slow_ = !is_free_ && *p99 > ratio * *before_;
  if (is_free_) return by_latency_.reset();
  if (was_free) {
    // Slowly at first: what commits feel is known only half a second later.
    by_latency_ = kCarefulBytesPerSecond;
    heard_at_ = now;
  }
  // It cannot be so much without a copy.
  if (*p99 * kMovedFar < *before_) is_settled_ = false;
  if (WantsToListen(now)) listening_since_ = now;
  if (!is_slow_) return GoFaster(*p99 > (1 + ratio) / 2 * *before_);
  if (now < slower_at_ + kSlowerEvery) return;
  slower_at_ = now;
  // Then it was not copies that commits waited for.
  const bool stood_still = went < kStandsStillBytesPerSecond || passed > kStoodStill;
  if (stood_still) return;
  GoSlower(went, *p99 > kFarBeyond * ratio * *before_);
}

void CopyPace::GoSlower(double went, bool far_beyond) {
  // What was held went as fast as it might, whatever pieces fell into that half second.
  const double from = was_held_ ? *by_latency_ : std::min(*by_latency_, went);
  by_latency_ = std::max((far_beyond ? kSlowerFarBeyond : kSlower) * from, kLeastBytesPerSecond);
}

// A limit that nothing waits for does not grow: who comes to need it would leap.
void CopyPace::GoFaster(bool near_limit) {
  if (!was_held_ && *by_latency_ >= kCarefulBytesPerSecond) return;
  *by_latency_ *= near_limit ? kFasterBesideSlow : kFaster;
}

}  // namespace ledger
