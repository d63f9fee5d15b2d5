#include "orchestrator/cli/preflight_command.h"

#include <iostream>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/invariant.h"
#include "base/status_macros.h"
#include "orchestrator/cli/preflight.h"
#include "orchestrator/cli/profile_commands.h"
#include "orchestrator/cli/terminal.h"
#include "orchestrator/cli/watching.h"
#include "orchestrator/cli/window_view.h"
#include "orchestrator/coverage/coverage.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;

// Runs the playbook's checks on those servers that can be asked; nothing when there is none.
absl::StatusOr<std::optional<v1::RunView>> Ask(Client& client, const LoadedPlan& loaded,
                                               const std::set<std::string>& connected,
                                               const Options& options) {
  const SourceText playbook = {.path = absl::StrCat("preflight of ", loaded.playbook.path),
                               .yaml = PreflightPlaybook(loaded.plan, connected),
                               .includes = {}};
  if (playbook.yaml.empty()) return std::nullopt;
  const Compilation compilation = Compile(playbook, loaded.inventory);
  INVARIANT(compilation.diagnostics.empty());
  v1::SubmitRunRequest request;
  request.set_playbook_path(playbook.path);
  request.set_playbook_yaml(playbook.yaml);
  request.set_inventory_path(loaded.inventory.path);
  request.set_inventory_yaml(loaded.inventory.yaml);
  request.set_kind(v1::RUN_KIND_PREFLIGHT);
  request.set_submitted_by(PersonName(options));
  request.set_plan_digest(base::ToHex(compilation.plan.digest));
  ASSIGN_OR_RETURN(const std::string run, client.Submit(request));
  ASSIGN_OR_RETURN(v1::RunView ended, client.Watch(run, [](const v1::RunView& /*view*/) {}));
  return ended;
}

absl::StatusOr<Preflight> Judge(Client& client, const LoadedPlan& loaded, const Options& options) {
  ASSIGN_OR_RETURN(const v1::ListAgentsResponse agents, client.ListAgents());
  const auto newest = client.GetRun("");  // Before this one.
  if (!newest.ok() && !absl::IsNotFound(newest.status())) return newest.status();
  v1::CoverageRequest request;
  request.set_playbook_digest(base::ToHex(PlaybookDigest(loaded.playbook)));
  ASSIGN_OR_RETURN(const v1::CoverageView tried, client.GetCoverage(request));
  std::set<std::string> connected;
  for (const v1::AgentView& agent : agents.agents()) {
    if (agent.connected()) connected.insert(agent.host());
  }
  ASSIGN_OR_RETURN(const std::optional<v1::RunView> checked,
                   Ask(client, loaded, connected, options));
  return JudgePreflight({.plan = loaded.plan,
                         .agents = agents,
                         .checked = checked.has_value() ? &*checked : nullptr,
                         .newest = newest.ok() ? &*newest : nullptr,
                         .rollback_not_proved = RollbackNotProved(
                             loaded.plan, {tried.steps().begin(), tried.steps().end()})});
}

// Whether the plan fits into its window by the profiles that the orchestrator has, and by files;
// says the sum. nullopt: it could not be found out, with `exit_code` set.
std::optional<bool> FitsItsWindow(Client& client, const LoadedPlan& loaded, const Options& options,
                                  int* exit_code) {
  auto profiles = ReadProfiles(options.profiles);
  *exit_code = kExitInvalid;
  if (!profiles.has_value()) return std::nullopt;
  const auto kept = client.ListProfiles(base::ToHex(PlaybookDigest(loaded.playbook)));
  if (!kept.ok()) {
    *exit_code = FailOf(client, kept.status());
    return std::nullopt;
  }
  for (const v1::ProfileView& view : kept->profiles()) {
    auto profile = ParseProfile(view.run(), view.json());
    if (profile.ok()) profiles->push_back(*std::move(profile));
  }
  const PlanFit fit = FitOfPlan(loaded.plan, *profiles);
  if (!fit.fit.has_value()) return true;
  // Of JSON stdout has the comparison.
  std::ostream& out = options.json() ? std::cerr : std::cout;
  out << RenderFit(loaded.plan, *fit.fit, fit.unprofiled, absl::LocalTimeZone()) << "\n";
  return fit.fit->fits();
}

}  // namespace

int PreflightCommand(const Options& options) {
  int exit_code = kExitOk;
  const auto loaded = LoadPlan(options, &exit_code);
  if (!loaded.has_value()) return exit_code;
  Client client(options.orchestrator);
  const auto fits = FitsItsWindow(client, *loaded, options, &exit_code);
  if (!fits.has_value()) return exit_code;
  const auto preflight = Judge(client, *loaded, options);
  if (!preflight.ok()) return FailOf(client, preflight.status());
  std::cout << (options.json() ? RenderPreflightJson(*preflight) : RenderPreflight(*preflight));
  return preflight->blocks() || !*fits ? kExitRefused : kExitOk;
}

int PreflightBeforeRun(Client& client, const LoadedPlan& loaded, const Options& options) {
  const auto preflight = Judge(client, loaded, options);
  if (!preflight.ok()) return FailOf(client, preflight.status());
  std::cerr << RenderPreflight(*preflight);
  return preflight->blocks() ? kExitRefused : kExitOk;
}

}  // namespace orchestrator
