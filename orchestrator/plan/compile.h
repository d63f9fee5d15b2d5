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
Compilation Compile(const SourceText& playbook, const SourceText& inventory);

}  // namespace orchestrator
