#pragma once

#include <string>

#include "agents/drivers/ledger/drivers.h"
#include "agents/runtime/driver.h"
#include "base/file_system.h"

namespace agents {

// What only the agent's program knows of itself.
struct AgentProgram {
  std::string version;
  std::string sha256;
};

// Adds the drivers of hamisha/action/v1/host.proto for the server of one ledger node. `files` must
// outlive them.
void AddHostDrivers(const NodeStub& node, const AgentProgram& agent, base::FileSystem& files,
                    Drivers& drivers);

}  // namespace agents
