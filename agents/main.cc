// hamisha-agent: executes an orchestrator's orders on this server.
#include <google/protobuf/util/json_util.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "agents/drivers/gateway/drivers.h"
#include "agents/drivers/host/drivers.h"
#include "agents/drivers/ledger/drivers.h"
#include "agents/drivers/probe/canary.h"
#include "agents/runtime/agent.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/folder_lock.h"
#include "base/hash.h"
#include "base/locks.h"
#include "base/status_macros.h"
#include "rpc/rpc.h"

namespace agents {
namespace {

absl::StatusOr<pb::AgentConfig> ReadConfig(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string json, base::SystemFileSystem().Read(path));
  pb::AgentConfig config;
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, &config);
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is no agent configuration: ", parsed.ToString()));
  }
  if (config.host().empty() || config.data_dir().empty() || config.orchestrator().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": say at least host, dataDir and orchestrator (host:port)"));
  }
  return config;
}

// Only for what this server has.
Drivers MakeDrivers(const pb::AgentConfig& config, const AgentProgram& program) {
  Drivers drivers;
  if (!config.ledger().empty()) {
    const auto channel = rpc::Connect(config.ledger());
    channel->GetState(/*try_to_connect=*/true);  // Not only when the writes are waiting.
    AddLedgerDrivers(hamisha::ledger::v1::Node::NewStub(channel),
                     hamisha::ledger::v1::Verification::NewStub(channel), drivers);
    AddHostDrivers(hamisha::ledger::v1::Node::NewStub(channel), program, base::SystemFileSystem(),
                   drivers);
  }
  if (!config.gateway().empty()) {
    const auto channel = rpc::Connect(config.gateway());
    channel->GetState(/*try_to_connect=*/true);
    AddGatewayDrivers(hamisha::ledger::v1::Gateway::NewStub(channel), drivers);
    AddCanaryDriver(hamisha::ledger::v1::Ledger::NewStub(channel), drivers);
  }
  return drivers;
}

absl::Status RunAgent(const std::string& config_path) {
  // Before any thread: they inherit it, and only sigwait below takes these.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);

  ASSIGN_OR_RETURN(const pb::AgentConfig config, ReadConfig(config_path));
  // Two agents with one log would run an order twice.
  ASSIGN_OR_RETURN(const base::FolderLock lock, base::FolderLock::Take(config.data_dir()));
  ASSIGN_OR_RETURN(const std::string binary, base::SystemFileSystem().Read("/proc/self/exe"));
  const AgentProgram program = {.version = HAMISHA_VERSION,
                                .sha256 = base::ToHex(base::Sha256Of(binary))};
  const Drivers drivers = MakeDrivers(config, program);
  ASSIGN_OR_RETURN(const std::unique_ptr<Agent> agent,
                   Agent::Start({.config = config,
                                 .version = program.version,
                                 .binary_sha256 = program.sha256,
                                 .clock = base::SystemClock(),
                                 .files = base::SystemFileSystem()},
                                drivers));
  absl::Status status;
  std::thread worker([&agent, &status] {
    status = agent->Run();
    ::kill(::getpid(), SIGTERM);  // When its log fails, sigwait below must end too.
  });
  int signal = 0;
  sigwait(&ends, &signal);
  agent->Stop();
  worker.join();
  return status;
}

}  // namespace
}  // namespace agents

int main(int argc, char** argv) {
  CLI::App app("Executes an orchestrator's orders on this server.", "hamisha-agent");
  std::string config;
  app.add_option("--config", config,
                 "AgentConfig as JSON: host, dataDir, orchestrator, ledger, gateway")
      ->required();
  app.set_version_flag("--version", HAMISHA_VERSION);
  CLI11_PARSE(app, argc, argv);
  base::DoNotLookForDeadlocks();
  const absl::Status status = agents::RunAgent(config);
  if (status.ok()) return EXIT_SUCCESS;
  std::cerr << "hamisha-agent: " << status.message() << "\n";
  return EXIT_FAILURE;
}
