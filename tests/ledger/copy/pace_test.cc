#include "ledger/copy/pace.h"

#include <catch2/catch.hpp>
#include <random>

namespace ledger {
namespace {

namespace pb = ::hamisha::ledger::v1;

constexpr uint64_t kBytes = 1'000'000;
constexpr absl::Duration kP99 = absl::Milliseconds(3);

pb::CopyLimits Rate(uint64_t bytes_per_s) {
  pb::CopyLimits limits;
  limits.set_max_bytes_per_s(bytes_per_s);
  return limits;
}

// A copy that always has more to send, beside commits that take `p99`; none: nobody commits.
class Sender {
 public:
  explicit Sender(const pb::CopyLimits& limits) : pace(limits) {}

  // Bytes a second over that time; what goes takes at least 1 ms.
  double Run(absl::Duration time, std::optional<absl::Duration> p99 = kP99) {
    uint64_t sent = 0;
    const absl::Duration end = now + time;
    while (now < end) {
      if (pace.WantsLatency(now)) {
        pace.is_listening() ? pace.Heard(p99, now) : pace.LatencyIs(p99, now);
      }
      const absl::Duration wait = pace.Ask({.raw = raw_bytes, .sent = kBytes}, now, start + now);
      if (wait == absl::ZeroDuration()) sent += kBytes;
      now += wait == absl::ZeroDuration() ? absl::Milliseconds(1) : std::min(wait, end - now);
    }
    return static_cast<double>(sent) / absl::ToDoubleSeconds(time);
  }

