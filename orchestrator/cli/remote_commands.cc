#include "orchestrator/cli/remote_commands.h"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/invariant.h"
#include "orchestrator/cli/client.h"
#include "orchestrator/cli/local_commands.h"
#include "orchestrator/cli/preflight.h"
#include "orchestrator/cli/render.h"
#include "orchestrator/cli/terminal.h"
#include "orchestrator/cli/text.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;

constexpr const char* kRunGoesOn =
    "\ninterrupted: the run goes on without you; 'hamisha watch' shows it, 'hamisha rollback' "
    "takes it back\n";

// Prints the error; returns its exit code.
int Fail(const Client& client, const absl::Status& status) {
  const std::string message(status.message());
  if (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) {
    PrintError(absl::StrCat("cannot reach the orchestrator at ", client.address(), ": ", message,
                            ": is it running, and is the address right?"));
    return kExitError;
  }
  PrintError(message);
  if (absl::IsInvalidArgument(status)) return kExitInvalid;
  return absl::IsFailedPrecondition(status) ? kExitRefused : kExitError;
}

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

// Shows the run until it has ended; the exit code says how.
int WatchRun(Client& client, const std::string& run, const Options& options) {
  OnInterruptSay(kRunGoesOn);
  const bool live = StdoutIsTerminal() && !options.json();
  LiveArea area;
  ProgressLines progress(TerminalOptions(options));
  const auto ended = client.Watch(run, [&](const v1::RunView& view) {
    if (live) return area.Draw(RenderTable(view, TerminalOptions(options)));
    std::ostream& out = options.json() ? std::cerr : std::cout;
    for (const std::string& line : progress.Update(view)) out << line << "\n";
    out << std::flush;
  });
  if (!ended.ok()) {
    const int exit_code = Fail(client, ended.status());
    std::cerr << "the run, if it has begun, goes on\n";
    return exit_code;
  }
  PrintOutcome(*ended, options);
  return ExitCodeOf(*ended);
}

// The plan's hosts whose agents are not connected.
std::vector<std::string> MissingAgents(const Plan& plan, const v1::ListAgentsResponse& agents) {
  std::set<std::string> connected;
  for (const v1::AgentView& agent : agents.agents()) {
    if (agent.connected()) connected.insert(agent.host());
  }
  std::set<uint32_t> wanted;
  for (const PlannedStep& step : plan.steps) {
    wanted.insert(step.apply.hosts.begin(), step.apply.hosts.end());
    for (const PlannedAction& back : step.rollback) {
      wanted.insert(back.hosts.begin(), back.hosts.end());
    }
  }
  std::vector<std::string> missing;
  for (const uint32_t host : wanted) {
    if (!connected.contains(plan.hosts[host].name)) missing.push_back(plan.hosts[host].name);
  }
  return missing;
}

// Whether all agents of the plan are there; else says which are not, and sets `exit_code`.
bool AgentsAreThere(Client& client, const Plan& plan, int* exit_code) {
  const auto agents = client.ListAgents();
  if (!agents.ok()) {
    *exit_code = Fail(client, agents.status());
    return false;
  }
  const std::vector<std::string> missing = MissingAgents(plan, *agents);
  if (missing.empty()) return true;
  PrintError(absl::StrCat("no agent is connected from ", JoinNames(missing),
                          ": start them, and see 'hamisha agents'; nothing was ordered"));
  *exit_code = kExitAgentsUnreachable;
  return false;
}

v1::SubmitRunRequest RequestOf(const LoadedPlan& loaded, v1::RunKind kind) {
  v1::SubmitRunRequest request;
  request.set_playbook_path(loaded.playbook.path);
  request.set_playbook_yaml(loaded.playbook.yaml);
  request.set_inventory_path(loaded.inventory.path);
  request.set_inventory_yaml(loaded.inventory.yaml);
  request.set_kind(kind);
  request.set_submitted_by(OperatorName());
  request.set_plan_digest(base::ToHex(loaded.plan.digest));
  return request;
}

// The comparison of a playbook as a plan of its own; nullopt when there is nothing to compare.
std::optional<LoadedPlan> PreflightOf(const LoadedPlan& loaded) {
  const SourceText playbook = {.path = absl::StrCat("preflight of ", loaded.playbook.path),
                               .yaml = PreflightPlaybook(loaded.plan)};
  if (playbook.yaml.empty()) {
    PrintError(absl::StrCat(loaded.playbook.path,
                            " compares no servers: give it steps host.facts and host.compare"));
    return std::nullopt;
  }
  Compilation compilation = Compile(playbook, loaded.inventory);
  INVARIANT(compilation.diagnostics.empty());
  return LoadedPlan{playbook, loaded.inventory, std::move(compilation.plan)};
}

}  // namespace

