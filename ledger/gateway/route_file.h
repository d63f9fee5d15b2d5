#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "hamisha/ledger/v1/gateway.pb.h"
#include "ledger/gateway/lane.h"

namespace ledger {

// What of a shard's lane outlives the program.
struct SavedGate {
  LaneRoute route;
  uint64_t epoch_highest = 0;
  bool holding = false;
  LaneBounds bounds = {};  // Of the hold.
};

using SavedGates = std::map<uint32_t, SavedGate>;  // By shard.

struct SavedGateway {
  SavedGates gates;
  pb::Restriction closed;
};

// {"gates": [{"shard": 0, "node_id": "source-0", "epoch": 1, …}],
//  "closed": {"new_accounts": true, "balance_limits": false, "transfer_codes": [7]}}. Read gives
//  nothing when there
// is no file yet; DATA_LOSS names the file when it cannot be understood. Write is durable.
absl::StatusOr<SavedGateway> ReadRouteFile(base::FileSystem& files, const std::string& path);
absl::Status WriteRouteFile(base::FileSystem& files, const std::string& path,
                            const SavedGateway& gateway);

}  // namespace ledger
