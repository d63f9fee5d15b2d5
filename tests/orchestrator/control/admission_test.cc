// Each reason why a live run is not begun, and what its message tells people to do.
#include "orchestrator/control/admission.h"

#include <catch2/catch.hpp>

#include "orchestrator/control/clocks.h"
#include "tests/orchestrator/control/harness.h"
#include "tests/orchestrator/engine/plans.h"

namespace orchestrator {
namespace {

using Catch::Matchers::Contains;
using hamisha::agent::v1::OrderResult;

Coverage AllProved(const Plan& plan) {
  Coverage coverage = CoverageOf(plan);
  for (StepCoverage& step : coverage) {
    for (auto& undo : *step.mutable_undo()) undo.set_proved(true);
  }
  return coverage;
}

// All is well, until a test makes one thing worse.
struct Well {
  Well() {
    for (const std::string& host : AllHosts()) {
      agents.push_back({.host = host, .connected = true, .version = "", .clock_error = {}});
    }
  }
  absl::Status Check(const Engine* newest = nullptr) const {
    return CheckMayGoLive({.plan = plan, .newest = newest, .agents = agents, .tried = tried});
  }

  Plan plan = SmallCutover();
  std::vector<AgentInfo> agents;
  Coverage tried = AllProved(plan);
};

void CheckRefused(const absl::Status& status, const std::string& why,
                  const std::string& what_to_do) {
  CHECK(status.code() == absl::StatusCode::kFailedPrecondition);
  CHECK_THAT(std::string(status.message()), Contains(why) && Contains(what_to_do));
}

TEST_CASE("a live run whose rollback is proved may begin", "[admission]") {
  CHECK(Well().Check().ok());
}

TEST_CASE("without a rehearsal of its ways back it may not", "[admission]") {
  Well well;
  well.tried.clear();
  CheckRefused(well.Check(), "hold: undo of test.hold; seal: ledger.refuse, ledger.unseal",
               "hamisha rehearse PLAYBOOK --lab LAB --way-back");
}

TEST_CASE("one undo that was not proved is enough", "[admission]") {
  Well well;
  well.tried[1].mutable_undo(1)->set_proved(false);
  CheckRefused(well.Check(), "gone back over seal: ledger.unseal:", "--way-back");
}

TEST_CASE("agents that are not connected are named", "[admission]") {
  Well well;
  well.agents[1].connected = false;
  well.agents.erase(well.agents.begin() + 2);
  CheckRefused(well.Check(), "no agent is connected from source-1, target-0:", "start them");
}

TEST_CASE("bad clocks are named, with how bad they are", "[admission]") {
  Well well;
  well.agents[0].clock_error = absl::Seconds(3);
  well.agents[4].clock_error = -absl::Milliseconds(1'001);
  well.agents[2].clock_error = absl::Seconds(1);
  CheckRefused(well.Check(), "source-0 (+3.000 s), gateway-0 (-1.001 s):", "chronyc makestep");
}

TEST_CASE("a clock of a server that the plan does not need does not matter", "[admission]") {
  Well well;
  well.agents.push_back(
      {.host = "printer", .connected = true, .version = "", .clock_error = absl::Hours(1)});
  CHECK(well.Check().ok());
}

// Stops at its last step; what it did before stays.
Driver StoppedRun() {
  Plan plan = SmallCutover();
  plan.steps[2].on_failure = OnFailure::kStop;
  Driver run(plan);
  run.Start();
  run.Succeed("hold", "gateway-0");
  run.Succeed("seal", "source-0");
  run.Succeed("seal", "source-1");
  run.Fail("open", "target-0", "its root differs");
  run.Fail("open", "target-1", "its root differs");
  REQUIRE(run.engine().state() == hamisha::orchestrator::v1::RUN_STATE_STOPPED);
  return run;
}

TEST_CASE("what a run before it left has to be taken back first", "[admission]") {
  Driver before = StoppedRun();
  CheckRefused(Well().Check(&before.engine()), "run run-1 ended in the middle",
               "hamisha rollback run-1 --reason");
}

TEST_CASE("a run that stopped before it changed anything leaves nothing", "[admission]") {
  Plan plan = SmallCutover();
  plan.steps[0] = MakeStep("drift", {kTarget0}, {.needs = {}, .mutates = false, .own_undo = false});
  Driver before(plan);
  before.Start();
  before.Fail("drift", "target-0", "too few files");
  REQUIRE(before.engine().state() == hamisha::orchestrator::v1::RUN_STATE_STOPPED);
  CHECK_FALSE(LeavesSomething(before.engine()));
  CHECK(Well().Check(&before.engine()).ok());
}

TEST_CASE("all reasons come at once, a line each", "[admission]") {
  Driver before = StoppedRun();
  Well well;
  well.tried.clear();
  well.agents[0].connected = false;
  well.agents[1].clock_error = absl::Seconds(9);
  const absl::Status status = well.Check(&before.engine());
  CHECK(std::count(status.message().begin(), status.message().end(), '\n') == 3);
}

TEST_CASE("the orchestrator judges the clocks of those that ask for it", "[clocks]") {
  OrderResult result;
  result.set_outcome(hamisha::agent::v1::OUTCOME_SUCCEEDED);
  AddClockOffset(absl::Seconds(-5), result);
  CHECK(result.outcome() == hamisha::agent::v1::OUTCOME_SUCCEEDED);
  CHECK(result.obstacles().empty());

  result.mutable_clock_offset_max()->set_seconds(5);
  AddClockOffset(absl::Seconds(-5), result);
  CHECK(result.outcome() == hamisha::agent::v1::OUTCOME_SUCCEEDED);
  CHECK(result.facts().at("clock_offset_us") == "-5000000");

  AddClockOffset(absl::Milliseconds(-5'001), result);
  CHECK(result.outcome() == hamisha::agent::v1::OUTCOME_FAILED);
  CHECK(result.refused());
  REQUIRE(result.obstacles_size() == 1);
  CHECK(result.obstacles(0).what() == "clock");
  CHECK(result.obstacles(0).blocks());
  CHECK_THAT(result.message(), Contains("-5.001 s from the orchestrator's (at most 5s)"));
}

TEST_CASE("a bad clock comes beside what the agent has found", "[clocks]") {
  OrderResult result;
  result.set_outcome(hamisha::agent::v1::OUTCOME_FAILED);
  result.set_refused(true);
  result.set_message("in the way of a freeze: lag: 12 s");
  result.add_obstacles()->set_what("lag");
  result.mutable_clock_offset_max()->set_seconds(1);
  AddClockOffset(absl::Seconds(7), result);
  CHECK(result.obstacles_size() == 2);
  CHECK_THAT(result.message(), Contains("lag: 12 s; clock: +7.000 s"));
}

}  // namespace
}  // namespace orchestrator
