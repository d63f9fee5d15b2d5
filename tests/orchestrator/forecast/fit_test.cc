#include "orchestrator/forecast/fit.h"

#include <catch2/catch.hpp>

#include "tests/orchestrator/forecast/profiles.h"

namespace orchestrator {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1429387200);

Window WindowOf(absl::Duration length, absl::Duration reserve) {
  return {.start = kStart, .end = kStart + length, .rollback_reserve = reserve};
}

// Forward 1,100 s at P90, back 111 s.
Forecaster Timed() {
  return ForecasterOf(
      PlanOf({TimedStep("a", {})}),
      std::vector<Profile>(16, ProfileOf({SampleOf("a", 1000), SampleOf("a", 100, 0)})));
}

TEST_CASE("a plan fits when forward and back together end within the window", "[forecast]") {
  const Fit fit = FitOf(Timed(), WindowOf(absl::Seconds(1300), absl::Seconds(10)));
  CHECK(absl::ToDoubleSeconds(fit.forward) == Approx(1107).epsilon(0.03));
  CHECK(absl::ToDoubleSeconds(fit.back) == Approx(111).epsilon(0.03));
  CHECK(fit.needs_until == kStart + fit.forward + fit.back);
  CHECK(fit.fits());
  CHECK_FALSE(FitOf(Timed(), WindowOf(absl::Seconds(1150), absl::Seconds(10))).fits());
}

TEST_CASE("the reserve counts where it is longer than the way back", "[forecast]") {
  const Fit fit = FitOf(Timed(), WindowOf(absl::Seconds(1300), absl::Seconds(300)));
  CHECK(fit.back == absl::Seconds(300));
  CHECK_FALSE(fit.fits());
}

TEST_CASE("a run that is begun late has less of its window", "[forecast]") {
  const Window window = WindowOf(absl::Seconds(1300), absl::Seconds(10));
  CHECK(FitOf(Timed(), window, kStart - absl::Hours(1), false).fits());
  CHECK_FALSE(FitOf(Timed(), window, kStart + absl::Seconds(200), false).fits());
}

TEST_CASE("the sum is said, and what to change", "[forecast]") {
  const Fit fit = FitOf(Timed(), WindowOf(absl::Seconds(1300), absl::Seconds(300)));
  CHECK_THAT(
      SumText(fit, absl::UTCTimeZone()),
      Catch::StartsWith("2015-04-18T20:00:00+00:00 + 18m") &&
          Catch::Contains(" forward (P90) + 5m to go back (the playbook's reserve; P90 1m") &&
          Catch::EndsWith("after the window's end 2015-04-18T20:21:40+00:00"));
  CHECK_THAT(WhatToChange(Timed().plan(), fit),
             Catch::StartsWith("take a window that is ") && Catch::Contains("'a' 100 %"));
}

TEST_CASE("a run that is begun late should have been begun earlier", "[forecast]") {
  const Fit late = FitOf(Timed(), WindowOf(absl::Seconds(1300), absl::Seconds(10)),
                         kStart + absl::Seconds(200), false);
  CHECK_THAT(WhatToChange(Timed().plan(), late), Catch::StartsWith("begin "));
}

TEST_CASE("steps without a profile are named", "[forecast]") {
  const Forecaster forecaster = ForecasterOf(PlanOf({TimedStep("a", {}), TimedStep("b", {0})}),
                                             {ProfileOf({SampleOf("a", 1), SampleOf("a", 1, 0)})});
  CHECK_THAT(UnprofiledText(forecaster.durations()),
             Catch::StartsWith("no profile for: b; the way back of b"));
  CHECK(UnprofiledText(Timed().durations()).empty());
}

}  // namespace
}  // namespace orchestrator
