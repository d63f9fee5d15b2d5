#pragma once

#include <string>
#include <vector>

#include "orchestrator/plan/plan.h"
#include "orchestrator/playbook/diagnostic.h"
#include "orchestrator/playbook/includes.h"
#include "orchestrator/playbook/source.h"

namespace orchestrator {

struct Compilation {
  Plan plan;                            // Meaningful only without diagnostics.
  std::vector<Diagnostic> diagnostics;  // All problems of all texts, in order of file and place.
};

// Reads, checks and compiles. Pure: contacts nothing.
//
// The order of steps. Phases follow each other: no step of a phase begins before all steps of the
// phase before have ended. Within a phase a step begins when
//   - `needs: [a, b]`: those have ended. They stand before it in the file;
//   - no `needs`:      all that stand before it in its phase have ended. A playbook that never says
//                      `needs` runs its steps one by one, in file order;
//   - `needs: []`:     at once, with the phase.
// An included file is like a phase in this: `needs` of the include is what its first steps need,
// and within it "its phase" means the file. A need that names an include means all of its steps.
// Plan::steps is in file order, which is therefore topological.
//
// Expressions (expression.h) and outputs in `with` name only steps that have certainly ended: those
// that the step needs, and theirs.
Compilation Compile(const SourceText& playbook, const SourceText& inventory);

}  // namespace orchestrator
