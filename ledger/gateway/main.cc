// hamisha-gateway --config FILE: the front door of a platform. See ARCHITECTURE.md.
#include <google/protobuf/util/json_util.h>
#include <pthread.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/locks.h"
#include "hamisha/ledger/v1/gateway.pb.h"
#include "ledger/gateway/server.h"

namespace {

void Log(const std::string& line) {
  std::cerr << absl::FormatTime(base::SystemClock().WallNow()) << " " << line << std::endl;
}

absl::StatusOr<hamisha::ledger::v1::GatewayConfig> ReadConfig(const std::string& path) {
  const auto text = base::SystemFileSystem().Read(path);
  if (!text.ok()) return text.status();
  hamisha::ledger::v1::GatewayConfig config;
  const auto parsed = google::protobuf::util::JsonStringToMessage(*text, &config);
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", parsed.ToString(), ": write a GatewayConfig as JSON"));
  }
  return config;
}

int Fail(const absl::Status& status, int exit_code) {
  Log(absl::StrCat("hamisha-gateway: ", std::string(status.message())));
  return exit_code;
}

int Run(const std::string& config_path, const sigset_t& end_signals) {
  const auto config = ReadConfig(config_path);
  if (!config.ok()) return Fail(config.status(), 2);
  const auto server =
      ledger::GatewayServer::Start(*config, base::SystemFileSystem(), base::SystemClock());
  if (!server.ok()) return Fail(server.status(), absl::IsInvalidArgument(server.status()) ? 2 : 1);
  std::cout << "listening on " << (*server)->address() << std::endl;
  int signal = 0;
  sigwait(&end_signals, &signal);
  Log(absl::StrCat("ending on signal ", signal));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "The front door of a platform: routes the ledger's client API by shard, and holds writes.");
  std::string config_path;
  app.add_option("--config", config_path, "GatewayConfig as JSON")->required();
  CLI11_PARSE(app, argc, argv);
  base::DoNotLookForDeadlocks();
  sigset_t end_signals;
  sigemptyset(&end_signals);
  sigaddset(&end_signals, SIGTERM);
  sigaddset(&end_signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &end_signals, nullptr);  // Before any thread begins.
  return Run(config_path, end_signals);
}
