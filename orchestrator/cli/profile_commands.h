// Commands about profiles: what runs left about how long their steps took.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "orchestrator/cli/local_commands.h"
#include "orchestrator/cli/options.h"
#include "orchestrator/forecast/fit.h"

namespace orchestrator {

// Each returns the exit code.
int ShowProfile(const Options& options);
int ExportProfile(const Options& options);
int ImportProfile(const Options& options);

// Of files; prints what is wrong with one.
std::optional<std::vector<Profile>> ReadProfiles(const std::vector<std::string>& paths);

// Whether a plan fits into its window by these profiles, for a run that is begun in time.
struct PlanFit {
  std::optional<Fit> fit;  // Nothing without a window.
  std::string unprofiled;
};
PlanFit FitOfPlan(const Plan& plan, const std::vector<Profile>& profiles);

}  // namespace orchestrator
