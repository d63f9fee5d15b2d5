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
#include "base/file_system.h"
#include "base/status_macros.h"
#include "orchestrator/cli/approval_files.h"
#include "orchestrator/cli/client.h"
#include "orchestrator/cli/coverage_view.h"
#include "orchestrator/cli/local_commands.h"
#include "orchestrator/cli/people_text.h"
#include "orchestrator/cli/preflight_command.h"
#include "orchestrator/cli/render.h"
#include "orchestrator/cli/terminal.h"
#include "orchestrator/cli/text.h"
#include "orchestrator/cli/watching.h"
#include "orchestrator/cli/window_view.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;

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
    *exit_code = FailOf(client, agents.status());
    return false;
  }
  const std::vector<std::string> missing = MissingAgents(plan, *agents);
  if (missing.empty()) return true;
  PrintError(absl::StrCat("no agent is connected from ", JoinNames(missing),
                          ": start them, and see 'hamisha agents'; nothing was ordered"));
  *exit_code = kExitAgentsUnreachable;
  return false;
}

v1::SubmitRunRequest RequestOf(const LoadedPlan& loaded, v1::RunKind kind, const Options& options) {
  v1::SubmitRunRequest request;
  request.set_playbook_path(loaded.playbook.path);
  request.set_playbook_yaml(loaded.playbook.yaml);
  for (const SourceText& text : loaded.playbook.includes) {
    v1::IncludedText& included = *request.add_includes();
    included.set_path(text.path);
    included.set_yaml(text.yaml);
  }
  request.set_inventory_path(loaded.inventory.path);
  request.set_inventory_yaml(loaded.inventory.yaml);
  request.set_kind(kind);
  request.set_submitted_by(PersonName(options));
  request.set_plan_digest(base::ToHex(loaded.plan.digest));
  return request;
}

// What an auditor needs to check signatures, and the commands that do.
int WriteApprovals(const Client& client, const v1::RunView& run, const std::string& folder) {
  base::FileSystem& disk = base::SystemFileSystem();
  const auto write = [&]() -> absl::Status {
    ASSIGN_OR_RETURN(const ApprovalFiles approvals, ApprovalFilesOf(run, folder));
    RETURN_IF_ERROR(disk.CreateFolders(folder));
    for (const ApprovalFile& file : approvals.files) {
      RETURN_IF_ERROR(disk.Replace(absl::StrCat(folder, "/", file.name), file.content));
    }
    for (const std::string& command : approvals.commands) std::cout << command << "\n";
    return absl::OkStatus();
  };
  const absl::Status written = write();
  return written.ok() ? kExitOk : FailOf(client, written);
}

}  // namespace

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
  if (live) {
    exit_code = PreflightBeforeRun(client, *loaded, options);
    if (exit_code != kExitOk) return exit_code;
  }
  v1::SubmitRunRequest request =
      RequestOf(*loaded, live ? v1::RUN_KIND_LIVE : v1::RUN_KIND_REHEARSAL, options);
  request.set_go_back_after(options.go_back_after);
  OnInterruptSay("\ninterrupted: the run may have begun; 'hamisha status' says it\n");
  const auto run = client.Submit(request);
  if (!run.ok()) return FailOf(client, run.status());
  if (!options.detach) return WatchUntilEnd(client, *run, options);
  if (options.json()) {
    std::cout << nlohmann::json({{"run", *run}}).dump(2) << "\n";
  } else {
    std::cout << *run << "\n";
  }
  const auto now = client.GetRun(*run);
  return now.ok() && WaitsForPeople(*now) ? kExitAwaitsPeople : kExitOk;
}

int ShowStatus(const Options& options) {
  Client client(options.orchestrator);
  const auto run = client.GetRun(options.run);
  if (!run.ok()) return FailOf(client, run.status());
  RenderOptions render = TerminalOptions(options);
  render.lines = 1 << 20;
  if (!StdoutIsTerminal()) render.columns = 1 << 20;
  if (options.json()) {
    std::cout << RenderReportJson(*run, render);
  } else {
    std::cout << absl::StrJoin(RenderTable(*run, render), "\n") << "\n";
  }
  return WaitsForPeople(*run) ? kExitAwaitsPeople : kExitOk;
}

int WatchCommand(const Options& options) {
  OnInterruptSay(kRunGoesOn);
  Client client(options.orchestrator);
  return WatchUntilEnd(client, options.run, options);
}

int ShowReport(const Options& options) {
  Client client(options.orchestrator);
  if (options.coverage) {
    v1::CoverageRequest request;
    request.mutable_runs()->Assign(options.runs.begin(), options.runs.end());
    const auto coverage = client.GetCoverage(request);
    if (!coverage.ok()) return FailOf(client, coverage.status());
    std::cout << (options.json() ? RenderCoverageJson(*coverage) : RenderCoverage(*coverage));
    return kExitOk;
  }
  const auto run = client.GetRun(options.runs.empty() ? "" : options.runs.front());
  if (!run.ok()) return FailOf(client, run.status());
  if (!options.approvals.empty()) return WriteApprovals(client, *run, options.approvals);
  const RenderOptions render = TerminalOptions(options);
  std::cout << (options.json() ? RenderReportJson(*run, render) : RenderReport(*run, render));
  return kExitOk;
}

int ShowAgents(const Options& options) {
  Client client(options.orchestrator);
  const auto agents = client.ListAgents();
  if (!agents.ok()) return FailOf(client, agents.status());
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
