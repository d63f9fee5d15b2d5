// Rehearsals that go back by themselves, live runs that need them, and preflights.
#include <catch2/catch.hpp>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "base/file_system.h"
#include "base/hash.h"
#include "orchestrator/control/control.h"
#include "tests/orchestrator/control/harness.h"
#include "tests/orchestrator/engine/plans.h"
#include "tests/temporary_folder.h"

namespace orchestrator {
namespace {

using Catch::Matchers::Contains;
using hamisha::agent::v1::Order;
using hamisha::agent::v1::OrderResult;
using hamisha::orchestrator::v1::RUN_KIND_LIVE;
using hamisha::orchestrator::v1::RUN_KIND_PREFLIGHT;
using hamisha::orchestrator::v1::RUN_KIND_REHEARSAL;
using hamisha::orchestrator::v1::RUN_STATE_ROLLED_BACK;
using hamisha::orchestrator::v1::RUN_STATE_SUCCEEDED;

// As real ones do: once the target has opened, the seal's way back finds nothing to undo.
std::optional<OrderResult> ActLikeLedgers(const Order& order, bool opened) {
  OrderResult result = *AlwaysSucceed(order);
  const bool of_seal = absl::StartsWith(order.key().step(), "seal/back/");
  const bool of_open = absl::StartsWith(order.key().step(), "open/back/");
  result.set_nothing_to_do((of_seal && opened) || (of_open && !opened));
  return result;
}

struct World {
  World() : orchestrator(PlanOptions(folder.path(), SmallCutover())) {
    agents.TellTheTime();
    agents.Dial(orchestrator.address());
    AwaitAgents(AllHosts().size());
  }
  // Until so many agents are connected.
  void AwaitAgents(size_t count) {
    const auto connected = [&] {
      const auto list = orchestrator.control().Agents();
      return static_cast<size_t>(std::count_if(list.agents().begin(), list.agents().end(),
                                               [](const auto& it) { return it.connected(); }));
    };
    uint64_t seen = 0;
    while (connected() != count) {
      seen = orchestrator.control().WaitForChange(seen, absl::ZeroDuration(), absl::Seconds(10));
    }
  }
  // Goes back behind the step; the state in which it ended.
  hamisha::orchestrator::v1::RunView GoBackAfter(const std::string& step) {
    agents.set_behaviour(
        [opened = step == "open"](const Order& order) { return ActLikeLedgers(order, opened); });
    REQUIRE(orchestrator.TrySubmit(RUN_KIND_REHEARSAL, step).ok());
    return orchestrator.WatchToEnd();
  }

