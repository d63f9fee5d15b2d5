// The commands by which people decide: what they are called and take.
#pragma once

#include <CLI/CLI.hpp>
#include <vector>

#include "orchestrator/cli/options.h"

namespace orchestrator {

struct ActCommandLine {
  const char* name;
  hamisha::orchestrator::v1::Act act;
  const char* summary;
  const char* step = nullptr;  // What the step is called; nullptr: it takes none.
  bool step_needed = true;
  bool reason_needed = false;
};

const std::vector<ActCommandLine>& ActCommandLines();

// `app` and `options` must live while the command line is read.
void AddActOptions(const ActCommandLine& line, CLI::App& app, Options& options);
// --as
void AddPerson(CLI::App& app, Options& options);

}  // namespace orchestrator
