// Commands that read files and contact nothing.
#pragma once

#include <optional>

#include "orchestrator/cli/options.h"
#include "orchestrator/plan/compile.h"

namespace orchestrator {

struct LoadedPlan {
  SourceText playbook;
  SourceText inventory;
  Plan plan;
};

// Reads and compiles both files. nullopt after printing why, with `exit_code` set.
std::optional<LoadedPlan> LoadPlan(const Options& options, int* exit_code);

// Each returns the exit code.
int Validate(const Options& options);
int ShowPlan(const Options& options);
int DryRunCommand(const Options& options);

int PrintReference(const Options& options);  // The reference page, Markdown.
int PrintSchema(const Options& options);     // A JSON Schema, for editors.

}  // namespace orchestrator
