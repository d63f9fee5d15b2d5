// Guardrails and floors of capacity.
#include <catch2/catch.hpp>

#include "tests/orchestrator/engine/plans.h"

namespace orchestrator {
namespace {

using Catch::Matchers::Contains;
using namespace hamisha::orchestrator::v1;  // NOLINT(google-build-using-namespace): run states.

using Texts = std::vector<std::string>;

// copy → hold; while they go on, the lag of target-0 is looked at every 5 s, and may be 2,000 ms.
Plan Watched(OnTrip then, uint32_t after) {
  Plan plan = EmptyPlan();
  plan.steps = {MakeStep("copy", {kTarget0}, {}), MakeStep("hold", {kGateway}, {.needs = {0}})};
  plan.steps[0].apply.timeout = absl::Hours(1);
  Guardrail& guardrail = plan.guardrails.emplace_back();
  guardrail.name = "lag";
  guardrail.look = MakeAction("test.lag", {kTarget0}, false);
  guardrail.every = absl::Seconds(5);
  guardrail.fact = "lag_ms";
  guardrail.above = 2000;
  guardrail.after = after;
  guardrail.then = then;
  return plan;
}

void Answer(Driver& run, const std::string& look, const std::string& lag_ms) {
  hamisha::agent::v1::OrderResult result;
  *result.mutable_key() = run.Sent(look, "target-0").key();
  result.set_outcome(hamisha::agent::v1::OUTCOME_SUCCEEDED);
  (*result.mutable_facts())["lag_ms"] = lag_ms;
  run.Answer(result);
}

TEST_CASE("a guardrail looks at once, and again after its interval", "[engine][guards]") {
  Driver run(Watched(OnTrip::kPause, 1));
  run.Start();
  CHECK(run.NewOrders() == Texts{"copy on target-0", "guard/lag on target-0"});
  Answer(run, "guard/lag", "150");
  CHECK(run.engine().NextDeadline() == run.now() + absl::Seconds(5));
  run.TickNext();
  CHECK(run.NewOrders() == Texts{"guard/lag#2 on target-0"});
  run.RequireSameReplay();
}

TEST_CASE("beyond its limit so often in a row, it trips", "[engine][guards]") {
  const auto [then, paused, state] = GENERATE(table<OnTrip, bool, RunState>({
      {OnTrip::kPause, true, RUN_STATE_RUNNING},
      {OnTrip::kStop, false, RUN_STATE_RUNNING},  // Until what is out has ended.
      {OnTrip::kRollback, false, RUN_STATE_ROLLING_BACK},
  }));
  Driver run(Watched(then, 2));
  run.Start();
  Answer(run, "guard/lag", "2001");
  run.TickNext();
  Answer(run, "guard/lag#2", "1999");  // Within it: the count begins anew.
  run.TickNext();
  Answer(run, "guard/lag#3", "2001");
  CHECK(run.engine().guards()[0].tripped.empty());
  run.TickNext();
  Answer(run, "guard/lag#4", "2400");
  CHECK(run.engine().guards()[0].tripped ==
        "guardrail 'lag' on target-0: lag_ms is 2400, above 2000, 2 looks in a row");
  CHECK(run.engine().paused() == paused);
  CHECK(run.engine().state() == state);
  run.RequireSameReplay();
}

TEST_CASE("a look without an answer, or without the fact, is beyond the limit",
          "[engine][guards]") {
  Driver run(Watched(OnTrip::kPause, 1));
  run.Start();
  SECTION("no answer") { run.TickNext(); }
  SECTION("a failure") { run.Fail("guard/lag", "target-0", "cannot reach the ledger"); }
  SECTION("no such fact") { run.Succeed("guard/lag", "target-0"); }
  CHECK(run.engine().paused());
  CHECK_FALSE(run.engine().guards()[0].tripped.empty());
}

TEST_CASE("a guardrail of some steps watches while they go on", "[engine][guards]") {
  Plan plan = Watched(OnTrip::kPause, 1);
  plan.guardrails[0].steps = {1};
  Driver run(plan);
  run.Start();
  CHECK(run.NewOrders() == Texts{"copy on target-0"});
  run.Succeed("copy", "target-0");
  CHECK(run.NewOrders() == Texts{"hold on gateway-0", "guard/lag on target-0"});
  run.Succeed("hold", "gateway-0");
  CHECK(run.engine().state() == RUN_STATE_SUCCEEDED);
  CHECK(run.engine().NextDeadline() == absl::InfiniteFuture());
  Answer(run, "guard/lag", "9999");  // Late: nobody waits for it.
  CHECK(run.engine().state() == RUN_STATE_SUCCEEDED);
}

TEST_CASE("a run that goes back is not watched", "[engine][guards]") {
  Driver run(Watched(OnTrip::kRollback, 1));
  run.Start();
  Answer(run, "guard/lag", "150");
  run.RollBack("");
  run.Succeed("copy/probe", "target-0");
  run.Succeed("copy/back/0", "target-0");
  CHECK(run.engine().state() == RUN_STATE_ROLLED_BACK);
  CHECK(run.engine().NextDeadline() == absl::InfiniteFuture());
}

// Four hosts, of which half stay in service.
Plan WithFloor(uint32_t steps) {
  Plan plan = EmptyPlan();
  for (uint32_t step = 0; step < steps; ++step) {
    plan.steps.push_back(MakeStep("patch" + std::to_string(step), {0, 1, 2, 3}, {}));
    plan.steps.back().takes_out = true;
  }
  plan.capacity = {{.group = "ledgers", .hosts = {0, 1, 2, 3}, .percentage = 50}};
  return plan;
}

TEST_CASE("hosts wait where more would be out than the floor lets", "[engine][capacity]") {
  Driver run(WithFloor(1));
  run.Start();
  CHECK(run.NewOrders() == Texts{"patch0 on source-0", "patch0 on source-1"});
  run.Succeed("patch0", "source-0");
  CHECK(run.NewOrders() == Texts{"patch0 on target-0"});
  run.Succeed("patch0", "source-1");
  CHECK(run.NewOrders() == Texts{"patch0 on target-1"});
  run.Succeed("patch0", "target-0");
  run.Succeed("patch0", "target-1");
  CHECK(run.engine().state() == RUN_STATE_SUCCEEDED);
  run.RequireSameReplay();
}

TEST_CASE("steps that run side by side share the floor", "[engine][capacity]") {
  Plan plan = WithFloor(2);
  plan.steps[0].apply.hosts = {0, 1};
  plan.steps[1].apply.hosts = {2, 3};
  Driver run(plan);
  run.Start();
  CHECK(run.NewOrders() == Texts{"patch0 on source-0", "patch0 on source-1"});
  run.Succeed("patch0", "source-1");
  CHECK(run.NewOrders() == Texts{"patch1 on target-0"});
}

TEST_CASE("a step that would wait for what failed has failed itself", "[engine][capacity]") {
  Plan plan = WithFloor(1);
  plan.steps[0].max_fail_percentage = 50;
  Driver run(plan);
  run.Start();
  run.Fail("patch0", "source-0", "no space");
  run.Fail("patch0", "source-1", "no space");
  CHECK(run.engine().state() == RUN_STATE_STOPPED);
  CHECK_THAT(run.engine().explanation(), Contains("which a floor of capacity keeps in service"));
}

}  // namespace
}  // namespace orchestrator
