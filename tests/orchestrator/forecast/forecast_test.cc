#include "orchestrator/forecast/forecast.h"

#include <catch2/catch.hpp>

#include "absl/strings/str_cat.h"
#include "tests/orchestrator/forecast/profiles.h"

namespace orchestrator {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1429387200);  // 2015-04-18T23:00:00+03:00

// Of so many runs, so that little spread is left.
std::vector<Profile> Steady(const std::vector<ProfileSample>& samples) {
  return std::vector<Profile>(16, ProfileOf(samples));
}

double FinishP50(const Forecast& forecast) {
  return absl::ToDoubleSeconds(forecast.finish_p50 - forecast.made_at);
}
double FinishP90(const Forecast& forecast) {
  return absl::ToDoubleSeconds(forecast.finish_p90 - forecast.made_at);
}

Forecast AtBegin(const Forecaster& forecaster, const std::optional<Window>& window = {}) {
  return forecaster.At(BeforeBegin(forecaster.plan(), window, false), kNow);
}

TEST_CASE("steps in a row add up", "[forecast]") {
  const Forecaster forecaster = ForecasterOf(PlanOf({TimedStep("a", {}), TimedStep("b", {0})}),
                                             Steady({SampleOf("a", 100), SampleOf("b", 50)}));
  CHECK(FinishP50(AtBegin(forecaster)) == Approx(150).epsilon(0.03));
}

TEST_CASE("of parallel steps the longest counts", "[forecast]") {
  const Forecaster forecaster =
      ForecasterOf(PlanOf({TimedStep("a", {}), TimedStep("b", {}), TimedStep("c", {0, 1})}),
                   Steady({SampleOf("a", 100), SampleOf("b", 20), SampleOf("c", 10)}));
  CHECK(FinishP50(AtBegin(forecaster)) == Approx(110).epsilon(0.03));
}

TEST_CASE("a slow night is slow in many places", "[forecast]") {
  // Thirty steps drawn each by itself would even out: P90 would be 7 % above P50.
  std::vector<PlannedStep> steps;
  std::vector<ProfileSample> samples;
  for (uint32_t i = 0; i < 30; ++i) {
    const std::string id = absl::StrCat("s", i);
    steps.push_back(TimedStep(id, i == 0 ? std::vector<uint32_t>{} : std::vector<uint32_t>{i - 1}));
    samples.push_back(SampleOf(id, 10));
  }
  const Forecast forecast = AtBegin(ForecasterOf(PlanOf(steps), {ProfileOf(samples)}));
  CHECK(FinishP90(forecast) / FinishP50(forecast) > 1.1);
}

TEST_CASE("without samples expected_duration is the median", "[forecast]") {
  PlannedStep step = TimedStep("a", {});
  step.expected_duration = absl::Seconds(20);
  const Forecaster forecaster = ForecasterOf(PlanOf({step}), {});
  CHECK(FinishP50(AtBegin(forecaster)) == Approx(20).epsilon(0.1));
  CHECK(FinishP90(AtBegin(forecaster)) == Approx(30).epsilon(0.1));
  CHECK(forecaster.durations().unprofiled.empty());
}

TEST_CASE("without anything the timeout is the P90, and that is said", "[forecast]") {
  const Forecaster forecaster = ForecasterOf(PlanOf({TimedStep("a", {})}), {});
  CHECK(FinishP90(AtBegin(forecaster)) == Approx(100).epsilon(0.05));
  CHECK(forecaster.durations().unprofiled == std::vector<std::string>{"a"});
  CHECK(forecaster.durations().unprofiled_back == std::vector<std::string>{"a"});
}

TEST_CASE("samples of the same action in another step serve where there are no own", "[forecast]") {
  PlannedStep other = TimedStep("b", {0});
  other.apply.action = "test.a";
  const Forecaster forecaster =
      ForecasterOf(PlanOf({TimedStep("a", {}), other}), Steady({SampleOf("a", 30)}));
  CHECK(FinishP50(AtBegin(forecaster)) == Approx(60).epsilon(0.03));
  CHECK(forecaster.durations().forward[1].basis == Basis::kAction);
}

