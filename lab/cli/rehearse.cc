#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <system_error>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "lab/cli/commands.h"
#include "lab/platform/layout.h"
#include "lab/rehearsal/rehearsal.h"
#include "lab/rehearsal/summary.h"
#include "orchestrator/forecast/profile.h"
#include "orchestrator/plan/compile.h"

namespace lab {
namespace {

// A public key that nobody has, for a person who gets a real one with the platform.
std::string StandInKey(const std::string& person) {
  constexpr absl::string_view kType = "ssh-ed25519";
  const std::string blob = absl::StrCat(std::string(3, '\0'), "\x0b", kType, std::string(3, '\0'),
                                        " ", base::AsBytes(base::Sha256Of(person)));
  return absl::StrCat(kType, " ", absl::Base64Escape(blob));
}

// Everything that can be wrong with what the user wrote, before anything is started.
absl::StatusOr<RehearsalOptions> ReadOptions(const RehearseArguments& arguments) {
  RehearsalOptions options;
  options.playbook_path = arguments.playbook_path;
  options.programs = ProgramsFolder();
  options.way_back = arguments.way_back;
  ASSIGN_OR_RETURN(options.playbook_yaml, base::SystemFileSystem().Read(arguments.playbook_path));
  ASSIGN_OR_RETURN(const std::string lab, base::SystemFileSystem().Read(arguments.lab_path));
  ASSIGN_OR_RETURN(options.lab, ParseLabFile(arguments.lab_path, lab));
  for (const std::string& path : arguments.profiles) {
    ASSIGN_OR_RETURN(std::string json, base::SystemFileSystem().Read(path));
    RETURN_IF_ERROR(orchestrator::ParseProfile(path, json).status());
    options.profiles.push_back(std::move(json));
  }

  Addresses addresses;
  for (const Host& host : HostsOf(options.lab)) addresses.keys[host.name] = std::string(64, '0');
  for (const LabPerson& person : options.lab.people) {
    addresses.people[person.name] = StandInKey(person.name);
  }
  const Layout layout(options.lab, "", addresses);
  orchestrator::SourceText playbook{.path = options.playbook_path, .yaml = options.playbook_yaml};
  const std::string folder = playbook.path.substr(0, playbook.path.rfind('/') + 1);
  const auto read = [&](const std::string& path) {
    return base::SystemFileSystem().Read(absl::StrCat(folder, path));
  };
  orchestrator::ReadIncludes(read, playbook);  // Compile() names what could not be read.
  options.includes = playbook.includes;
  const orchestrator::Compilation compiled =
      orchestrator::Compile(playbook, {.path = "the lab's inventory", .yaml = layout.Inventory()});
  std::vector<std::string> problems;
  for (const orchestrator::Diagnostic& diagnostic : compiled.diagnostics) {
    problems.push_back(orchestrator::ToString(diagnostic));
  }
  for (const Fault& fault : options.lab.faults) {
    bool found = false;
    for (const auto& step : compiled.plan.steps) found = found || step.id == fault.step;
    if (!found && compiled.diagnostics.empty()) {
      problems.push_back(absl::StrCat(arguments.lab_path, ": no step '", fault.step, "' in ",
                                      options.playbook_path, ": write the id of one of its steps"));
    }
  }
  if (!problems.empty()) return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
  return options;
}

constexpr auto kSucceeded = hamisha::orchestrator::v1::RUN_STATE_SUCCEEDED;

// What only the processes needed, and is big.
void RemoveData(const std::string& directory) {
  std::error_code ignored;
  std::filesystem::remove_all(directory + "/nodes", ignored);
}

}  // namespace

int Rehearse(const RehearseArguments& arguments, base::Interrupt& interrupt) {
  auto options = ReadOptions(arguments);
  if (!options.ok()) return Fail(options.status(), kExitInvalid);
  const auto directory = LabDirectory(arguments.directory);
  if (!directory.ok()) return Fail(directory.status(), kExitError);
  options->directory = *directory;

  absl::StatusOr<RehearsalResult> result = absl::UnknownError("not run");
  {
    Display display(stderr, ::isatty(STDERR_FILENO) != 0, base::SystemClock());
    Rehearsal rehearsal(*std::move(options), display, interrupt, base::SystemClock());
    result = rehearsal.Run();
  }
  if (!result.ok()) {
    std::cerr << "everything is kept in " << *directory << '\n';
    return Fail(result.status(),
                absl::IsCancelled(result.status()) ? kExitInterrupted : kExitError);
  }
  const std::string json = ToJson(*result);
  const auto kept = base::SystemFileSystem().Replace(*directory + "/summary.json", json + "\n");
  if (!kept.ok()) return Fail(kept, kExitError);
  std::cout << (arguments.json ? json + "\n" : ToText(*result));
  std::cout.flush();
  const int code = ExitCode(*result);
  if (!Complaints(*result).empty()) {
    std::cerr << "hamisha: THE REHEARSAL DID NOT HOLD WHAT IS PROMISED:\n  "
              << absl::StrJoin(Complaints(*result), "\n  ") << '\n';
  } else if (!arguments.keep && result->run.state() == kSucceeded) {
    RemoveData(*directory);
  }
  return code;
}

}  // namespace lab
