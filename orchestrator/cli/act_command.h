#pragma once

#include "orchestrator/cli/options.h"

namespace orchestrator {

// Says what the person is about to do and what there is to be seen of the run, asks, signs where
// that is needed, and tells the orchestrator; returns the program's exit code.
int ActCommand(const Options& options);

}  // namespace orchestrator
