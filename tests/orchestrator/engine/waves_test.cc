// Steps whose hosts begin in waves, and how many of them may fail.
#include <catch2/catch.hpp>

#include "tests/orchestrator/engine/plans.h"

namespace orchestrator {
namespace {

using Catch::Matchers::Contains;
using hamisha::orchestrator::v1::RUN_STATE_STOPPED;
using hamisha::orchestrator::v1::RUN_STATE_SUCCEEDED;

using Texts = std::vector<std::string>;

Plan InWaves(std::vector<uint32_t> waves, uint32_t max_fail_percentage) {
  Plan plan = EmptyPlan();
  plan.steps = {MakeStep("patch", {0, 1, 2, 3}, {}), MakeStep("after", {kGateway}, {.needs = {0}})};
  plan.steps[0].waves = std::move(waves);
  plan.steps[0].max_fail_percentage = max_fail_percentage;
  return plan;
}

TEST_CASE("a wave begins when all of the one before have ended", "[engine][waves]") {
  Driver run(InWaves({1, 2, 1}, 0));
  run.Start();
  CHECK(run.NewOrders() == Texts{"patch on source-0"});
  run.Succeed("patch", "source-0");
  CHECK(run.NewOrders() == Texts{"patch on source-1", "patch on target-0"});
  run.Succeed("patch", "target-0");
  CHECK(run.NewOrders().empty());
  run.Succeed("patch", "source-1");
  CHECK(run.NewOrders() == Texts{"patch on target-1"});
  run.Succeed("patch", "target-1");
  CHECK(run.NewOrders() == Texts{"after on gateway-0"});
  run.RequireSameReplay();
}

TEST_CASE("a wave that fails is the last, and the explanation counts the rest", "[engine][waves]") {
  Driver run(InWaves({1, 3}, 0));
  run.Start();
  run.Fail("patch", "source-0", "no space");
  CHECK(run.NewOrders() == Texts{"patch on source-0"});
  CHECK(run.engine().state() == RUN_STATE_STOPPED);
  CHECK_THAT(run.engine().explanation(),
             Contains("source-0: no space") && Contains("it never began on 3 further"));
}

TEST_CASE("so many may fail as the step says, of all its hosts", "[engine][waves]") {
  Driver run(InWaves({2, 2}, 25));
  run.Start();
  run.Fail("patch", "source-0", "no space");
  run.Succeed("patch", "source-1");
  CHECK(run.StateOf("patch") == StepState::kRunning);
  SECTION("and the step succeeds, with the others by name") {
    run.Succeed("patch", "target-0");
    run.Succeed("patch", "target-1");
    run.Succeed("after", "gateway-0");
    CHECK(run.engine().state() == RUN_STATE_SUCCEEDED);
    CHECK_THAT(run.engine().explanation(),
               Contains("went on although step 'patch' (test.patch) failed on source-0: no space"));
  }
  SECTION("and one more fails the step") {
    run.Fail("patch", "target-0", "no space either");
    run.Succeed("patch", "target-1");
    CHECK(run.engine().state() == RUN_STATE_STOPPED);
  }
  run.RequireSameReplay();
}

TEST_CASE("a paused run begins no further wave", "[engine][waves]") {
  Driver run(InWaves({1, 3}, 0));
  run.Start();
  hamisha::orchestrator::v1::PersonAct act;
  act.set_by("asha");
  act.set_reason("a call from the bank");
  act.set_act(hamisha::orchestrator::v1::ACT_PAUSE);
  run.Act(act);
  run.Succeed("patch", "source-0");
  CHECK(run.NewOrders() == Texts{"patch on source-0"});
  SECTION("until it is resumed") {
    act.set_act(hamisha::orchestrator::v1::ACT_RESUME);
    run.Act(act);
    CHECK(run.NewOrders().size() == 3);
  }
  SECTION("and none after an abort, which ends the step") {
    act.set_act(hamisha::orchestrator::v1::ACT_ABORT);
    run.Act(act);
    CHECK(run.engine().state() == RUN_STATE_STOPPED);
    CHECK(run.StateOf("patch") == StepState::kFailed);
  }
  run.RequireSameReplay();
}

}  // namespace
}  // namespace orchestrator