TEST_CASE("another step's samples count once a wave", "[forecast]") {
  PlannedStep waves = TimedStep("b", {});
  waves.apply.action = "test.a";
  waves.apply.hosts = {kSource0, kSource1, kTarget0};
  waves.waves = {1, 1, 1};
  const Forecaster forecaster = ForecasterOf(PlanOf({waves}), Steady({SampleOf("a", 30)}));
  CHECK(FinishP50(AtBegin(forecaster)) == Approx(90).epsilon(0.03));
}

TEST_CASE("a gate takes the time that is given to people", "[forecast]") {
  PlannedStep gate;
  gate.id = "go";
  gate.phase = "move";
  gate.gate = Gate{.roles = {"ops"}, .quorum = 1, .timeout = absl::Minutes(30)};
  CHECK(FinishP50(AtBegin(ForecasterOf(PlanOf({gate}), {}))) == 1800);
  gate.expected_duration = absl::Minutes(5);
  CHECK(FinishP90(AtBegin(ForecasterOf(PlanOf({gate}), {}))) == 300);
}

TEST_CASE("what belongs into the window waits for it, and what may come before does not",
          "[forecast]") {
  const Window window = {.start = kNow + absl::Minutes(10),
                         .end = kNow + absl::Hours(2),
                         .rollback_reserve = absl::Minutes(10)};
  PlannedStep before = TimedStep("a", {});
  before.before_window = true;
  const Forecaster forecaster = ForecasterOf(PlanOf({before, TimedStep("b", {0})}),
                                             Steady({SampleOf("a", 100), SampleOf("b", 50)}));
  CHECK(FinishP50(AtBegin(forecaster, window)) == Approx(650).epsilon(0.03));
}

TEST_CASE("a step under way takes what is left of it", "[forecast]") {
  Driver driver(PlanOf({TimedStep("a", {}), TimedStep("b", {0})}));
  driver.Start();
  const Forecaster forecaster =
      ForecasterOf(driver.engine().plan(), Steady({SampleOf("a", 100), SampleOf("b", 50)}));
  const Forecast forecast =
      forecaster.At(PositionOf(driver.engine()), driver.now() + absl::Seconds(60));
  CHECK(FinishP50(forecast) == Approx(90).epsilon(0.04));
}

TEST_CASE("what is over takes no time", "[forecast]") {
  Driver driver(PlanOf({TimedStep("a", {}), TimedStep("b", {0})}));
  driver.Start();
  driver.Succeed("a", "source-0");
  const Forecaster forecaster =
      ForecasterOf(driver.engine().plan(), Steady({SampleOf("a", 100), SampleOf("b", 50)}));
  const Forecast forecast = forecaster.At(PositionOf(driver.engine()), driver.now());
  CHECK(FinishP50(forecast) == Approx(50).epsilon(0.04));
  CHECK(forecast.steps[0].p90 == absl::ZeroDuration());
}

TEST_CASE("going back takes what was begun, one after the other", "[forecast]") {
  Driver driver(PlanOf(
      {TimedStep("a", {}), TimedStep("b", {}), TimedStep("c", {0, 1}), TimedStep("d", {2})}));
  driver.Start();
  driver.Succeed("a", "source-0");
  driver.Succeed("b", "source-0");
  driver.Succeed("c", "source-0");
  const Forecaster forecaster =
      ForecasterOf(driver.engine().plan(), Steady({SampleOf("a", 1, 0), SampleOf("b", 20, 0),
                                                   SampleOf("c", 30, 0), SampleOf("d", 400, 0)}));
  RunPosition position = PositionOf(driver.engine());
  const Forecast forecast = forecaster.At(position, driver.now());
  // d is under way: its undo counts, and so does asking for its outcome.
  CHECK(absl::ToDoubleSeconds(forecast.back_now.p50) == Approx(451.2).epsilon(0.04));
  position.steps[3] = {};
  const Forecast before_d = forecaster.At(position, driver.now());
  CHECK(absl::ToDoubleSeconds(before_d.back_now.p50) == Approx(51).epsilon(0.04));
  CHECK(absl::ToDoubleSeconds(before_d.back_next.p50) == Approx(451).epsilon(0.04));
}

