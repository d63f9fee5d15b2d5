#pragma once

#include <string>

#include "absl/status/status.h"
#include "orchestrator/cli/client.h"
#include "orchestrator/cli/options.h"

namespace orchestrator {

// Prints the error of a call; returns its exit code.
int FailOf(const Client& client, const absl::Status& status);

// What is said when somebody interrupts the watching.
inline constexpr const char* kRunGoesOn =
    "\ninterrupted: the run goes on without you; 'hamisha watch' shows it, 'hamisha rollback' "
    "takes it back\n";

// Shows the run until it has ended; the exit code says how.
int WatchUntilEnd(Client& client, const std::string& run, const Options& options);

}  // namespace orchestrator
