#include "orchestrator/api/service.h"

#include <catch2/catch.hpp>

#include "base/hash.h"
#include "tests/orchestrator/control/harness.h"
#include "tests/orchestrator/engine/plans.h"
#include "tests/temporary_folder.h"

namespace orchestrator {
namespace {

using Catch::Matchers::Contains;
using hamisha::orchestrator::v1::RunView;
using hamisha::orchestrator::v1::SubmitRunRequest;
using hamisha::orchestrator::v1::SubmitRunResponse;

SubmitRunRequest Request() {
  SubmitRunRequest request;
  request.set_playbook_path("weekend.yaml");
  request.set_kind(hamisha::orchestrator::v1::RUN_KIND_REHEARSAL);
  request.set_submitted_by("amina");
  request.set_plan_digest(base::ToHex(SmallCutover().digest));
  return request;
}

grpc::Status Submit(RunningOrchestrator& orchestrator, const SubmitRunRequest& request) {
  grpc::ClientContext context;
  SubmitRunResponse response;
  return orchestrator.api().SubmitRun(&context, request, &response);
}

TEST_CASE("a run that cannot be is refused, and why", "[api]") {
  const TemporaryFolder folder;
  ControlOptions options = PlanOptions(folder.path(), SmallCutover());
  SubmitRunRequest request = Request();

  SECTION("a broken playbook gets all its problems, a line each") {
    options.compile = [](const SourceText& playbook, const SourceText&) {
      return Compilation{.plan = {},
                         .diagnostics = {{playbook.path, 3, 7, "unknown action"},
                                         {playbook.path, 9, 1, "unknown key"}}};
    };
    RunningOrchestrator orchestrator(options);
    const grpc::Status status = Submit(orchestrator, request);
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CHECK_THAT(status.error_message(),
               Contains("weekend.yaml:3:7: unknown action\nweekend.yaml:9:1: unknown key"));
  }
  SECTION("a plan that is not the one that was looked at") {
    RunningOrchestrator orchestrator(options);
    request.set_plan_digest("00");
    CHECK(Submit(orchestrator, request).error_code() == grpc::StatusCode::FAILED_PRECONDITION);
  }
  SECTION("neither rehearsal nor live") {
    RunningOrchestrator orchestrator(options);
    request.clear_kind();
    CHECK(Submit(orchestrator, request).error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  }
  SECTION("another run goes on") {
    RunningOrchestrator orchestrator(options);
    CHECK(Submit(orchestrator, request).ok());
    const grpc::Status status = Submit(orchestrator, request);
    CHECK(status.error_code() == grpc::StatusCode::FAILED_PRECONDITION);
    CHECK_THAT(status.error_message(), Contains("goes on"));
  }
}

TEST_CASE("before the first run there is nothing to see", "[api]") {
  const TemporaryFolder folder;
  RunningOrchestrator orchestrator(PlanOptions(folder.path(), SmallCutover()));
  grpc::ClientContext context;
  RunView view;
  CHECK(orchestrator.api().GetRun(&context, {}, &view).error_code() == grpc::StatusCode::NOT_FOUND);
}

TEST_CASE("agents and a run are seen while it goes on, with the newest progress", "[api]") {
  const TemporaryFolder folder;
  RunningOrchestrator orchestrator(PlanOptions(folder.path(), SmallCutover()));
  FakeAgents agents(AllHosts(), [](const hamisha::agent::v1::Order&) { return std::nullopt; });
  agents.Dial(orchestrator.address());
  REQUIRE(Submit(orchestrator, Request()).ok());
  agents.AwaitOrder("hold on gateway-0");

  grpc::ClientContext watching;
  const auto reader = orchestrator.api().WatchRun(&watching, {});
  RunView view;
  REQUIRE(reader->Read(&view));
  CHECK(view.state() == hamisha::orchestrator::v1::RUN_STATE_RUNNING);
  CHECK(view.kind() == hamisha::orchestrator::v1::RUN_KIND_REHEARSAL);
  CHECK(view.steps(0).hosts(0).state() == "sent");
  CHECK(view.steps(1).state() == "pending");

  grpc::ClientContext asking;
  hamisha::orchestrator::v1::ActRequest request;
  request.mutable_act()->set_act(hamisha::orchestrator::v1::ACT_ROLLBACK);
  request.mutable_act()->set_by("amina");
  REQUIRE(orchestrator.api().Act(&asking, request, &view).ok());
  CHECK(view.state() == hamisha::orchestrator::v1::RUN_STATE_ROLLING_BACK);
  agents.AwaitOrder("hold/probe on gateway-0");
  while (view.state() != hamisha::orchestrator::v1::RUN_STATE_ROLLING_BACK ||
         view.steps_size() < 4) {
    REQUIRE(reader->Read(&view));
  }
  CHECK(view.steps(3).id() == "hold/back/0");

  grpc::ClientContext listing;
  hamisha::orchestrator::v1::ListAgentsResponse listed;
  REQUIRE(orchestrator.api().ListAgents(&listing, {}, &listed).ok());
  CHECK(listed.agents_size() >= 1);
  watching.TryCancel();
  reader->Finish();
}

}  // namespace
}  // namespace orchestrator