TEST_CASE("at worst the way back begins at the end", "[forecast]") {
  const Forecaster forecaster =
      ForecasterOf(PlanOf({TimedStep("a", {}), TimedStep("b", {0}), TimedStep("c", {1})}),
                   Steady({SampleOf("a", 10, 0), SampleOf("b", 20, 0), SampleOf("c", 30, 0)}));
  const Forecast forecast = AtBegin(forecaster);
  CHECK(absl::ToDoubleSeconds(forecast.back_now.p50) == 0);
  CHECK(absl::ToDoubleSeconds(forecast.back_next.p50) == Approx(10).epsilon(0.04));
  CHECK(absl::ToDoubleSeconds(forecast.back_worst.p50) == Approx(60).epsilon(0.04));
}

TEST_CASE("what follows a point of no return is never undone", "[forecast]") {
  PlannedStep last = TimedStep("b", {0});
  last.point_of_no_return = true;
  const Forecaster forecaster =
      ForecasterOf(PlanOf({TimedStep("a", {}), last, TimedStep("c", {1})}),
                   Steady({SampleOf("a", 10, 0), SampleOf("b", 20, 0), SampleOf("c", 30, 0)}));
  CHECK(absl::ToDoubleSeconds(AtBegin(forecaster).back_worst.p50) == Approx(10).epsilon(0.04));
}

TEST_CASE("the latest safe abort time keeps the reserve, or the way back where that is longer",
          "[forecast]") {
  const Forecaster forecaster =
      ForecasterOf(PlanOf({TimedStep("a", {})}), Steady({SampleOf("a", 100, 0)}));
  Window window = {
      .start = kNow, .end = kNow + absl::Hours(1), .rollback_reserve = absl::Minutes(10)};
  CHECK(AtBegin(forecaster, window).latest_safe_abort == kNow + absl::Minutes(50));
  window.rollback_reserve = absl::Seconds(1);
  const Forecast forecast = AtBegin(forecaster, window);
  CHECK(*forecast.latest_safe_abort == window.end - forecast.back_next.p90);
  CHECK(absl::ToDoubleSeconds(forecast.back_next.p90) == Approx(111).epsilon(0.04));
}

TEST_CASE("a rehearsal counts on the reserve for what was never undone", "[forecast]") {
  const Forecaster forecaster = ForecasterOf(PlanOf({TimedStep("a", {})}), {});
  const Window window = {
      .start = kNow, .end = kNow + absl::Hours(1), .rollback_reserve = absl::Seconds(5)};
  RunPosition position = BeforeBegin(forecaster.plan(), window, false);
  CHECK(*forecaster.At(position, kNow).latest_safe_abort < window.end - absl::Seconds(40));
  position.rehearsal = true;
  CHECK(*forecaster.At(position, kNow).latest_safe_abort == window.end - absl::Seconds(5));
}

TEST_CASE("without a window there is no latest safe abort time", "[forecast]") {
  CHECK_FALSE(AtBegin(ForecasterOf(SmallCutover(), {})).latest_safe_abort.has_value());
}

TEST_CASE("a run that goes back finishes when all that was begun is undone", "[forecast]") {
  Driver driver(PlanOf({TimedStep("a", {}), TimedStep("b", {0})}));
  driver.Start();
  driver.Succeed("a", "source-0");
  driver.Succeed("b", "source-0");
  driver.RollBack("a test");
  const Forecaster forecaster =
      ForecasterOf(driver.engine().plan(), Steady({SampleOf("a", 100, 0), SampleOf("b", 40, 0)}));
  const Forecast forecast =
      forecaster.At(PositionOf(driver.engine()), driver.now() + absl::Seconds(10));
  CHECK(forecast.going_back);
  CHECK(FinishP50(forecast) == Approx(130).epsilon(0.04));
}

