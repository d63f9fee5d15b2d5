#include "orchestrator/cli/local_commands.h"

#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/file_system.h"
#include "orchestrator/cli/plan_view.h"
#include "orchestrator/cli/profile_commands.h"
#include "orchestrator/cli/terminal.h"
#include "orchestrator/cli/window_view.h"
#include "orchestrator/reference/reference.h"

namespace orchestrator {
namespace {

bool ReadSource(const std::string& path, SourceText& source) {
  auto text = base::SystemFileSystem().Read(path);
  if (!text.ok()) {
    PrintError(std::string(text.status().message()));
    return false;
  }
  source = {.path = path, .yaml = *std::move(text)};
  return true;
}

// "playbooks/weekend.yaml" → "playbooks/"
std::string FolderOf(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

// Problems are what `validate` is asked for, and JSON always is: those go to stdout.
void PrintProblems(const std::vector<Diagnostic>& diagnostics, const Options& options) {
  if (!options.json()) {
    std::ostream& out = options.problems_on_stdout ? std::cout : std::cerr;
    for (const Diagnostic& diagnostic : diagnostics) out << ToString(diagnostic) << "\n";
    std::cerr << diagnostics.size() << (diagnostics.size() == 1 ? " problem" : " problems")
              << "; nothing was contacted\n";
    return;
  }
  nlohmann::json problems = nlohmann::json::array();
  for (const Diagnostic& diagnostic : diagnostics) {
    problems.push_back({{"path", diagnostic.path},
                        {"line", diagnostic.line},
                        {"column", diagnostic.column},
                        {"message", diagnostic.message}});
  }
  const nlohmann::json object = {{"valid", false}, {"problems", problems}};
  std::cout << object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
}

}  // namespace

std::optional<LoadedPlan> LoadPlan(const Options& options, int* exit_code) {
  LoadedPlan loaded;
  const bool playbook_read = ReadSource(options.playbook, loaded.playbook);
  if (playbook_read) {
    const auto read = [&](const std::string& path) {
      return base::SystemFileSystem().Read(absl::StrCat(FolderOf(options.playbook), path));
    };
    for (const absl::Status& status : ReadIncludes(read, loaded.playbook)) {
      PrintError(std::string(status.message()));  // Compile() names the place.
    }
  }
  if (!ReadSource(options.inventory, loaded.inventory) || !playbook_read) {
    *exit_code = kExitInvalid;
    return std::nullopt;
  }
  Compilation compilation = Compile(loaded.playbook, loaded.inventory);
  if (!compilation.diagnostics.empty()) {
    PrintProblems(compilation.diagnostics, options);
    *exit_code = kExitInvalid;
    return std::nullopt;
  }
  loaded.plan = std::move(compilation.plan);
  return loaded;
}

int Validate(const Options& options) {
  int exit_code = kExitOk;
  Options problems_are_data = options;
  problems_are_data.problems_on_stdout = true;
  const auto loaded = LoadPlan(problems_are_data, &exit_code);
  if (!loaded.has_value()) return exit_code;
  const std::string digest = base::ToHex(loaded->plan.digest);
  if (options.json()) {
    const nlohmann::json object = {
        {"valid", true}, {"digest", digest}, {"problems", nlohmann::json::array()}};
    std::cout << object.dump(2) << "\n";
  } else {
    std::cout << "valid: plan " << loaded->plan.name << ", " << loaded->plan.steps.size()
              << " steps on " << loaded->plan.hosts.size() << " hosts, digest " << digest << "\n";
  }
  return kExitOk;
}

int ShowPlan(const Options& options) {
  int exit_code = kExitOk;
  const auto loaded = LoadPlan(options, &exit_code);
  if (!loaded.has_value()) return exit_code;
  const auto profiles = ReadProfiles(options.profiles);
  if (!profiles.has_value()) return kExitInvalid;
  const Plan& plan = loaded->plan;
  const absl::TimeZone zone = absl::LocalTimeZone();
  const PlanFit fit = FitOfPlan(plan, *profiles);
  if (options.json()) {
    std::cout << RenderPlanJson(
        plan, zone, fit.fit.has_value() ? FitJson(plan, *fit.fit, fit.unprofiled, zone) : nullptr);
  } else {
    std::cout << RenderPlan(plan, zone);
    if (fit.fit.has_value()) std::cout << "\n" << RenderFit(plan, *fit.fit, fit.unprofiled, zone);
  }
  return fit.fit.has_value() && !fit.fit->fits() ? kExitRefused : kExitOk;
}

int DryRunCommand(const Options& options) {
  int exit_code = kExitOk;
  const auto loaded = LoadPlan(options, &exit_code);
  if (!loaded.has_value()) return exit_code;
  std::cout << (options.json() ? RenderDryRunJson(loaded->plan) : RenderDryRun(loaded->plan));
  if (!options.json()) std::cerr << "dry run: nothing was contacted; add --execute to run it\n";
  return kExitOk;
}

int PrintReference(const Options& /*options*/) {
  std::cout << ReferencePage();
  return kExitOk;
}

int PrintSchema(const Options& /*options*/) {
  std::cout << ReferenceSchema();
  return kExitOk;
}

}  // namespace orchestrator