int PreflightCommand(const Options& options) {
  int exit_code = kExitOk;
  const auto loaded = LoadPlan(options, &exit_code);
  if (!loaded.has_value()) return exit_code;
  const auto preflight = PreflightOf(*loaded);
  if (!preflight.has_value()) return kExitInvalid;
  Client client(options.orchestrator);
  const auto newest = client.GetRun("");
  if (!newest.ok() && !absl::IsNotFound(newest.status())) return Fail(client, newest.status());
  if (newest.ok() && MayHaveToGoBack(*newest)) {
    PrintError(absl::StrCat("run ", newest->run(),
                            " could not be rolled back after a preflight, for only the newest run "
                            "can: nothing was ordered"));
    return kExitRefused;
  }
  if (!AgentsAreThere(client, preflight->plan, &exit_code)) return exit_code;
  const auto run = client.Submit(RequestOf(*preflight, v1::RUN_KIND_REHEARSAL));
  if (!run.ok()) return Fail(client, run.status());
  const auto ended = client.Watch(*run, [](const v1::RunView& /*view*/) {});
  if (!ended.ok()) return Fail(client, ended.status());
  std::cout << (options.json() ? RenderPreflightJson(*ended) : RenderPreflight(*ended));
  return ExitCodeOf(*ended);
}

int ExecuteRun(const Options& options) {
  int exit_code = kExitOk;
  const auto loaded = LoadPlan(options, &exit_code);
  if (!loaded.has_value()) return exit_code;
  OnInterruptSay("\ninterrupted: nothing was ordered\n");
  const bool live = options.kind == "live";
  if (live && !Confirm(options,
                       absl::StrCat("a live run of ", loaded->plan.steps.size(), " steps on ",
                                    loaded->plan.hosts.size(), " hosts"),
                       loaded->plan.name)) {
    return kExitRefused;
  }
  Client client(options.orchestrator);
  if (!AgentsAreThere(client, loaded->plan, &exit_code)) return exit_code;
  const v1::SubmitRunRequest request =
      RequestOf(*loaded, live ? v1::RUN_KIND_LIVE : v1::RUN_KIND_REHEARSAL);
  OnInterruptSay("\ninterrupted: the run may have begun; 'hamisha status' says it\n");
  const auto run = client.Submit(request);
  if (!run.ok()) return Fail(client, run.status());
  if (!options.detach) return WatchRun(client, *run, options);
  if (options.json()) {
    std::cout << nlohmann::json({{"run", *run}}).dump(2) << "\n";
  } else {
    std::cout << *run << "\n";
  }
  return kExitOk;
}

int ShowStatus(const Options& options) {
  Client client(options.orchestrator);
  const auto run = client.GetRun(options.run);
  if (!run.ok()) return Fail(client, run.status());
  RenderOptions render = TerminalOptions(options);
  render.lines = 1 << 20;
  if (!StdoutIsTerminal()) render.columns = 1 << 20;
  if (options.json()) {
    std::cout << RenderReportJson(*run, render);
  } else {
    std::cout << absl::StrJoin(RenderTable(*run, render), "\n") << "\n";
  }
  return kExitOk;
}

int WatchCommand(const Options& options) {
  OnInterruptSay(kRunGoesOn);
  Client client(options.orchestrator);
  return WatchRun(client, options.run, options);
}

int RollbackCommand(const Options& options) {
  OnInterruptSay("\ninterrupted: 'hamisha status' says whether the run goes back\n");
  Client client(options.orchestrator);
  const auto run = client.GetRun(options.run);
  if (!run.ok()) return Fail(client, run.status());
  if (run->kind() == v1::RUN_KIND_LIVE &&
      !Confirm(options, absl::StrCat("taking back the live run ", run->run()), run->plan())) {
    return kExitRefused;
  }
  v1::ActRequest request;
  request.set_run(run->run());
  request.mutable_act()->set_act(v1::ACT_ROLLBACK);
  request.mutable_act()->set_by(OperatorName());
  request.mutable_act()->set_reason(options.reason);
  const auto begun = client.Act(request);
  if (!begun.ok()) return Fail(client, begun.status());
  return options.detach ? kExitOk : WatchRun(client, run->run(), options);
}

int ShowReport(const Options& options) {
  Client client(options.orchestrator);
  const auto run = client.GetRun(options.run);
  if (!run.ok()) return Fail(client, run.status());
  const RenderOptions render = TerminalOptions(options);
  std::cout << (options.json() ? RenderReportJson(*run, render) : RenderReport(*run, render));
  return kExitOk;
}

int ShowAgents(const Options& options) {
  Client client(options.orchestrator);
  const auto agents = client.ListAgents();
  if (!agents.ok()) return Fail(client, agents.status());
  std::vector<v1::AgentView> sorted(agents->agents().begin(), agents->agents().end());
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.host() < b.host(); });
  if (options.json()) {
    nlohmann::json list = nlohmann::json::array();
    for (const v1::AgentView& agent : sorted) {
      list.push_back({{"host", agent.host()},
                      {"connected", agent.connected()},
                      {"version", agent.version()},
                      {"clock_error_s", agent.clock_error_s()}});
    }
    std::cout << nlohmann::json({{"agents", list}}).dump(2) << "\n";
    return kExitOk;
  }
  std::vector<std::vector<std::string>> rows = {{"host", "connected", "version", "clock error"}};
  for (const v1::AgentView& agent : sorted) {
    rows.push_back({agent.host(), agent.connected() ? "yes" : "no", Printable(agent.version()),
                    absl::StrFormat("%.3f s", agent.clock_error_s())});
  }
  std::cout << absl::StrJoin(Align(rows), "\n") << "\n";
  return kExitOk;
}

}  // namespace orchestrator