TEST_CASE("the critical path names the steps that the end waits for", "[forecast]") {
  const Forecaster forecaster =
      ForecasterOf(PlanOf({TimedStep("a", {}), TimedStep("b", {}), TimedStep("c", {0, 1})}),
                   Steady({SampleOf("a", 80), SampleOf("b", 1), SampleOf("c", 20)}));
  const Forecast forecast = AtBegin(forecaster);
  REQUIRE(forecast.critical_path.size() == 2);
  CHECK(forecast.critical_path[0].step == 0);
  CHECK(forecast.critical_path[0].share == Approx(0.8).epsilon(0.05));
  CHECK(forecast.critical_path[1].step == 2);
  CHECK(forecast.critical_path[1].share == Approx(0.2).epsilon(0.2));
}

TEST_CASE("phases tell what is left of each", "[forecast]") {
  PlannedStep second = TimedStep("b", {0});
  second.phase = "verify";
  const Forecaster forecaster = ForecasterOf(PlanOf({TimedStep("a", {}), second}),
                                             Steady({SampleOf("a", 80), SampleOf("b", 20)}));
  const Forecast forecast = AtBegin(forecaster);
  REQUIRE(forecast.phases.size() == 2);
  CHECK(forecast.phases[1].name == "verify");
  CHECK(absl::ToDoubleSeconds(forecast.phases[1].left.p50) == Approx(20).epsilon(0.05));
}

TEST_CASE("the same seed gives the same forecast, another one nearly the same", "[forecast]") {
  const auto plan = std::make_shared<const Plan>(SmallCutover());
  const RunPosition position = BeforeBegin(*plan, {}, false);
  const Forecast one = Forecaster(plan, {}, 7).At(position, kNow);
  const Forecast again = Forecaster(plan, {}, 7).At(position, kNow);
  const Forecast other = Forecaster(plan, {}, 8).At(position, kNow);
  CHECK(one.finish_p90 == again.finish_p90);
  CHECK(one.back_worst.p90 == again.back_worst.p90);
  CHECK(FinishP50(other) == Approx(FinishP50(one)).epsilon(0.1));
}

TEST_CASE("a finish past the latest safe abort time is warned of", "[forecast]") {
  const Forecaster forecaster =
      ForecasterOf(PlanOf({TimedStep("a", {})}), Steady({SampleOf("a", 1000)}));
  Window window = {
      .start = kNow, .end = kNow + absl::Hours(1), .rollback_reserve = absl::Minutes(10)};
  const auto warning = [&] {
    return WarningOf(forecaster.plan(), AtBegin(forecaster, window), absl::UTCTimeZone());
  };
  CHECK(warning().empty());
  window.end = kNow + absl::Seconds(1650);  // Between P50 and P90.
  CHECK_THAT(warning(), Catch::StartsWith("the run may not finish in time") &&
                            Catch::Contains("(P90)") && Catch::Contains("'a', 100 %"));
  CHECK_THAT(warning(), !Catch::Contains("guessed"));
  window.end = kNow + absl::Seconds(1500);
  CHECK_THAT(warning(), Catch::StartsWith("the run will probably not finish in time") &&
                            Catch::Contains("latest safe abort time 2015-04-18T20:15:00+00:00"));
}

TEST_CASE("a warning says when it rests on a timeout", "[forecast]") {
  const Window window = {
      .start = kNow, .end = kNow + absl::Seconds(60), .rollback_reserve = absl::Seconds(5)};
  const Forecaster forecaster = ForecasterOf(PlanOf({TimedStep("a", {})}), {});
  CHECK_THAT(WarningOf(forecaster.plan(), AtBegin(forecaster, window), absl::UTCTimeZone()),
             Catch::EndsWith("(guessed from its timeout: it has no profile)"));
}

}  // namespace
}  // namespace orchestrator
