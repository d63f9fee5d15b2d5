// What the orchestrator does about its window: looks ahead, warns, goes back in time, refuses.
#include <catch2/catch.hpp>

#include "absl/strings/match.h"
#include "base/hash.h"
#include "tests/orchestrator/control/harness.h"
#include "tests/orchestrator/engine/plans.h"
#include "tests/temporary_folder.h"

namespace orchestrator {
namespace {

using Catch::Matchers::Contains;
using hamisha::agent::v1::Order;
using namespace hamisha::orchestrator::v1;  // NOLINT(google-build-using-namespace): run states.

const absl::Time kStart = absl::FromUnixSeconds(1429387200);

Plan WindowedCutover() {
  Plan plan = SmallCutover();
  plan.window = Window{
      .start = kStart, .end = kStart + absl::Hours(1), .rollback_reserve = absl::Minutes(10)};
  for (PlannedStep& step : plan.steps) step.apply.timeout = absl::Hours(2);
  return plan;
}

ControlOptions OptionsOf(const TemporaryFolder& folder, const Plan& plan,
                         const base::Clock& clock) {
  ControlOptions options = PlanOptions(folder.path(), plan);
  options.clock = &clock;
  options.version = "1.2.3";
  return options;
}

// Everything but the seal of source-1, which takes for ever.
std::optional<hamisha::agent::v1::OrderResult> SealForEver(const Order& order) {
  if (order.key().step() == "seal" && order.key().host() == "source-1") return std::nullopt;
  return AlwaysSucceed(order);
}

// Until a view is as wanted.
RunView Await(RunningOrchestrator& orchestrator,
              const std::function<bool(const RunView&)>& wanted) {
  grpc::ClientContext context;
  const auto reader = orchestrator.api().WatchRun(&context, {});
  RunView view;
  while (reader->Read(&view)) {
    if (!wanted(view)) continue;
    context.TryCancel();
    return view;
  }
  FAIL("the run ended, or the orchestrator went away");
  return view;
}

TEST_CASE("a run that goes on has a forecast", "[window]") {
  const TemporaryFolder folder;
  SteppedClock clock(kStart + absl::Minutes(1));
  RunningOrchestrator orchestrator(OptionsOf(folder, WindowedCutover(), clock));
  FakeAgents agents(AllHosts(), SealForEver);
  agents.Dial(orchestrator.address());
  orchestrator.Submit();
  const RunView view = Await(orchestrator, [](const RunView& run) { return run.has_forecast(); });
  // A rehearsal has its own hour, from its start on.
  const int64_t end = absl::ToUnixSeconds(kStart + absl::Minutes(61));
  CHECK(view.window_end().seconds() == end);
  CHECK(view.forecast().latest_safe_abort().seconds() == end - 600);
  CHECK_THAT(view.forecast().unprofiled(), Contains("no profile for: "));
}

TEST_CASE("a run that is not finished at the latest safe abort time goes back by itself",
          "[window]") {
  const TemporaryFolder folder;
  SteppedClock clock(kStart);
  FakeAgents agents(AllHosts(), SealForEver);
  RunView view;
  {
    RunningOrchestrator orchestrator(OptionsOf(folder, WindowedCutover(), clock));
    agents.Dial(orchestrator.address());
    orchestrator.Submit();
    agents.AwaitOrder("seal on source-1");
    Await(orchestrator, [](const RunView& run) { return run.has_forecast(); });
    clock.Advance(absl::Minutes(50));
    view = orchestrator.WatchToEnd();
    agents.HangUp();
  }
  CHECK(view.state() == RUN_STATE_ROLLED_BACK);
  CHECK_THAT(view.explanation(), Contains("latest safe abort"));
  CHECK(view.ended().seconds() <= view.window_end().seconds());
  const std::string journal = base::SystemFileSystem().Read(view.journal()).value();
  CHECK_THAT(journal, Contains(R"("kind":"forecast")") && Contains(R"("kind":"abort_time_came")"));

  // The notes do not come between a replay and its state.
  RunningOrchestrator again(OptionsOf(folder, WindowedCutover(), clock));
  CHECK(again.control().Get("")->state() == RUN_STATE_ROLLED_BACK);
}

TEST_CASE("a run that has ended leaves its profile, and other orchestrators take it", "[window]") {
  const TemporaryFolder folder;
  SteppedClock clock(kStart);
  RunningOrchestrator orchestrator(OptionsOf(folder, WindowedCutover(), clock));
  FakeAgents agents(AllHosts(), AlwaysSucceed);
  agents.Dial(orchestrator.address());
  const std::string run = orchestrator.Submit();
  orchestrator.WatchToEnd();
  const auto profile = orchestrator.control().GetProfile("");
  REQUIRE(profile.ok());
  CHECK(profile->run == run);
  CHECK(profile->kind == "rehearsal");
  CHECK(profile->outcome == "succeeded");
  CHECK(profile->programs.at("orchestrator") == "1.2.3");
  CHECK(profile->samples.size() == 3);

  const TemporaryFolder elsewhere;
  RunningOrchestrator other(OptionsOf(elsewhere, WindowedCutover(), clock));
  REQUIRE(other.control().ImportProfile("profile.json", ToJson(*profile)).ok());
  REQUIRE(other.control().ImportProfile("profile.json", ToJson(*profile)).ok());
  CHECK(other.control().Profiles(profile->playbook_digest)->size() == 1);
  CHECK(other.control().Profiles(std::string(64, 'a'))->empty());
  CHECK(other.control().ImportProfile("x.json", "{}").status().code() ==
        absl::StatusCode::kInvalidArgument);
}

TEST_CASE("a run that goes on has left no profile yet", "[window]") {
  const TemporaryFolder folder;
  SteppedClock clock(kStart);
  RunningOrchestrator orchestrator(OptionsOf(folder, WindowedCutover(), clock));
  orchestrator.Submit();
  CHECK_THAT(std::string(orchestrator.control().GetProfile("").status().message()),
             Contains("has left no profile: it does when it ends"));
}

// Submits a live run at `time`; what is said. (Nothing of it was rehearsed: that alone refuses it.)
std::string RefusedAt(absl::Time time, const Plan& plan) {
  const TemporaryFolder folder;
  const SteppedClock clock(time);
  RunningOrchestrator orchestrator(OptionsOf(folder, plan, clock));
  SubmitRunRequest request;
  request.set_kind(RUN_KIND_LIVE);
  request.set_submitted_by("asha");
  request.set_plan_digest(base::ToHex(plan.digest));
  const auto run = orchestrator.control().Submit(request);
  if (run.ok()) return "";
  CHECK(run.status().code() == absl::StatusCode::kFailedPrecondition);
  return std::string(run.status().message());
}

TEST_CASE("a live run begins in its window only", "[window]") {
  Plan plan = WindowedCutover();
  for (PlannedStep& step : plan.steps) step.apply.timeout = absl::Minutes(1);
  CHECK_THAT(RefusedAt(kStart, plan), !Contains("window"));
  CHECK_THAT(RefusedAt(kStart - absl::Minutes(5), plan),
             Contains("begins at ") && Contains("in 5m") && Contains("before_window: true"));
  CHECK_THAT(RefusedAt(kStart + absl::Hours(1), plan), Contains("ended at "));
  plan.steps[0].before_window = true;
  CHECK_THAT(RefusedAt(kStart - absl::Minutes(5), plan), !Contains("window"));
}

TEST_CASE("a live run that does not fit into its window is refused with the sum", "[window]") {
  const std::string refused = RefusedAt(kStart, WindowedCutover());
  CHECK_THAT(refused, Contains("does not fit into its window") && Contains("forward (P90) + ") &&
                          Contains("to go back") && Contains("after the window's end") &&
                          Contains("no profile for: "));
}

}  // namespace
}  // namespace orchestrator
