// What is in the way of a freeze on one ledger host. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agents/drivers/readiness/obstacles.h"
#include "hamisha/action/v1/ledger.pb.h"
#include "hamisha/agent/v1/agent.pb.h"
#include "hamisha/ledger/v1/node.pb.h"

namespace agents {

struct LedgerSituation {
  hamisha::ledger::v1::NodeStatus status;
  hamisha::agent::v1::HostFacts machine;  // Its clock and disk. What is not known is not set.
  std::string from;                       // The shard's node that writes,
  std::string to;                         // and the one that is to write.
  // Of the one that writes: whether it could follow the other.
  std::optional<absl::StatusOr<hamisha::ledger::v1::TryFollowResponse>> reverse;
};

// In the order: who it is, leftovers, replication, speed, the machine, the reverse path.
std::vector<hamisha::agent::v1::Obstacle> ObstaclesOf(
    const hamisha::action::v1::LedgerReadiness& wanted, const LedgerSituation& situation);

// For the journal, for expressions and for the forecast of the pause: plain numbers.
std::map<std::string, std::string> FactsOf(const LedgerSituation& situation);

}  // namespace agents