  CopyPace pace;
  uint64_t raw_bytes = kBytes;                              // Of which kBytes are sent.
  absl::Time start = absl::FromUnixSeconds(1'429'315'200);  // 2015-04-18, 00:00 UTC.
  absl::Duration now = absl::Seconds(50);
};

TEST_CASE("copies go no faster than the rate", "[copy]") {
  Sender sender(Rate(50'000'000));
  CHECK(sender.Run(absl::Seconds(10)) == Approx(50e6).epsilon(0.03));
}

TEST_CASE("a rate is of what is sent, and what commits hold back is what it is made of", "[copy]") {
  Sender by_rate(Rate(50'000'000));
  by_rate.raw_bytes = 5 * kBytes;
  CHECK(by_rate.Run(absl::Seconds(10)) == Approx(50e6).epsilon(0.03));
  Sender by_commits(LimitsByDefault());
  by_commits.raw_bytes = 5 * kBytes;
  by_commits.pace.Begin(kP99);
  CHECK(by_commits.Run(absl::Seconds(1)) < 60e6 / 5);
}

TEST_CASE("a rate that is changed holds from then on", "[copy]") {
  Sender sender(Rate(1'000'000));
  CHECK(sender.Run(absl::Seconds(20)) == Approx(1e6).epsilon(0.1));
  sender.pace.SetLimits(Rate(200'000'000), sender.now);
  CHECK(sender.Run(absl::Seconds(10)) == Approx(200e6).epsilon(0.1));
  sender.pace.SetLimits(pb::CopyLimits(), sender.now);
  CHECK(sender.Run(absl::Seconds(10)) > 900e6);
}

TEST_CASE("what was not used for long is not made up for", "[copy]") {
  Sender sender(Rate(10'000'000));
  sender.Run(absl::Seconds(1));
  sender.now += absl::Hours(1);
  CHECK(sender.Run(absl::Seconds(10)) < 11.5e6);
}

TEST_CASE("quiet hours have a rate of their own, also over midnight, by their own clock",
          "[copy]") {
  pb::CopyLimits limits = Rate(100'000'000);
  pb::QuietHours& hours = *limits.add_quiet_hours();
  hours.set_from_minute(22 * 60);
  hours.set_to_minute(6 * 60);
  hours.set_max_bytes_per_s(2'000'000);
  hours.set_utc_offset_minutes(180);
  Sender sender(limits);  // 03:00 there.
  CHECK(sender.Run(absl::Seconds(10)) == Approx(2e6).epsilon(0.1));
  sender.now += absl::Hours(3) - absl::Seconds(20);
  sender.Run(absl::Seconds(20));  // 06:00 there.
  CHECK(sender.Run(absl::Seconds(10)) == Approx(100e6).epsilon(0.1));
  sender.now += absl::Hours(16);
  CHECK(sender.Run(absl::Seconds(10)) == Approx(2e6).epsilon(0.1));
}

TEST_CASE("quiet hours without a rate stop all", "[copy]") {
  pb::CopyLimits limits;
  pb::QuietHours& hours = *limits.add_quiet_hours();
  hours.set_to_minute(60);
  Sender sender(limits);
  CHECK(sender.Run(absl::Minutes(59)) == 0);
  sender.Run(absl::Minutes(2));
  CHECK(sender.Run(absl::Seconds(1)) > 900e6);
}

TEST_CASE("while commits take too long copies slow down, and come back after it", "[copy]") {
  Sender sender(LimitsByDefault());
  sender.pace.Begin(kP99);
  sender.Run(absl::Seconds(60), kP99);
  CHECK(sender.Run(absl::Seconds(5), 1.25 * kP99) > 900e6);
  sender.Run(absl::Seconds(10), 3 * kP99);
  CHECK(sender.pace.is_backing_off());
  CHECK(sender.Run(absl::Seconds(5), 3 * kP99) < 20e6);
  sender.Run(absl::Seconds(60), kP99);
  CHECK(sender.Run(absl::Seconds(5), kP99) > 900e6);
  CHECK_FALSE(sender.pace.is_backing_off());
}

TEST_CASE("a copy begins slowly, and grows faster the less commits feel of it", "[copy]") {
  Sender alone(LimitsByDefault());
  alone.pace.Begin(kP99);
  CHECK(alone.Run(absl::Seconds(1), kP99) < 60e6);
  alone.Run(absl::Seconds(9), kP99);
  Sender felt(LimitsByDefault());
  felt.pace.Begin(kP99);
  felt.Run(absl::Seconds(5), 1.2 * kP99);
  CHECK(felt.Run(absl::Seconds(1), 1.2 * kP99) < 60e6);
  CHECK(alone.Run(absl::Seconds(1), kP99) > 100e6);
  CHECK(felt.Run(absl::Minutes(2), 1.2 * kP99) > 500e6);
}

TEST_CASE("while nobody commits a copy goes at full speed, and begins slowly beside who comes",
          "[copy]") {
  Sender sender(LimitsByDefault());
  sender.pace.Begin(kP99);
  CHECK(sender.Run(absl::Seconds(1), std::nullopt) > 900e6);
  sender.Run(absl::Seconds(1), kP99);
  CHECK(sender.Run(absl::Seconds(1), kP99) < 60e6);
}

TEST_CASE("when a share of commit latency is set while a copy goes, it begins slowly", "[copy]") {
  Sender sender(Rate(0));
  sender.pace.Begin(kP99);
  sender.Run(absl::Seconds(5), kP99);
  sender.pace.SetLimits(LimitsByDefault(), sender.now);
  sender.Run(absl::Seconds(1), kP99);
  CHECK(sender.Run(absl::Seconds(1), kP99) < 60e6);
}

TEST_CASE("where no share of commit latency is set a copy begins at full speed", "[copy]") {
  Sender sender(Rate(0));
  sender.pace.Begin(kP99);
  CHECK(sender.Run(absl::Seconds(1), kP99) > 900e6);
}

TEST_CASE("what commits take while nothing is sent makes a copy careful, but not slow", "[copy]") {
  Sender sender(LimitsByDefault());
  sender.pace.Begin(kP99);
  SECTION("before anything was") { sender.pace.LatencyIs(10 * kP99, sender.now); }
  SECTION("while the link is cut") {
    sender.Run(absl::Seconds(5), kP99);
    sender.now += absl::Seconds(1);
    sender.pace.LatencyIs(10 * kP99, sender.now);
  }
  SECTION("while the link is cut and commits were slow already") {
    sender.pace.LatencyIs(10 * kP99, sender.now);
    sender.Run(absl::Seconds(5), kP99);
    for (int cut = 0; cut < 10; ++cut) {
      sender.now += absl::Seconds(1);
      sender.pace.LatencyIs(10 * kP99, sender.now);
    }
  }
  CHECK(sender.Run(absl::Seconds(1), kP99) > 25e6);
  CHECK(sender.pace.is_backing_off());
}

TEST_CASE("however slow commits are, a copy goes on at 4 MB/s", "[copy]") {
  Sender sender(LimitsByDefault());
  sender.pace.Begin(kP99);
  sender.Run(absl::Minutes(10), 100 * kP99);
  CHECK(sender.Run(absl::Minutes(1), 100 * kP99) > 3e6);
}

TEST_CASE("what commits took before is asked for once, until all copies have ended", "[copy]") {
  Sender sender(LimitsByDefault());
  sender.pace.Begin(kP99);
  sender.pace.Begin(10 * kP99);  // After a break: the copy itself made them slow.
  sender.Run(absl::Seconds(5), 5 * kP99);
  CHECK(sender.pace.is_backing_off());
  sender.pace.Forget();
  sender.pace.Begin(10 * kP99);
  sender.Run(absl::Seconds(60), 5 * kP99);
  CHECK_FALSE(sender.pace.is_backing_off());
}

TEST_CASE("when commits come to take longer without it, a copy does not crawl for it", "[copy]") {
  Sender sender(LimitsByDefault());
  sender.pace.Begin(kP99);
  sender.Run(absl::Seconds(30), 3 * kP99);  // As by day what began by night.
  CHECK(sender.Run(absl::Seconds(5), 3 * kP99) < 20e6);
  sender.Run(absl::Minutes(5), 3 * kP99);
  CHECK(sender.Run(absl::Minutes(1), 3 * kP99) > 100e6);
  CHECK(sender.pace.before() > 2 * kP99);
}

TEST_CASE("when commits come to take less without it, a copy leaves them that", "[copy]") {
  Sender sender(LimitsByDefault());
  sender.pace.Begin(4 * kP99);
  sender.Run(absl::Minutes(30), kP99);
  CHECK(sender.pace.before() < 1.1 * kP99);
  sender.Run(absl::Seconds(10), 2 * kP99);
  CHECK(sender.Run(absl::Seconds(5), 2 * kP99) < 20e6);
}

TEST_CASE("what a copy itself adds to commits is not taken for what they take without it",
          "[copy]") {
  Sender sender(LimitsByDefault());
  sender.pace.Begin(kP99);
  double rate = 0;
  double sent = 0;
  for (int half_seconds = 0; half_seconds < 7'200; ++half_seconds) {
    rate = sender.Run(absl::Milliseconds(500), kP99 * (1 + rate / 200e6));
    sent += rate / 2;
  }
  CHECK(sender.pace.before() == kP99);
  CHECK(sent / 3'600 > 30e6);  // At 50 MB/s they take a quarter more.
  CHECK(sent / 3'600 < 50e6);
}

TEST_CASE("one bad moment does not change what commits take without a copy", "[copy]") {
  Sender sender(LimitsByDefault());
  sender.pace.Begin(kP99);
  sender.Run(CopyPace::kListenEvery + absl::Seconds(1), kP99);
  sender.Run(absl::Seconds(3), 1'000 * kP99);
  CHECK(sender.pace.before() == kP99);
}

// Commits that take now more, now less by themselves, as on a machine that others share, and more
// the faster a copy goes: a quarter more at 50 MB/s. What it sends in an hour, a second.
double RateBesideNoise(uint32_t seed) {
  std::mt19937 random(seed);
  std::lognormal_distribution<double> noise(0, 0.6);
  Sender sender(LimitsByDefault());
  sender.pace.Begin(kP99);
  double sent = 0;
  double by_itself = 1;
  double rate = 0;
  for (int half_seconds = 0; half_seconds < 7'200; ++half_seconds) {
    if (half_seconds % (2 * CopyPace::kJudgedSeconds) == 0) by_itself = noise(random);
    rate = sender.Run(absl::Milliseconds(500), kP99 * by_itself * (1 + rate / 200e6));
    sent += rate / 2;
  }
  return sent / 3'600;
}

TEST_CASE("commits that vary by themselves neither stop a copy nor let it loose", "[copy]") {
  for (const uint32_t seed : {1U, 2U, 3U, 4U, 5U}) {
    CAPTURE(seed);
    CHECK(RateBesideNoise(seed) > 15e6);
    CHECK(RateBesideNoise(seed) < 100e6);
  }
}

TEST_CASE("what commits took in a bad hour is forgotten soon after it", "[copy]") {
  Sender sender(LimitsByDefault());
  sender.pace.Begin(kP99);
  sender.Run(absl::Minutes(10), 50 * kP99);
  CHECK(sender.pace.before() > 20 * kP99);
  sender.Run(absl::Minutes(3), kP99);
  CHECK(sender.pace.before() < 1.5 * kP99);
}

TEST_CASE("when nobody commits in such a pause nothing is learnt", "[copy]") {
  Sender sender(LimitsByDefault());
  sender.pace.Begin(kP99);
  sender.Run(CopyPace::kListenEvery + absl::Seconds(1), kP99);
  REQUIRE(sender.pace.is_listening());
  sender.Run(absl::Seconds(5), std::nullopt);
  CHECK_FALSE(sender.pace.is_listening());
  CHECK(sender.pace.before() == kP99);
}

TEST_CASE("commits that come while a copy goes at full speed are heard without it first",
          "[copy]") {
  Sender sender(LimitsByDefault());
  sender.Run(absl::Seconds(5), std::nullopt);
  sender.pace.BeginBeside(10 * kP99, sender.now);
  CHECK(sender.Run(absl::Seconds(3), kP99) == 0);
  CHECK(sender.pace.is_backing_off());
  CHECK(sender.Run(absl::Seconds(1), kP99) < 60e6);
  CHECK(sender.pace.before() == kP99);
}

TEST_CASE("a limit by commits that a slower one hides does not grow meanwhile", "[copy]") {
  pb::CopyLimits limits = LimitsByDefault();
  SECTION("a rate") { limits.set_max_bytes_per_s(5'000'000); }
  SECTION("quiet hours with one") {
    pb::QuietHours& hours = *limits.add_quiet_hours();
    hours.set_to_minute(60);
    hours.set_max_bytes_per_s(5'000'000);
  }
  SECTION("quiet hours without one") { limits.add_quiet_hours()->set_to_minute(60); }
  Sender sender(limits);
  sender.pace.Begin(kP99);
  sender.Run(absl::Minutes(5), kP99);
  CHECK_FALSE(sender.pace.is_backing_off());
  sender.pace.SetLimits(LimitsByDefault(), sender.now);
  CHECK(sender.Run(absl::Seconds(1), kP99) < 60e6);
}

TEST_CASE("a share of commit latency that is given up and set again begins anew", "[copy]") {
  Sender sender(LimitsByDefault());
  sender.pace.Begin(kP99);
  sender.Run(absl::Seconds(5), kP99);
  sender.pace.SetLimits(Rate(0), sender.now);
  sender.pace.SetLimits(LimitsByDefault(), sender.now);
  sender.Run(absl::Seconds(1), kP99);
  CHECK(sender.Run(absl::Seconds(1), kP99) < 60e6);
}

TEST_CASE("to hear what commits take without it a copy gives up little of its time", "[copy]") {
  Sender sender(LimitsByDefault());
  sender.pace.Begin(kP99);
  sender.Run(absl::Minutes(1), kP99);
  CHECK(sender.Run(absl::Minutes(20), kP99) > 970e6);
}

TEST_CASE("commits that were never slow count as a millisecond", "[copy]") {
  Sender sender(LimitsByDefault());
  sender.pace.Begin(absl::Microseconds(100));
  sender.Run(absl::Seconds(60), absl::Milliseconds(0.9));
  sender.Run(absl::Seconds(5), absl::Milliseconds(1.2));
  CHECK_FALSE(sender.pace.is_backing_off());
  sender.Run(absl::Seconds(5), absl::Milliseconds(1.4));
  CHECK(sender.pace.is_backing_off());
}

TEST_CASE("without commits before it a copy is measured by the first that come", "[copy]") {
  Sender sender(LimitsByDefault());
  sender.pace.Begin(std::nullopt);
  sender.Run(absl::Seconds(5), 5 * kP99);
  CHECK_FALSE(sender.pace.is_backing_off());
  sender.pace.Begin(kP99);
  sender.Run(absl::Seconds(5), 5 * kP99);
  CHECK(sender.pace.is_backing_off());
}

TEST_CASE("limits that mean nothing are refused", "[copy]") {
  pb::CopyLimits limits;
  SECTION("a ratio under one") { limits.set_max_commit_latency_ratio(0.5); }
  SECTION("a negative ratio") { limits.set_max_commit_latency_ratio(-1); }
  SECTION("a minute after midnight") { limits.add_quiet_hours()->set_from_minute(1'440); }
  SECTION("hours that never begin") { limits.add_quiet_hours()->set_from_minute(0); }
  SECTION("a zone that is none") {
    pb::QuietHours& hours = *limits.add_quiet_hours();
    hours.set_to_minute(1);
    hours.set_utc_offset_minutes(900);
  }
  CHECK(absl::IsInvalidArgument(CheckLimits(limits)));
  CHECK(CheckLimits(LimitsByDefault()).ok());
}

}  // namespace
}  // namespace ledger
