#include "orchestrator/cli/watching.h"

#include <iostream>

#include "absl/strings/str_cat.h"
#include "orchestrator/cli/render.h"
#include "orchestrator/cli/terminal.h"
#include "orchestrator/cli/window_view.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;

void PrintOutcome(const v1::RunView& run, const Options& options) {
  if (options.json()) {
    std::cout << RenderReportJson(run, TerminalOptions(options));
    return;
  }
  std::cout << "outcome: " << RunStateName(run.state()) << "\n";
  const bool may_go_back = run.state() == v1::RUN_STATE_STOPPED && !run.refused();
  if (may_go_back || run.state() == v1::RUN_STATE_UNKNOWN) {
    std::cout << "to go back: hamisha rollback " << run.run() << " --reason TEXT\n";
  }
  std::cout << "the whole story: hamisha report " << run.run() << "\n";
}

}  // namespace

int FailOf(const Client& client, const absl::Status& status) {
  const std::string message(status.message());
  if (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) {
    PrintError(absl::StrCat("cannot reach the orchestrator at ", client.address(), ": ", message,
                            ": is it running, and is the address right?"));
    return kExitError;
  }
  PrintError(message);
  if (absl::IsInvalidArgument(status)) return kExitInvalid;
  const bool refused = absl::IsFailedPrecondition(status) || absl::IsPermissionDenied(status) ||
                       absl::IsUnauthenticated(status);
  return refused ? kExitRefused : kExitError;
}

int WatchUntilEnd(Client& client, const std::string& run, const Options& options) {
  OnInterruptSay(kRunGoesOn);
  const bool live = StdoutIsTerminal() && !options.json();
  LiveArea area;
  ProgressLines progress(TerminalOptions(options));
  ForecastLines forecast;
  const auto ended = client.Watch(run, [&](const v1::RunView& view) {
    if (live) return area.Draw(RenderTable(view, TerminalOptions(options)));
    std::ostream& out = options.json() ? std::cerr : std::cout;
    for (const std::string& line : progress.Update(view)) out << line << "\n";
    for (const std::string& line : forecast.Update(view, TerminalOptions(options))) {
      out << line << "\n";
    }
    out << std::flush;
  });
  if (!ended.ok()) {
    const int exit_code = FailOf(client, ended.status());
    std::cerr << "the run, if it has begun, goes on\n";
    return exit_code;
  }
  PrintOutcome(*ended, options);
  return ExitCodeOf(*ended);
}

}  // namespace orchestrator
