#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "hamisha/agent/v1/agent.pb.h"

namespace agents {

// SHA-256 of the program that process `pid` runs, also when its file has been replaced since;
// hexadecimal.
absl::StatusOr<std::string> ProgramSha256(int pid);

// The node's data folder as an absolute path.
std::string DataFolderOf(const hamisha::ledger::v1::NodeDescription& node);

// Sets what the kernel says of this machine, of the node's process and of its data folder. What it
// does not say stays unset.
void ReadMachine(hamisha::agent::v1::HostFacts& facts);

// Of these only the clock and the data folder's free space, which takes no time.
void ReadClockAndDisk(hamisha::agent::v1::HostFacts& facts);

}  // namespace agents