  const TemporaryFolder folder;
  FakeAgents agents{AllHosts(), AlwaysSucceed};
  RunningOrchestrator orchestrator;
};

TEST_CASE("a rehearsal goes back by itself after the step that it names", "[control]") {
  World world;
  const auto view = world.GoBackAfter("seal");
  CHECK(view.state() == RUN_STATE_ROLLED_BACK);
  CHECK_THAT(view.explanation(), Contains("the way back is rehearsed, from step 'seal' on"));
  CHECK(view.steps(1).state() == "undone");
  CHECK(world.GoBackAfter("open").steps(2).state() == "undone");
}

TEST_CASE("only a rehearsal goes back by itself, and only after one of its steps", "[control]") {
  World world;
  CHECK(world.orchestrator.TrySubmit(RUN_KIND_LIVE, "seal").status().code() ==
        absl::StatusCode::kInvalidArgument);
  const auto unknown = world.orchestrator.TrySubmit(RUN_KIND_REHEARSAL, "sael").status();
  CHECK(unknown.code() == absl::StatusCode::kInvalidArgument);
  CHECK_THAT(std::string(unknown.message()), Contains("no step 'sael'"));
}

TEST_CASE("a live run needs rehearsals that proved every undo", "[control]") {
  World world;
  const auto refused = [&] {
    const absl::Status status = world.orchestrator.TrySubmit(RUN_KIND_LIVE).status();
    CHECK(status.code() == absl::StatusCode::kFailedPrecondition);
    return std::string(status.message());
  };
  CHECK_THAT(refused(), Contains("hold: undo of test.hold; seal: ledger.refuse, ledger.unseal"));
  world.GoBackAfter("open");
  CHECK_THAT(refused(), Contains("has gone back over seal: ledger.refuse, ledger.unseal:"));
  world.GoBackAfter("seal");
  world.agents.set_behaviour(AlwaysSucceed);
  REQUIRE(world.orchestrator.TrySubmit(RUN_KIND_LIVE).ok());
  CHECK(world.orchestrator.WatchToEnd().state() == RUN_STATE_SUCCEEDED);
}

TEST_CASE("a rehearsal that was brought here from elsewhere counts, of the same playbook only",
          "[control]") {
  World world;
  Coverage proved = CoverageOf(SmallCutover());
  for (StepCoverage& step : proved) {
    for (auto& undo : *step.mutable_undo()) undo.set_proved(true);
  }
  const auto bring = [&](const std::string& playbook_digest) {
    Profile profile;
    profile.playbook_digest = playbook_digest;
    profile.run = "of the lab";
    profile.kind = "rehearsal";
    profile.outcome = "rolled_back";
    profile.started = absl::UnixEpoch();
    profile.ended = absl::UnixEpoch();
    profile.coverage = proved;
    REQUIRE(world.orchestrator.control().ImportProfile("a.json", ToJson(profile)).ok());
  };
  bring(std::string(64, '0'));
  CHECK_FALSE(world.orchestrator.TrySubmit(RUN_KIND_LIVE).ok());
  bring(base::ToHex(base::Sha256Of("")));  // The harness submits no text.
  CHECK(world.orchestrator.TrySubmit(RUN_KIND_LIVE).ok());
  CHECK(world.orchestrator.WatchToEnd().state() == RUN_STATE_SUCCEEDED);
}

TEST_CASE("what rehearsals tried is added up for whoever asks", "[control]") {
  World world;
  const std::string first = world.GoBackAfter("open").run();
  const std::string second = world.GoBackAfter("seal").run();
  auto coverage = world.orchestrator.control().GetCoverage({});
  REQUIRE(coverage.ok());
  CHECK(coverage->runs_size() == 2);
  CHECK(coverage->playbook_digest().size() == 64);
  CHECK(UndosMissing(SmallCutover(), {coverage->steps().begin(), coverage->steps().end()}).empty());

  hamisha::orchestrator::v1::CoverageRequest request;
  request.add_runs(first);
  coverage = world.orchestrator.control().GetCoverage(request);
  REQUIRE(coverage.ok());
  CHECK(UndosMissing(SmallCutover(), {coverage->steps().begin(), coverage->steps().end()}).size() ==
        1);
  request.set_runs(0, "20150418-2300-none-7");
  CHECK(world.orchestrator.control().GetCoverage(request).status().code() ==
        absl::StatusCode::kNotFound);
}

TEST_CASE("agents that are gone are named before a live run", "[control]") {
  World world;
  world.GoBackAfter("open");
  world.GoBackAfter("seal");
  world.agents.HangUp();
  world.AwaitAgents(0);
  FakeAgents some({"source-0", "gateway-0"}, AlwaysSucceed);
  some.TellTheTime();
  some.Dial(world.orchestrator.address());
  world.AwaitAgents(2);
  const absl::Status status = world.orchestrator.TrySubmit(RUN_KIND_LIVE).status();
  CHECK_THAT(std::string(status.message()),
             Contains("no agent is connected from source-1, target-0, target-1: start them"));
  some.HangUp();
}

TEST_CASE("clocks that are wrong are named before a live run", "[control]") {
  World world;
  world.GoBackAfter("open");
  world.GoBackAfter("seal");
  world.agents.HangUp();
  world.AwaitAgents(0);
  FakeAgents of_1970(AllHosts(), AlwaysSucceed);
  of_1970.Dial(world.orchestrator.address());
  world.AwaitAgents(AllHosts().size());
  const absl::Status status = world.orchestrator.TrySubmit(RUN_KIND_LIVE).status();
  CHECK_THAT(std::string(status.message()),
             Contains("clocks differ from the orchestrator's by more than 1s: gateway-0 (-"));
  of_1970.HangUp();
}

Plan Looks() {
  Plan plan = EmptyPlan();
  plan.steps = {MakeStep("look", {kSource0, kSource1, kTarget0, kTarget1},
                         {.needs = {}, .mutates = false, .own_undo = false})};
  return plan;
}

TEST_CASE("a preflight does not come between a run and its way back", "[control]") {
  const TemporaryFolder folder;
  // The plan by the playbook's text.
  ControlOptions options = PlanOptions(folder.path(), SmallCutover());
  options.compile = [](const SourceText& playbook, const SourceText&) {
    return Compilation{.plan = playbook.yaml == "look" ? Looks() : SmallCutover(),
                       .diagnostics = {}};
  };
  RunningOrchestrator orchestrator(std::move(options));
  FakeAgents agents(AllHosts(), AlwaysSucceed);
  agents.Dial(orchestrator.address());
  const std::string run = orchestrator.Submit();
  CHECK(orchestrator.WatchToEnd().state() == RUN_STATE_SUCCEEDED);

  hamisha::orchestrator::v1::SubmitRunRequest request;
  request.set_kind(RUN_KIND_PREFLIGHT);
  request.set_playbook_yaml("look");
  request.set_plan_digest(base::ToHex(EmptyPlan().digest));
  for (int i = 0; i < 2; ++i) {  // As often as one likes.
    const auto preflight = orchestrator.control().Submit(request);
    REQUIRE(preflight.ok());
    hamisha::orchestrator::v1::RunRequest watched;
    watched.set_run(*preflight);
    grpc::ClientContext context;
    const auto reader = orchestrator.api().WatchRun(&context, watched);
    hamisha::orchestrator::v1::RunView view;
    while (reader->Read(&view)) {
    }
    REQUIRE(reader->Finish().ok());
    CHECK(view.run() == *preflight);
    CHECK(view.state() == RUN_STATE_SUCCEEDED);
    CHECK(orchestrator.control().Get("")->run() == run);
  }

  hamisha::orchestrator::v1::ActRequest back;
  back.mutable_act()->set_act(hamisha::orchestrator::v1::ACT_ROLLBACK);
  back.mutable_act()->set_by("amina");
  back.mutable_act()->set_reason("as rehearsed");
  REQUIRE(orchestrator.control().Act(back).ok());
  const auto view = orchestrator.WatchToEnd();
  CHECK(view.run() == run);
  CHECK(view.state() == RUN_STATE_ROLLED_BACK);
}

TEST_CASE("a preflight that would change something is refused", "[control]") {
  World world;
  const absl::Status status = world.orchestrator.TrySubmit(RUN_KIND_PREFLIGHT).status();
  CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  CHECK_THAT(std::string(status.message()), Contains("step 'hold' (test.hold) would"));
}

TEST_CASE("a preflight that a crash cut off is not gone on with", "[control]") {
  const TemporaryFolder folder;
  FakeAgents agents(AllHosts(), [](const Order&) { return std::nullopt; });
  std::string preflight;
  {
    RunningOrchestrator orchestrator(PlanOptions(folder.path(), Looks()));
    agents.Dial(orchestrator.address());
    const auto begun = orchestrator.TrySubmit(RUN_KIND_PREFLIGHT);
    REQUIRE(begun.ok());
    preflight = *begun;
    agents.AwaitOrder("look on source-0");
    agents.HangUp();
  }
  RunningOrchestrator orchestrator(PlanOptions(folder.path(), Looks()));
  CHECK(orchestrator.control().Get("").status().code() == absl::StatusCode::kNotFound);
  // Who watches it is told, and does not wait for ever.
  CHECK(orchestrator.control().Get(preflight).status().code() == absl::StatusCode::kAborted);
}

// What a preflight is in the way of does not wait for it.
TEST_CASE("a preflight is given up for a decision about the run before it, and for another run",
          "[control]") {
  const TemporaryFolder folder;
  ControlOptions options = PlanOptions(folder.path(), SmallCutover());
  options.compile = [](const SourceText& playbook, const SourceText&) {
    return Compilation{.plan = playbook.yaml == "look" ? Looks() : SmallCutover(),
                       .diagnostics = {}};
  };
  RunningOrchestrator orchestrator(std::move(options));
  FakeAgents agents(AllHosts(), [](const Order& order) {
    return order.key().step() == "look" ? std::nullopt : AlwaysSucceed(order);
  });
  agents.Dial(orchestrator.address());
  const std::string run = orchestrator.Submit();
  CHECK(orchestrator.WatchToEnd().state() == RUN_STATE_SUCCEEDED);
  hamisha::orchestrator::v1::SubmitRunRequest request;
  request.set_kind(RUN_KIND_PREFLIGHT);
  request.set_playbook_yaml("look");
  request.set_plan_digest(base::ToHex(EmptyPlan().digest));
  const auto preflight = orchestrator.control().Submit(request);
  REQUIRE(preflight.ok());
  CHECK(orchestrator.control().Get("")->run() == run);

  SECTION("a decision") {
    hamisha::orchestrator::v1::ActRequest back;
    back.set_run(run);
    back.mutable_act()->set_act(hamisha::orchestrator::v1::ACT_ROLLBACK);
    back.mutable_act()->set_by("amina");
    REQUIRE(orchestrator.control().Act(back).ok());
    CHECK(orchestrator.WatchToEnd().state() == RUN_STATE_ROLLED_BACK);
  }
  SECTION("another run") { CHECK(orchestrator.Submit() != run); }
  SECTION("another preflight") { CHECK(orchestrator.control().Submit(request).ok()); }
  const absl::Status given_up = orchestrator.control().Get(*preflight).status();
  CHECK(given_up.code() == absl::StatusCode::kAborted);
  CHECK_THAT(std::string(given_up.message()), Contains("ask again with `hamisha preflight`"));
}

TEST_CASE("nothing but its way back comes behind a run that left something", "[control]") {
  Plan plan = SmallCutover();
  for (PlannedStep& step : plan.steps) step.on_failure = OnFailure::kStop;
  const TemporaryFolder folder;
  RunningOrchestrator orchestrator(PlanOptions(folder.path(), plan));
  FakeAgents agents(AllHosts(), [](const Order& order) {
    OrderResult result = *AlwaysSucceed(order);
    if (order.key().step() == "seal") result.set_outcome(hamisha::agent::v1::OUTCOME_FAILED);
    return std::optional(result);
  });
  agents.Dial(orchestrator.address());
  const std::string run = orchestrator.Submit();
  CHECK(orchestrator.WatchToEnd().state() == hamisha::orchestrator::v1::RUN_STATE_STOPPED);
  const absl::Status refused = orchestrator.TrySubmit(RUN_KIND_REHEARSAL).status();
  CHECK(refused.code() == absl::StatusCode::kFailedPrecondition);
  CHECK_THAT(std::string(refused.message()),
             Contains("take it back first (hamisha rollback " + run));
}

}  // namespace
}  // namespace orchestrator
