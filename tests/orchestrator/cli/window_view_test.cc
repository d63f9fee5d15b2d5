#include "orchestrator/cli/window_view.h"

#include <google/protobuf/text_format.h>

#include <catch2/catch.hpp>

#include <memory>

#include "absl/strings/str_join.h"
#include "tests/golden.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;

// Window from 23:00 to 23:30 on 18 April 2015, in UTC.
v1::RunView Running() {
  v1::RunView run;
  REQUIRE(google::protobuf::TextFormat::ParseFromString(
      R"(state: RUN_STATE_RUNNING
         window_start { seconds: 1429398000 } window_end { seconds: 1429399800 }
         forecast {
           made { seconds: 1429398600 }
           finish_p50 { seconds: 1429398900 } finish_p90 { seconds: 1429399020 }
           back_now { p50 { seconds: 12 } p90 { seconds: 31 } }
           latest_safe_abort { seconds: 1429399200 }
           critical_path { step: "caught_up" share: 0.8 }
           critical_path { step: "seal" share: 0.2 }
         })",
      &run));
  return run;
}

RenderOptions At(int64_t unix_seconds) {
  RenderOptions options;
  options.now = absl::FromUnixSeconds(unix_seconds);
  return options;
}

TEST_CASE("a run that goes on shows its finish, its window and until when it may go back",
          "[window]") {
  CHECK(absl::StrJoin(RenderWindow(Running(), At(1429398600)), "\n") ==
        "window    2015-04-18T23:00:00+00:00 to 2015-04-18T23:30:00+00:00, 20 min 0 s left\n"
        "finish    2015-04-18T23:15:00+00:00 (P50) to 2015-04-18T23:17:00+00:00 (P90)\n"
        "abort by  2015-04-18T23:20:00+00:00, in 10 min 0 s\n"
        "way back  now 12.0 s (P50) to 31.0 s (P90)\n"
        "waits for caught_up 80 % → seal 20 %");
}

TEST_CASE("a run that ended says how it ended in its window, and no forecast", "[window]") {
  v1::RunView run = Running();
  run.set_state(v1::RUN_STATE_SUCCEEDED);
  run.mutable_ended()->set_seconds(1429399740);
  CHECK(RenderWindow(run, At(1429400000)) ==
        std::vector<std::string>{"window    2015-04-18T23:00:00+00:00 to "
                                 "2015-04-18T23:30:00+00:00, ended 1 min 0 s before its end"});
  CHECK(ForecastJson(run, At(1429400000)).is_null());
  CHECK(WindowJson(run, At(1429400000))["left_ms"] == 60'000);
}

TEST_CASE("a run without window and forecast shows neither", "[window]") {
  v1::RunView run;
  run.set_state(v1::RUN_STATE_RUNNING);
  CHECK(RenderWindow(run, At(0)).empty());
  CHECK(WindowJson(run, At(0)).is_null());
}

TEST_CASE("an overridden run says that it does not go back by itself", "[window]") {
  v1::RunView run = Running();
  run.set_overridden(true);
  CHECK_THAT(absl::StrJoin(RenderWindow(run, At(1429398600)), "\n"),
             Catch::Contains("in 10 min 0 s; overridden: it does not go back by itself"));
}

TEST_CASE("logs get the first forecast, and each that is graver or better", "[window]") {
  ForecastLines lines;
  v1::RunView run = Running();
  CHECK_FALSE(lines.Update(run, At(1429398600)).empty());
  CHECK(lines.Update(run, At(1429398601)).empty());
  run.mutable_forecast()->set_warning("the run may not finish in time: 23:21 is past 23:20");
  CHECK(lines.Update(run, At(1429398602)).back() ==
        "WARNING   the run may not finish in time: 23:21 is past 23:20");
  run.mutable_forecast()->set_warning("the run may not finish in time: 23:22 is past 23:20");
  CHECK(lines.Update(run, At(1429398603)).empty());
  run.mutable_forecast()->clear_warning();
  CHECK_FALSE(lines.Update(run, At(1429398604)).empty());
}

TEST_CASE("a forecast as JSON has its times with zone", "[window]") {
  const nlohmann::json forecast = ForecastJson(Running(), At(1429398600));
  CHECK(forecast["finish_p90"] == "2015-04-18T23:17:00.000+00:00");
  CHECK(forecast["latest_safe_abort"] == "2015-04-18T23:20:00.000+00:00");
  CHECK(forecast["back_now"]["p90_ms"] == 31'000);
  CHECK(forecast["critical_path"][0]["step"] == "caught_up");
}

// Two phases, and a way back; 30 minutes.
Plan Small() {
  Plan plan;
  plan.name = "small";
  plan.hosts = {{"source-0", "source", "ledger", {0}}};
  for (const char* const phase : {"prepare", "switch"}) {
    PlannedStep step;
    step.id = std::string("all_of_") + phase;
    step.phase = phase;
    step.apply.action = phase;
    step.apply.hosts = {0};
    step.apply.timeout = absl::Minutes(5);
    step.expected_duration = absl::Minutes(2);
    step.own_undo = true;
    if (!plan.steps.empty()) step.needs = {0};
    plan.steps.push_back(step);
  }
  plan.window = Window{.start = absl::FromUnixSeconds(1429398000),
                       .end = absl::FromUnixSeconds(1429399800),
                       .rollback_reserve = absl::Minutes(15)};
  return plan;
}

TEST_CASE("the sum is shown line by line, and what to change where it does not fit", "[window]") {
  Plan plan = Small();
  const auto text = [&] {
    const Forecaster forecaster(std::make_shared<const Plan>(plan), {}, 1);
    return RenderFit(plan, FitOf(forecaster, *plan.window), UnprofiledText(forecaster.durations()),
                     absl::FixedTimeZone(3 * 3600));
  };
  MatchGolden("fit.txt", text());
  plan.window->rollback_reserve = absl::Minutes(25);
  MatchGolden("fit_not.txt", text());
}

}  // namespace
}  // namespace orchestrator
