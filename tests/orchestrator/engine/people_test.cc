// What people decide about a run, and what is refused.
#include <catch2/catch.hpp>

#include "tests/orchestrator/engine/plans.h"

namespace orchestrator {
namespace {

using Catch::Matchers::Contains;
using namespace hamisha::orchestrator::v1;  // NOLINT(google-build-using-namespace): acts.

using Texts = std::vector<std::string>;

PersonAct Of(Act what, const std::string& by, const std::string& step = "") {
  PersonAct act;
  act.set_act(what);
  act.set_by(by);
  act.set_step(step);
  act.set_reason("as agreed");
  return act;
}

PersonAct Delegate(const std::string& by, const std::string& to, const std::string& step) {
  PersonAct act = Of(ACT_DELEGATE, by, step);
  act.set_delegate_to(to);
  return act;
}

PersonAct Resolve(const std::string& step, const std::string& host,
                  hamisha::agent::v1::Outcome outcome) {
  PersonAct act = Of(ACT_RESOLVE, "asha", step);
  act.set_host(host);
  act.set_outcome(outcome);
  return act;
}

// go (ops and business, two people, 30 min) → hold → open (people decide when it fails)
Plan Gated() {
  Plan plan = EmptyPlan();
  PlannedStep gate;
  gate.id = "go";
  gate.on_failure = OnFailure::kRollback;
  gate.gate = Gate{.roles = {"ops", "business"}, .quorum = 2, .timeout = absl::Minutes(30)};
  plan.steps = {
      gate, MakeStep("hold", {kGateway}, {.needs = {0}}),
      MakeStep("open", {kTarget0, kTarget1}, {.needs = {1}, .on_failure = OnFailure::kHold})};
  plan.people = {{"asha", {"ops"}, ""},
                 {"baraka", {"business"}, ""},
                 {"chausiku", {"ops", "business"}, ""},
                 {"daudi", {"network"}, ""}};
  plan.author = "chausiku";
  return plan;
}

std::string Refusal(const Driver& run, const PersonAct& act) {
  Engine engine = run.engine();
  const auto effects = engine.Apply({run.now(), PersonActed{act}});
  CHECK_FALSE(effects.ok());
  return std::string(effects.status().message());
}

void OpenGate(Driver& run) {
  run.Start();
  run.Act(Of(ACT_APPROVE, "asha", "go"));
  run.Act(Of(ACT_APPROVE, "baraka", "go"));
}

TEST_CASE("a gate opens when its quorum and all its roles have approved", "[engine][people]") {
  Driver run(Gated());
  run.Start();
  CHECK(run.StateOf("go") == StepState::kAwaiting);
  CHECK(run.NewOrders().empty());
  run.Act(Of(ACT_APPROVE, "asha", "go"));
  CHECK(run.StateOf("go") == StepState::kAwaiting);
  run.Act(Of(ACT_APPROVE, "baraka", "go"));
  CHECK(run.StateOf("go") == StepState::kSucceeded);
  CHECK(run.NewOrders() == Texts{"hold on gateway-0"});
  run.RequireSameReplay();
}

TEST_CASE("a quorum without one of the roles leaves the gate shut", "[engine][people]") {
  Plan plan = Gated();
  plan.people[1].roles = {"ops"};
  Driver run(plan);
  run.Start();
  run.Act(Of(ACT_APPROVE, "asha", "go"));
  run.Act(Of(ACT_APPROVE, "baraka", "go"));
  CHECK(run.StateOf("go") == StepState::kAwaiting);
}

TEST_CASE("who may not approve is told why", "[engine][people]") {
  Driver run(Gated());
  run.Start({.submitted_by = "baraka"});
  run.Act(Of(ACT_APPROVE, "asha", "go"));
  CHECK_THAT(Refusal(run, Of(ACT_APPROVE, "chausiku", "go")), Contains("is the playbook's author"));
  CHECK_THAT(Refusal(run, Of(ACT_APPROVE, "baraka", "go")), Contains("started this run"));
  CHECK_THAT(Refusal(run, Of(ACT_APPROVE, "asha", "go")), Contains("asks for another person"));
  CHECK_THAT(Refusal(run, Of(ACT_APPROVE, "daudi", "go")), Contains("holds none of the roles"));
  CHECK_THAT(Refusal(run, Of(ACT_APPROVE, "eve", "go")),
             Contains("not among the inventory's people"));
  CHECK_THAT(Refusal(run, Of(ACT_APPROVE, "baraka", "hold")), Contains("is no gate"));
  CHECK_THAT(Refusal(run, Of(ACT_APPROVE, "baraka", "gone")), Contains("no step 'gone'"));
}

TEST_CASE("a delegate approves with the other's roles, and the other not any more",
          "[engine][people]") {
  Driver run(Gated());
  run.Start();
  CHECK_THAT(Refusal(run, Delegate("asha", "chausiku", "go")), Contains("author"));
  run.Act(Delegate("asha", "daudi", "go"));
  CHECK_THAT(Refusal(run, Of(ACT_APPROVE, "asha", "go")), Contains("has delegated"));
  run.Act(Of(ACT_APPROVE, "daudi", "go"));
  run.Act(Of(ACT_APPROVE, "baraka", "go"));
  CHECK(run.StateOf("go") == StepState::kSucceeded);
}

TEST_CASE("a rejected gate fails with the reason", "[engine][people]") {
  Driver run(Gated());
  run.Start();
  run.Act(Of(ACT_REJECT, "baraka", "go"));
  CHECK(run.engine().state() == RUN_STATE_ROLLED_BACK);
  CHECK_THAT(run.engine().explanation(), Contains("baraka rejected it: as agreed"));
}

TEST_CASE("a gate that nobody answers fails after its timeout", "[engine][people]") {
  Driver run(Gated());
  run.Start();
  run.Act(Of(ACT_APPROVE, "asha", "go"));
  CHECK(run.engine().NextDeadline() == run.now() + absl::Minutes(30));
  run.TickNext();
  CHECK_THAT(run.engine().explanation(),
             Contains("not approved in time: 1 more person and the role business was missing"));
  run.RequireSameReplay();
}

TEST_CASE("who is asked gets the full time again when an orchestrator goes on",
          "[engine][people]") {
  Driver run(Gated());
  run.Start();
  run.Advance(absl::Minutes(29));
  run.NewTerm();
  CHECK(run.engine().NextDeadline() == run.now() + absl::Minutes(30));
  run.RequireSameReplay();
}

TEST_CASE("a gate that was approved during a pause does not fail for its length",
          "[engine][people]") {
  Driver run(Gated());
  run.Start();
  run.Act(Of(ACT_PAUSE, "asha", ""));
  run.Act(Of(ACT_APPROVE, "asha", "go"));
  run.Act(Of(ACT_APPROVE, "baraka", "go"));
  run.TickNext();
  CHECK(run.StateOf("go") == StepState::kAwaiting);
  run.Act(Of(ACT_RESUME, "asha", ""));
  CHECK(run.StateOf("go") == StepState::kSucceeded);
  run.RequireSameReplay();
}

TEST_CASE("a paused run begins nothing until it is resumed", "[engine][people]") {
  Driver run(Gated());
  run.Start();
  run.Act(Of(ACT_PAUSE, "asha"));
  run.Act(Of(ACT_APPROVE, "asha", "go"));
  run.Act(Of(ACT_APPROVE, "baraka", "go"));
  CHECK(run.NewOrders().empty());
  CHECK_THAT(Refusal(run, Of(ACT_PAUSE, "asha")), Contains("is paused already"));
  run.Act(Of(ACT_RESUME, "baraka"));
  CHECK(run.NewOrders() == Texts{"hold on gateway-0"});
  run.RequireSameReplay();
}

TEST_CASE("a paused run keeps further attempts for later", "[engine][people]") {
  Plan plan = Gated();
  plan.steps[1].retries = 1;
  Driver run(plan);
  OpenGate(run);
  run.Fail("hold", "gateway-0", "busy");
  run.Act(Of(ACT_PAUSE, "asha"));
  CHECK(run.engine().NextDeadline() == absl::InfiniteFuture());
  run.NewOrders();
  run.Act(Of(ACT_RESUME, "asha"));
  run.TickNext();
  CHECK(run.NewOrders() == Texts{"hold#2 on gateway-0"});
}

TEST_CASE("an aborted run ends what is out, and stays where it is", "[engine][people]") {
  Driver run(Gated());
  OpenGate(run);
  run.Act(Of(ACT_ABORT, "asha"));
  CHECK(run.engine().state() == RUN_STATE_RUNNING);
  run.Succeed("hold", "gateway-0");
  CHECK(run.engine().state() == RUN_STATE_STOPPED);
  CHECK_THAT(run.engine().explanation(), Contains("asha aborted it: as agreed"));
  CHECK(run.StateOf("open") == StepState::kSkipped);
}

TEST_CASE("a held step is tried again where it failed", "[engine][people]") {
  Driver run(Gated());
  OpenGate(run);
  run.Succeed("hold", "gateway-0");
  run.Succeed("open", "target-0");
  run.Fail("open", "target-1", "no certificate");
  CHECK(run.StateOf("open") == StepState::kFailed);
  CHECK(run.engine().state() == RUN_STATE_RUNNING);
  run.NewOrders();
  run.Act(Of(ACT_RETRY, "asha", "open"));
  CHECK(run.NewOrders() == Texts{"open#2 on target-1"});
  run.Succeed("open#2", "target-1");
  CHECK(run.engine().state() == RUN_STATE_SUCCEEDED);
  run.RequireSameReplay();
}

void LoseAnswers(Driver& run) {
  OpenGate(run);
  run.Succeed("hold", "gateway-0");
  run.Succeed("open", "target-0");
  run.Unknown("open", "target-1");
  while (run.StateOf("open") != StepState::kUnknown) run.TickNext();
  run.NewOrders();
}

TEST_CASE("a held unknown outcome is asked for before it is tried again", "[engine][people]") {
  Driver run(Gated());
  LoseAnswers(run);
  run.Act(Of(ACT_RETRY, "asha", "open"));
  const Texts orders = run.NewOrders();
  REQUIRE(orders.size() == 1);
  CHECK_THAT(orders[0], Contains("open/probe"));
  run.Succeed(run.sent().back().key().step(), "target-1");
  CHECK(run.engine().state() == RUN_STATE_SUCCEEDED);
}

TEST_CASE("a person resolves an unknown outcome, by name", "[engine][people]") {
  Driver run(Gated());
  LoseAnswers(run);
  CHECK_THAT(Refusal(run, Resolve("open", "target-0", hamisha::agent::v1::OUTCOME_FAILED)),
             Contains("nothing is unknown and held on host 'target-0'"));
  SECTION("as succeeded: the run goes on") {
    run.Act(Resolve("open", "target-1", hamisha::agent::v1::OUTCOME_SUCCEEDED));
    CHECK(run.engine().state() == RUN_STATE_SUCCEEDED);
  }
  SECTION("as failed: the step is held still") {
    run.Act(Resolve("open", "target-1", hamisha::agent::v1::OUTCOME_FAILED));
    CHECK(run.StateOf("open") == StepState::kFailed);
    CHECK(run.engine().state() == RUN_STATE_RUNNING);
  }
  run.RequireSameReplay();
}

TEST_CASE("a late answer settles a held unknown outcome", "[engine][people]") {
  Driver run(Gated());
  OpenGate(run);
  run.Succeed("hold", "gateway-0");
  run.Succeed("open", "target-0");
  while (run.StateOf("open") != StepState::kUnknown) run.TickNext();
  run.Succeed("open", "target-1");
  CHECK(run.engine().state() == RUN_STATE_SUCCEEDED);
}

TEST_CASE("a held step that is skipped is passed, and undone on the way back", "[engine][people]") {
  Driver run(Gated());
  LoseAnswers(run);
  run.Act(Of(ACT_SKIP, "asha", "open"));
  CHECK(run.StateOf("open") == StepState::kPassed);
  CHECK(run.engine().state() == RUN_STATE_SUCCEEDED);
  CHECK_THAT(run.engine().explanation(), Contains("went on although step 'open'"));
  run.RollBack("");
  CHECK(run.StateOf("open") == StepState::kSettling);
}

TEST_CASE("a step that is skipped before it begins sends nothing", "[engine][people]") {
  Driver run(Gated());
  run.Start();
  run.Act(Of(ACT_SKIP, "asha", "hold"));
  run.Act(Of(ACT_APPROVE, "asha", "go"));
  run.Act(Of(ACT_APPROVE, "baraka", "go"));
  CHECK(run.NewOrders() == Texts{"open on target-0", "open on target-1"});
  CHECK_THAT(Refusal(run, Of(ACT_SKIP, "asha", "open")), Contains("'open' is running"));
}

Plan Final() {
  Plan plan = Gated();
  plan.steps[2].point_of_no_return = true;
  return plan;
}

TEST_CASE("a point of no return waits for two people, and leaves no way back", "[engine][people]") {
  Driver run(Final());
  OpenGate(run);
  run.Succeed("hold", "gateway-0");
  run.NewOrders();
  CHECK(run.StateOf("open") == StepState::kAwaiting);
  run.Act(Of(ACT_COMPLETE, "asha"));
  CHECK_THAT(Refusal(run, Of(ACT_COMPLETE, "asha")), Contains("another person must, too"));
  CHECK(run.NewOrders().empty());
  run.Act(Of(ACT_COMPLETE, "daudi"));
  CHECK(run.NewOrders() == Texts{"open on target-0", "open on target-1"});
  CHECK(run.engine().past_no_return());
  CHECK_THAT(Refusal(run, Of(ACT_ROLLBACK, "asha")), Contains("past its point of no return"));
  run.Succeed("open", "target-0");
  run.Succeed("open", "target-1");
  CHECK_THAT(Refusal(run, Of(ACT_ROLLBACK, "asha")), Contains("past its point of no return"));
}

TEST_CASE("before a point of no return there is a way back", "[engine][people]") {
  Driver run(Final());
  OpenGate(run);
  run.Succeed("hold", "gateway-0");
  run.RollBack("the bank called");
  CHECK(run.StateOf("open") == StepState::kSkipped);
  run.Succeed("hold/back/0", "gateway-0");
  CHECK(run.engine().state() == RUN_STATE_ROLLED_BACK);
}

TEST_CASE("past the point of no return a failure that would go back is held", "[engine][people]") {
  Plan plan = Final();
  plan.steps[2].on_failure = OnFailure::kRollback;
  Driver run(plan);
  OpenGate(run);
  run.Succeed("hold", "gateway-0");
  run.Act(Of(ACT_COMPLETE, "asha"));
  run.Act(Of(ACT_COMPLETE, "daudi"));
  run.Fail("open", "target-0", "x");
  run.Succeed("open", "target-1");
  CHECK(run.engine().state() == RUN_STATE_RUNNING);
  CHECK(run.engine().Held(2));
}

TEST_CASE("when going back would soon not fit any more, the run goes back", "[engine][people]") {
  Driver run(Gated());
  OpenGate(run);
  SECTION("by itself") {
    run.Apply({run.now(), AbortTimeCame{run.now(), "finish 12:40, window until 12:00"}});
    CHECK(run.engine().state() == RUN_STATE_ROLLING_BACK);
    CHECK_THAT(run.engine().explanation(), Contains("finish 12:40"));
  }
  SECTION("unless two people override") {
    run.Act(Of(ACT_OVERRIDE, "asha"));
    CHECK_FALSE(run.engine().overridden());
    run.Act(Of(ACT_OVERRIDE, "asha"));
    CHECK_FALSE(run.engine().overridden());
    run.Act(Of(ACT_OVERRIDE, "baraka"));
    Engine engine = run.engine();
    const auto refused = engine.Apply({run.now(), AbortTimeCame{run.now(), ""}});
    CHECK_THAT(std::string(refused.status().message()), Contains("two people have overridden"));
  }
  run.RequireSameReplay();
}

TEST_CASE("every act but approve, resume, rollback and complete needs a reason",
          "[engine][people]") {
  Driver run(Gated());
  run.Start();
  for (const Act what : {ACT_REJECT, ACT_DELEGATE, ACT_PAUSE, ACT_RETRY, ACT_SKIP, ACT_RESOLVE,
                         ACT_ABORT, ACT_OVERRIDE}) {
    PersonAct act = Of(what, "asha", "go");
    act.clear_reason();
    CHECK_THAT(Refusal(run, act), Contains("needs a reason"));
  }
}

TEST_CASE("steps wait for the window, but for those that may begin before", "[engine]") {
  Plan plan = EmptyPlan();
  plan.steps = {MakeStep("copy", {kTarget0}, {}), MakeStep("hold", {kGateway}, {.needs = {0}})};
  plan.steps[0].before_window = true;
  Driver run(plan);
  const absl::Time opens = run.now() + absl::Hours(3);
  run.Start(
      {.window = Window{.start = opens, .end = opens + absl::Hours(13), .rollback_reserve = {}}});
  CHECK(run.NewOrders() == Texts{"copy on target-0"});
  run.Succeed("copy", "target-0");
  CHECK(run.NewOrders().empty());
  CHECK(run.engine().NextDeadline() == opens);
  run.TickNext();
  CHECK(run.NewOrders() == Texts{"hold on gateway-0"});
  run.RequireSameReplay();
}

}  // namespace
}  // namespace orchestrator
