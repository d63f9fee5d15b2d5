// Commands that speak with the orchestrator.
#pragma once

#include "orchestrator/cli/options.h"

namespace orchestrator {

// Each returns the exit code.
int ExecuteRun(const Options& options);
int ShowStatus(const Options& options);
int WatchCommand(const Options& options);
int ShowReport(const Options& options);
int ShowAgents(const Options& options);

}  // namespace orchestrator
