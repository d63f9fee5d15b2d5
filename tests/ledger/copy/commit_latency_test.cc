#include "ledger/copy/commit_latency.h"

#include <catch2/catch.hpp>

namespace ledger {
namespace {

void Commit(base::ManualClock& clock, CommitLatency& latency, absl::Duration took) {
  const absl::Duration come = latency.Come();
  clock.Advance(took);
  latency.Answered(come);
}

TEST_CASE("without a commit there is no latency", "[copy]") {
  const base::ManualClock clock(absl::UnixEpoch());
  CHECK_FALSE(CommitLatency(clock).P99());
}

TEST_CASE("the p99 is that of one in a hundred, within ten per cent above", "[copy]") {
  base::ManualClock clock(absl::UnixEpoch());
  CommitLatency latency(clock);
  for (int i = 0; i < 98; ++i) Commit(clock, latency, absl::Milliseconds(1));
  Commit(clock, latency, absl::Milliseconds(50));
  Commit(clock, latency, absl::Milliseconds(80));
  const auto p99 = latency.P99();
  REQUIRE(p99);
  CHECK(*p99 >= absl::Milliseconds(50));
  CHECK(*p99 <= absl::Milliseconds(55));
}

TEST_CASE("what is older than asked for does not count", "[copy]") {
  base::ManualClock clock(absl::UnixEpoch());
  CommitLatency latency(clock);
  Commit(clock, latency, absl::Milliseconds(80));
  clock.Advance(absl::Seconds(3));
  Commit(clock, latency, absl::Milliseconds(1));
  CHECK(latency.P99(2) < absl::Milliseconds(2));
  CHECK(latency.P99() > absl::Milliseconds(50));
  clock.Advance(absl::Seconds(11));
  CHECK_FALSE(latency.P99());
}

TEST_CASE("bursts of slow commits are not what they usually take", "[copy]") {
  base::ManualClock clock(absl::UnixEpoch());
  CommitLatency latency(clock);
  CHECK_FALSE(latency.UsualP99(2));
  for (const int took_ms : {4, 1, 2, 400, 3, 300, 3}) {
    Commit(clock, latency, absl::Milliseconds(took_ms));
    clock.Advance(absl::Seconds(2) - absl::Milliseconds(took_ms));
  }
  CHECK(latency.P99OfAnswered() > absl::Milliseconds(400));
  REQUIRE(latency.UsualP99(2));
  CHECK(*latency.UsualP99(2) > absl::Milliseconds(3));
  CHECK(*latency.UsualP99(2) < absl::Milliseconds(3.3));
}

TEST_CASE("what commits usually take is that of the time that has any", "[copy]") {
  base::ManualClock clock(absl::UnixEpoch());
  CommitLatency latency(clock);
  Commit(clock, latency, absl::Milliseconds(4));
  clock.Advance(absl::Seconds(50));
  REQUIRE(latency.UsualP99(2));
  CHECK(*latency.UsualP99(2) > absl::Milliseconds(4));
  clock.Advance(absl::Seconds(11));
  CHECK_FALSE(latency.UsualP99(2));
}

TEST_CASE("a commit that hangs takes as long as it has so far", "[copy]") {
  base::ManualClock clock(absl::UnixEpoch());
  CommitLatency latency(clock);
  Commit(clock, latency, absl::Milliseconds(1));
  latency.BeginWrite();
  clock.Advance(absl::Seconds(5));
  CHECK(latency.P99(2) == absl::Seconds(5));
  CHECK(latency.P99OfAnswered() < absl::Milliseconds(2));
  latency.EndWrite();
  clock.Advance(absl::Seconds(3));
  CHECK_FALSE(latency.P99(2));
}

}  // namespace
}  // namespace ledger
