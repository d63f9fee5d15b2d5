// hamisha-orchestrator: runs plans, and serves agents and operators on one port.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/folder_lock.h"
#include "base/locks.h"
#include "base/open_files.h"
#include "base/status_macros.h"
#include "orchestrator/api/service.h"
#include "orchestrator/control/control.h"
#include "rpc/rpc.h"

namespace orchestrator {
namespace {

void Log(const std::string& text) {
  const std::string time =
      absl::FormatTime(absl::RFC3339_sec, base::SystemClock().WallNow(), absl::LocalTimeZone());
  std::cerr << absl::StrCat(time, " ", text, "\n");
}

absl::Status Serve(const std::string& state, const std::string& listen, const sigset_t& signals) {
  ASSIGN_OR_RETURN(const base::FolderLock lock, base::FolderLock::Take(state));
  static std::atomic<bool> broken = false;
  ControlOptions options;
  options.state_dir = state;
  options.version = HAMISHA_VERSION;
  options.log = Log;
  options.fatal = [](const absl::Status&) {
    broken = true;
    ::kill(::getpid(), SIGTERM);
  };
  ASSIGN_OR_RETURN(const std::unique_ptr<Control> control, Control::Open(std::move(options)));
  OrchestratorService service(*control);
  ASSIGN_OR_RETURN(rpc::RunningServer running,
                   rpc::Serve({.listen = listen, .services = {&service, &control->agents()}}));
  std::cout << "listening on " << running.address << std::endl;

  int signal = 0;
  sigwait(&signals, &signal);
  control->Stop();
  running.server->Shutdown(absl::ToChronoTime(base::SystemClock().WallNow() + absl::Seconds(2)));
  running.server->Wait();
  if (broken) return absl::InternalError("stopped because the journal cannot be written");
  Log("stopped; a run that goes on is continued by the next start");
  return absl::OkStatus();
}

}  // namespace
}  // namespace orchestrator

int main(int argc, char** argv) {
  std::string state;
  std::string listen = "127.0.0.1:0";
  CLI::App app("Runs plans; agents and operators connect to it.");
  app.add_option("--state", state, "Folder of its state: term, runs with their journals")
      ->required();
  app.add_option("--listen", listen, "host:port; port 0: the kernel chooses")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  base::RaiseOpenFilesLimit();  // Each agent takes one.
  base::DoNotLookForDeadlocks();
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // Before any thread.
  const absl::Status status = orchestrator::Serve(state, listen, signals);
  if (status.ok()) return 0;
  orchestrator::Log(std::string(status.message()));
  return 1;
}
