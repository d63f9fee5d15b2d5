// The real program as an operator starts it, and an orchestrator that says what a test wants.
#pragma once

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/command_runner.h"
#include "hamisha/orchestrator/v1/orchestrator.grpc.pb.h"
#include "orchestrator/coverage/coverage.h"
#include "orchestrator/plan/compile.h"
#include "rpc/rpc.h"
#include "tests/folders.h"
#include "tests/orchestrator/plan/texts.h"
#include "tests/temporary_folder.h"

namespace orchestrator {

namespace v1 = hamisha::orchestrator::v1;

struct Ended {
  int exit_code;
  std::string output;  // Both streams.
};

class Operator {
 public:
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = absl::StrCat(folder_.path(), "/", name);
    std::ofstream(path) << text;
    return path;
  }

  Ended Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), ProgramFolder() + "/hamisha");
    const std::string output = absl::StrCat(folder_.path(), "/output-", ++runs_);
    auto process = base::SystemCommandRunner().Start({.arguments = arguments, .output = output});
    REQUIRE(process.ok());
    const int exit_code = (*process)->Wait();
    std::ostringstream text;
    text << std::ifstream(output).rdbuf();
    return {exit_code, text.str()};
  }

 private:
  TemporaryFolder folder_;
  int runs_ = 0;
};

// Answers every call with what the test has set.
class FakeOrchestrator final : public v1::Orchestrator::Service {
 public:
  FakeOrchestrator() {
    auto server = rpc::Serve({.listen = "127.0.0.1:0", .services = {this}});
    REQUIRE(server.ok());
    server_ = *std::move(server);
    for (const char* host :
         {"source-0", "source-1", "target-0", "target-1", "gateway-0", "gateway-1"}) {
      v1::AgentView& agent = *agents.add_agents();
      agent.set_host(host);
      agent.set_connected(true);
    }
    view.set_run("r1");
    view.set_plan("small");
    view.set_kind(v1::RUN_KIND_LIVE);
    view.set_state(v1::RUN_STATE_SUCCEEDED);
  }
  ~FakeOrchestrator() override { server_.server->Shutdown(); }

  grpc::Status ListProfiles(grpc::ServerContext*, const v1::ListProfilesRequest*,
                            v1::ListProfilesResponse*) override {
    return grpc::Status::OK;
  }
  grpc::Status SubmitRun(grpc::ServerContext*, const v1::SubmitRunRequest* request,
                         v1::SubmitRunResponse* response) override {
    submitted = *request;
    response->set_run("r1");
    return grpc::Status::OK;
  }
  grpc::Status GetRun(grpc::ServerContext*, const v1::RunRequest*, v1::RunView* response) override {
    *response = view;
    return grpc::Status::OK;
  }
  grpc::Status WatchRun(grpc::ServerContext*, const v1::RunRequest*,
                        grpc::ServerWriter<v1::RunView>* writer) override {
    v1::RunView first = view;
    first.set_state(v1::RUN_STATE_RUNNING);
    writer->Write(first);
    if (++watched == 1) return {grpc::StatusCode::UNAVAILABLE, "restarting"};
    writer->Write(view);
    return grpc::Status::OK;
  }
  grpc::Status Act(grpc::ServerContext*, const v1::ActRequest* request,
                   v1::RunView* response) override {
    acted = *request;
    *response = view;
    return grpc::Status::OK;
  }
  grpc::Status ListAgents(grpc::ServerContext*, const v1::ListAgentsRequest*,
                          v1::ListAgentsResponse* response) override {
    *response = agents;
    return grpc::Status::OK;
  }

  grpc::Status GetCoverage(grpc::ServerContext*, const v1::CoverageRequest* request,
                           v1::CoverageView* response) override {
    *response = coverage;
    response->set_playbook_digest(request->playbook_digest());
    return grpc::Status::OK;
  }

  // As if rehearsals had proved every undo of the playbook.
  void ProveAll(const std::string& playbook) {
    const Compilation compiled = Compile({"playbook.yaml", playbook}, {"inventory", kInventory});
    for (StepCoverage& step : CoverageOf(compiled.plan)) {
      for (auto& undo : *step.mutable_undo()) undo.set_proved(true);
      *coverage.add_steps() = step;
    }
  }

  const std::string& address() const { return server_.address; }

  v1::CoverageView coverage;
  v1::RunView view;
  v1::ListAgentsResponse agents;
  v1::SubmitRunRequest submitted;
  v1::ActRequest acted;
  int watched = 0;

 private:
  rpc::RunningServer server_;
};

}  // namespace orchestrator
