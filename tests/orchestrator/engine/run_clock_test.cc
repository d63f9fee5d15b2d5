#include "orchestrator/engine/run_clock.h"

#include <catch2/catch.hpp>

namespace orchestrator {
namespace {

const absl::Time kWall = absl::FromUnixSeconds(1'429'387'200);

TEST_CASE("a run's time is the wall clock at the start, moved on by the monotonic one",
          "[run_clock]") {
  const RunClock clock(kWall, absl::Seconds(500));
  CHECK(clock.Now(absl::Seconds(500)) == kWall);
  CHECK(clock.Now(absl::Seconds(530)) == kWall + absl::Seconds(30));
}

TEST_CASE("after a wall clock that was set back, time goes on from the journal's last event",
          "[run_clock]") {
  RunClock clock(kWall - absl::Hours(1), absl::Seconds(500));
  clock.GoOnFrom(kWall, absl::Seconds(501));
  CHECK(clock.Now(absl::Seconds(501)) == kWall);
  // It does not stand still until the wall clock has come so far: orders would never be late.
  CHECK(clock.Now(absl::Seconds(514)) == kWall + absl::Seconds(13));
}

TEST_CASE("a wall clock that is ahead of the journal stays as it is", "[run_clock]") {
  RunClock clock(kWall, absl::Seconds(500));
  clock.GoOnFrom(kWall - absl::Hours(1), absl::Seconds(501));
  CHECK(clock.Now(absl::Seconds(501)) == kWall + absl::Seconds(1));
}

}  // namespace
}  // namespace orchestrator
