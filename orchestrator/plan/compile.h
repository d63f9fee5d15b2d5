#pragma once

#include <string>
#include <vector>

#include "orchestrator/plan/plan.h"
#include "orchestrator/playbook/diagnostic.h"

namespace orchestrator {

struct SourceText {
  std::string path;  // For messages only.
  std::string yaml;
};

struct Compilation {
  Plan plan;                            // Meaningful only without diagnostics.
  std::vector<Diagnostic> diagnostics;  // All problems of both texts, in order of file and place.
};

// Reads, checks and compiles. Pure: contacts nothing.
//
// The order of steps. Phases follow each other: no step of a phase begins before all steps of the
// phase before have ended. Within a phase a step begins when
//   - `needs: [a, b]`: those have ended. They stand before it in the file;
//   - no `needs`:      all that stand before it in its phase have ended. A playbook that never says
//                      `needs` runs its steps one by one, in file order;
//   - `needs: []`:     at once, with the phase.
// Plan::steps is in file order, which is therefore topological.
Compilation Compile(const SourceText& playbook, const SourceText& inventory);

}  // namespace orchestrator
