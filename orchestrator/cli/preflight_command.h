#pragma once

#include "orchestrator/cli/client.h"
#include "orchestrator/cli/local_commands.h"
#include "orchestrator/cli/options.h"

namespace orchestrator {

// `hamisha preflight`; returns the exit code.
int PreflightCommand(const Options& options);

// The same before a live run begins: kExitOk when nothing blocks, else the exit code, with all that
// blocks on stderr.
int PreflightBeforeRun(Client& client, const LoadedPlan& loaded, const Options& options);

}  // namespace orchestrator
