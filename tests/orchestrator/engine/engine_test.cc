#include "orchestrator/engine/engine.h"

#include <catch2/catch.hpp>

#include "orchestrator/engine/dry_run.h"
#include "tests/orchestrator/engine/plans.h"

namespace orchestrator {
namespace {

using Catch::Matchers::Contains;
using hamisha::agent::v1::OrderResult;
using hamisha::orchestrator::v1::RUN_STATE_ROLLED_BACK;
using hamisha::orchestrator::v1::RUN_STATE_ROLLING_BACK;
using hamisha::orchestrator::v1::RUN_STATE_RUNNING;
using hamisha::orchestrator::v1::RUN_STATE_STOPPED;
using hamisha::orchestrator::v1::RUN_STATE_SUCCEEDED;
using hamisha::orchestrator::v1::RUN_STATE_UNKNOWN;

using Texts = std::vector<std::string>;

TEST_CASE("a step is left only through a listed transition", "[engine]") {
  CHECK(NextState(StepState::kRunning, StepEvent::kProbe) == StepState::kProbing);
  CHECK(NextState(StepState::kUndone, StepEvent::kSettle) == std::nullopt);
  CHECK(NextState(StepState::kSkipped, StepEvent::kStart) == std::nullopt);
  CHECK(NextState(HostState::kSucceeded, HostEvent::kProbe) == std::nullopt);
}

TEST_CASE("a step starts on all its hosts when what it needs has succeeded", "[engine]") {
  Driver run(SmallCutover());
  run.Start();
  CHECK(run.NewOrders() == Texts{"hold on gateway-0"});
  run.Succeed("hold", "gateway-0");
  CHECK(run.NewOrders() == Texts{"seal on source-0", "seal on source-1"});
  run.Succeed("seal", "source-1");
  CHECK(run.NewOrders().empty());
  run.Succeed("seal", "source-0");
  CHECK(run.NewOrders() == Texts{"open on target-0", "open on target-1"});
  run.Succeed("open", "target-0");
  CHECK(run.engine().state() == RUN_STATE_RUNNING);
  run.Succeed("open", "target-1");
  CHECK(run.engine().state() == RUN_STATE_SUCCEEDED);
  CHECK(run.ends().size() == 1);
  CHECK(run.engine().NextDeadline() == absl::InfiniteFuture());
  run.RequireSameReplay();
}

TEST_CASE("an order says all that an agent needs, certificates of its shards too", "[engine]") {
  Driver run(SmallCutover());
  run.Start();
  run.Succeed("hold", "gateway-0");
  for (const uint32_t shard : {0u, 1u}) {
    OrderResult sealed;
    *sealed.mutable_key() = run.Sent("seal", "source-" + std::to_string(shard)).key();
    sealed.set_outcome(hamisha::agent::v1::OUTCOME_SUCCEEDED);
    *sealed.add_certificates() = SealCertificate(shard, 1);
    *sealed.add_certificates() = SealCertificate(shard, 1);  // Kept once.
    run.Answer(sealed);
  }
  const auto& open = run.Sent("open", "target-1");
  CHECK(open.key().run() == "run-1");
  CHECK(open.key().attempt() == 1);
  CHECK(open.mode() == hamisha::agent::v1::MODE_APPLY);
  CHECK(open.plan_digest() == std::string(32, 7));
  CHECK(open.timeout().seconds() == 5);
  CHECK(open.fence_step().empty());
  REQUIRE(open.shards_size() == 1);
  CHECK(open.shards(0).shard() == 1);
  REQUIRE(open.certificates_size() == 1);
  CHECK(open.certificates(0).signer() == "source-1");
}

TEST_CASE("what is learnt of servers goes to those that compare them, by shard", "[engine]") {
  Plan plan = EmptyPlan();
  for (const uint32_t shard : {0u, 1u}) {
    for (const char* const site : {"source", "target"}) {
      auto& node = *plan.shards[shard].add_nodes();
      node.set_host(absl::StrCat(site, "-", shard));
    }
  }
  plan.steps = {MakeStep("facts", {kSource0, kSource1, kTarget0, kTarget1}, {.needs = {}}),
                MakeStep("drift", {kTarget1}, {.needs = {0}}),
                MakeStep("open", {kTarget1}, {.needs = {1}})};
  plan.steps[1].apply.takes_host_facts = true;
  Driver run(plan);
  run.Start();
  for (const std::string host : {"source-0", "source-1", "target-0", "target-1"}) {
    OrderResult learnt;
    *learnt.mutable_key() = run.Sent("facts", host).key();
    learnt.set_outcome(hamisha::agent::v1::OUTCOME_SUCCEEDED);
    learnt.mutable_host()->set_host(host);
    run.Answer(learnt);
  }
  const auto& compare = run.Sent("drift", "target-1");
  REQUIRE(compare.hosts_size() == 2);
  CHECK(compare.hosts(0).host() == "source-1");
  CHECK(compare.hosts(1).host() == "target-1");
  run.Succeed("drift", "target-1");
  CHECK(run.Sent("open", "target-1").hosts_size() == 0);
  run.RequireSameReplay();
}

TEST_CASE("a refusal stops the run, tells all hosts' reasons, and that nothing was changed",
          "[engine]") {
  Plan plan = EmptyPlan();
  plan.steps = {
      MakeStep("drift", {kTarget0, kTarget1}, {.needs = {}, .mutates = false, .own_undo = false}),
      MakeStep("hold", {kGateway}, {.needs = {0}})};
  Driver run(plan);
  run.Start();
  for (const std::string host : {"target-0", "target-1"}) {
    OrderResult refusal;
    *refusal.mutable_key() = run.Sent("drift", host).key();
    refusal.set_outcome(hamisha::agent::v1::OUTCOME_FAILED);
    refusal.set_message("too few files");
    refusal.set_refused(true);
    run.Answer(refusal);
  }
  CHECK(run.engine().state() == RUN_STATE_STOPPED);
  CHECK(run.engine().refused());
  CHECK(run.StateOf("hold") == StepState::kSkipped);
  CHECK(run.engine().explanation() ==
        "step 'drift' (test.drift) failed on target-0: too few files; target-1: too few files. "
        "Nothing had been changed");
  run.RequireSameReplay();
}

TEST_CASE("sides that certify different statements of one cutover fail, though both answered well",
          "[engine]") {
  const std::string root_at_target = GENERATE("r", "s");
  Plan plan = EmptyPlan();
  plan.steps = {MakeStep("certify", {kSource0, kTarget0},
                         {.needs = {}, .mutates = false, .own_undo = false})};
  Driver run(plan);
  run.Start();
  const auto certify = [&run](const std::string& host, const std::string& root) {
    OrderResult result;
    *result.mutable_key() = run.Sent("certify", host).key();
    result.set_outcome(hamisha::agent::v1::OUTCOME_SUCCEEDED);
    *result.add_certificates() = CutoverCertificate(host, root);
    run.Answer(result);
  };
  certify("source-0", "r");
  certify("target-0", root_at_target);
  const bool is_same = root_at_target == "r";
  CHECK(run.engine().state() == (is_same ? RUN_STATE_SUCCEEDED : RUN_STATE_STOPPED));
  CHECK(run.engine().mismatch() == !is_same);
  CHECK(run.engine().certificates().All().size() == 2);
  if (!is_same) {
    CHECK_THAT(run.engine().explanation(),
               Contains("'source-0' and 'target-0' do not certify the same cutover: state root"));
  }
  run.RequireSameReplay();
}

TEST_CASE("a failure that is no refusal is not called one", "[engine]") {
  Plan plan = EmptyPlan();
  plan.steps = {MakeStep("drift", {kTarget0}, {.needs = {}, .mutates = false, .own_undo = false})};
  Driver run(plan);
  run.Start();
  run.Fail("drift", "target-0", "no answer");
  CHECK(run.engine().state() == RUN_STATE_STOPPED);
  CHECK_FALSE(run.engine().refused());
}

TEST_CASE("a failed attempt is tried again after the delay, and then the run stops", "[engine]") {
  Plan plan = EmptyPlan();
  plan.steps = {MakeStep("hold", {kGateway}, {.needs = {}, .retries = 1})};
  Driver run(plan);
  run.Start();
  run.Fail("hold", "gateway-0", "no room");
  CHECK(run.StateOf("hold") == StepState::kRetryWait);
  CHECK(run.engine().NextDeadline() == run.now() + absl::Seconds(1));
  run.TickNext();
  CHECK(run.StateOf("hold") == StepState::kRunning);
  CHECK(run.NewOrders() == Texts{"hold on gateway-0", "hold#2 on gateway-0"});
  run.Fail("hold#2", "gateway-0", "no room still");
  CHECK(run.engine().state() == RUN_STATE_STOPPED);
  CHECK_THAT(run.engine().explanation(),
             Contains("step 'hold' (test.hold) failed on gateway-0: no room still") &&
                 Contains("hamisha rollback run-1"));
  run.RequireSameReplay();
}

SCENARIO("an unknown outcome is resolved by a probe with a fence", "[engine]") {
  Driver run(SmallCutover());
  run.Start();
  run.Succeed("hold", "gateway-0");
  run.Succeed("seal", "source-1");
  run.NewOrders();

  const bool answers = GENERATE(true, false);
  CAPTURE(answers);
  if (answers) {
    run.Unknown("seal", "source-0");
  } else {
    CHECK(run.engine().NextDeadline() == run.now() + absl::Seconds(5 + 3));
    run.TickNext();
  }
  REQUIRE(run.NewOrders() == Texts{"seal/probe on source-0"});
  CHECK(run.StateOf("seal") == StepState::kProbing);
  const auto& probe = run.Sent("seal/probe", "source-0");
  CHECK(probe.mode() == hamisha::agent::v1::MODE_PROBE);
  CHECK(probe.fence_step() == "seal");

  THEN("the step goes on when its effect is there") {
    run.Succeed("seal/probe", "source-0");
    CHECK(run.StateOf("seal") == StepState::kSucceeded);
  }
  THEN("it is sent again under a name that is not fenced when it is certainly not there") {
    run.Fail("seal/probe", "source-0", "is primary");
    CHECK(run.NewOrders() == Texts{"seal#2 on source-0"});
    run.Unknown("seal#2", "source-0");
    CHECK(run.Sent("seal/probe#2", "source-0").fence_step() == "seal#2");
    CHECK(run.Sent("seal/probe#2", "source-0").key().attempt() == 2);
  }
  THEN("a probe without answer is sent twice more, then the run goes back") {
    run.TickNext();
    run.TickNext();
    CHECK(run.NewOrders() == Texts{"seal/probe#2 on source-0", "seal/probe#3 on source-0"});
    run.TickNext();
    CHECK(run.engine().state() == RUN_STATE_ROLLING_BACK);
    CHECK_THAT(run.engine().explanation(), Contains("unknown outcome on source-0"));
  }
  THEN("a late failure of the order itself, which may be the fence's, leaves it to the probe") {
    if (run.engine().Expects(run.Sent("seal", "source-0").key())) {
      run.Fail("seal", "source-0", "fenced off");
      CHECK(run.StateOf("seal") == StepState::kProbing);
      run.Fail("seal/probe", "source-0", "is primary");
      CHECK(run.NewOrders() == Texts{"seal#2 on source-0"});
    }
  }
  THEN("a late answer of the order itself counts, and the probe's no longer does") {
    if (run.engine().Expects(run.Sent("seal", "source-0").key())) {
      run.Succeed("seal", "source-0");
      CHECK(run.StateOf("seal") == StepState::kSucceeded);
      run.Fail("seal/probe", "source-0", "late");
      CHECK(run.StateOf("seal") == StepState::kSucceeded);
    }
  }
  run.RequireSameReplay();
}

TEST_CASE("what changes nothing is repeated when its probe cannot tell", "[engine]") {
  Plan plan = EmptyPlan();
  plan.steps = {MakeStep("canary", {kGateway}, {.needs = {}, .mutates = false, .own_undo = false})};
  Driver run(plan);
  run.Start();
  run.Unknown("canary", "gateway-0");
  run.Unknown("canary/probe", "gateway-0");
  run.Succeed("canary#2", "gateway-0");
  CHECK(run.engine().state() == RUN_STATE_SUCCEEDED);
}

TEST_CASE("a step that may fail does not hold up those that need it", "[engine]") {
  Plan plan = EmptyPlan();
  plan.steps = {MakeStep("canary", {kGateway}, {.needs = {}, .on_failure = OnFailure::kContinue}),
                MakeStep("hold", {kGateway}, {.needs = {0}})};
  Driver run(plan);
  run.Start();
  run.Fail("canary", "gateway-0", "too slow");
  run.Succeed("hold", "gateway-0");
  CHECK(run.engine().state() == RUN_STATE_SUCCEEDED);
  CHECK_THAT(run.engine().explanation(), Contains("canary") && Contains("too slow"));
}

SCENARIO("the way back undoes in reverse what was begun", "[engine]") {
  Driver run(SmallCutover());
  run.Start();
  run.Succeed("hold", "gateway-0");

  GIVEN("a step that failed on one host while the other's order is out") {
    OrderResult sealed;
    *sealed.mutable_key() = run.Sent("seal", "source-0").key();
    sealed.set_outcome(hamisha::agent::v1::OUTCOME_FAILED);
    sealed.set_message("the disk is full");
    run.NewOrders();
    run.Answer(sealed);
    CHECK(run.engine().state() == RUN_STATE_ROLLING_BACK);
    CHECK(run.StateOf("open") == StepState::kSkipped);

    THEN("the other is settled first, then each action follows the one before") {
      REQUIRE(run.NewOrders() == Texts{"seal/probe on source-1"});
      OrderResult probed;
      *probed.mutable_key() = run.Sent("seal/probe", "source-1").key();
      probed.set_outcome(hamisha::agent::v1::OUTCOME_SUCCEEDED);
      *probed.add_certificates() = SealCertificate(1, 1);
      run.Answer(probed);
      REQUIRE(run.NewOrders() == Texts{"seal/back/0 on target-0", "seal/back/0 on target-1"});
      CHECK(run.Sent("seal/back/0", "target-0").mode() == hamisha::agent::v1::MODE_BACK);
      CHECK(run.Sent("seal/back/0", "target-0").fence_step().empty());
      CHECK(run.Sent("seal/back/0", "target-1").certificates_size() == 1);
      run.Succeed("seal/back/0", "target-0");
      run.Succeed("seal/back/0", "target-1");
      REQUIRE(run.NewOrders() == Texts{"seal/back/1 on source-0", "seal/back/1 on source-1"});
      CHECK(run.Sent("seal/back/1", "source-1").fence_step() == "seal");
      run.Succeed("seal/back/1", "source-0");
      run.Succeed("seal/back/1", "source-1");
      REQUIRE(run.NewOrders() == Texts{"hold/back/0 on gateway-0"});
      CHECK(run.Sent("hold/back/0", "gateway-0").mode() == hamisha::agent::v1::MODE_UNDO);
      run.Succeed("hold/back/0", "gateway-0");
      CHECK(run.engine().state() == RUN_STATE_ROLLED_BACK);
      CHECK_THAT(run.engine().explanation(), Contains("source-0: the disk is full"));
    }
    THEN("an answer of the order itself settles as well") {
      run.Succeed("seal", "source-1");
      CHECK(run.NewOrders().back() == "seal/back/0 on target-1");
    }
  }

  GIVEN("a host that cannot be reached") {
    run.Succeed("seal", "source-0");
    run.Succeed("seal", "source-1");
    run.RollBack("the bank called");
    while (run.StateOf("open") == StepState::kSettling) run.TickNext();
    while (run.StateOf("seal") != StepState::kUndoing) {
      for (const auto& order : run.Open()) run.Succeed(order.key().step(), order.key().host());
    }
    run.Succeed("seal/back/0", "target-0");
    run.Succeed("seal/back/0", "target-1");
    run.Succeed("seal/back/1", "source-0");

    THEN("it is tried three times, the rest is undone, and the end is unknown with what to do") {
      run.NewOrders();
      while (run.StateOf("seal") == StepState::kUndoing) run.TickNext();
      CHECK(run.NewOrders() == Texts{"seal/back/1#2 on source-1", "seal/back/1#3 on source-1",
                                     "hold/back/0 on gateway-0"});
      run.Succeed("hold/back/0", "gateway-0");
      CHECK(run.engine().state() == RUN_STATE_UNKNOWN);
      CHECK_THAT(run.engine().explanation(), Contains("the bank called") &&
                                                 Contains("ledger.unseal on source-1") &&
                                                 Contains("hamisha rollback run-1"));
      AND_THEN("a new request tries what is left and all that was undone after it, with new keys") {
        run.RollBack("the link is back");
        REQUIRE(run.NewOrders() == Texts{"seal/back/0#2 on target-0", "seal/back/0#2 on target-1"});
        run.Succeed("seal/back/0#2", "target-0");
        run.Succeed("seal/back/0#2", "target-1");
        run.Succeed("seal/back/1#2", "source-0");
        run.Succeed("seal/back/1#4", "source-1");
        CHECK(run.StateOf("hold") == StepState::kUndoing);
        run.Succeed("hold/back/0#2", "gateway-0");
        CHECK(run.engine().state() == RUN_STATE_ROLLED_BACK);
        CHECK(run.ends().size() == 2);
      }
    }
  }
  run.RequireSameReplay();
}

TEST_CASE("a finished run can go back, and a run that went back cannot", "[engine]") {
  Driver run(SmallCutover());
  run.Start();
  while (!run.engine().ended()) {
    for (const auto& order : run.Open()) run.Succeed(order.key().step(), order.key().host());
  }
  REQUIRE(run.engine().state() == RUN_STATE_SUCCEEDED);
  run.RollBack("");
  while (!run.engine().ended()) {
    for (const auto& order : run.Open()) run.Succeed(order.key().step(), order.key().host());
  }
  REQUIRE(run.engine().state() == RUN_STATE_ROLLED_BACK);
  Engine engine = run.engine();
  const auto again = engine.Apply({run.now(), RollbackRequested("")});
  CHECK(again.status().code() == absl::StatusCode::kFailedPrecondition);
  run.RequireSameReplay();
}

TEST_CASE("a new term gives what is out its full time again", "[engine]") {
  Driver run(SmallCutover());
  run.Start();
  run.Advance(absl::Minutes(10));
  run.NewTerm();
  CHECK(run.NewOrders() == Texts{"hold on gateway-0"});
  CHECK(run.engine().NextDeadline() == run.now() + absl::Seconds(8));
  run.RequireSameReplay();
}

TEST_CASE("a mismatch is remembered", "[engine]") {
  Driver run(SmallCutover());
  run.Start();
  OrderResult result;
  *result.mutable_key() = run.Sent("hold", "gateway-0").key();
  result.set_outcome(hamisha::agent::v1::OUTCOME_FAILED);
  result.set_mismatch(true);
  run.Answer(result);
  CHECK(run.engine().mismatch());
}

TEST_CASE("a dry run lists the steps in order, each with its way back", "[engine]") {
  CHECK(DryRun(SmallCutover()) == Texts{"1. freeze/hold: test.hold on gateway-0",
                                        "     way back: undo of test.hold on gateway-0",
                                        "2. freeze/seal: test.seal on source-0, source-1",
                                        "     way back: ledger.refuse on target-0, target-1",
                                        "     way back: ledger.unseal on source-0, source-1",
                                        "3. freeze/open: test.open on target-0, target-1",
                                        "     way back: undo of test.open on target-0, target-1"});
}

}  // namespace
}  // namespace orchestrator
