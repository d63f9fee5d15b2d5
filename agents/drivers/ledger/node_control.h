#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agents/drivers/ledger/drivers.h"
#include "agents/runtime/order_context.h"
#include "hamisha/agent/v1/agent.pb.h"
#include "hamisha/ledger/v1/node.pb.h"

namespace agents {

namespace ledger_pb = ::hamisha::ledger::v1;

// Where a node stands in its shard.
struct NodeName {
  uint32_t shard;
  std::string node_id;
};

// A seal certificate and what it states. Its signature is the node's to check.
struct Seal {
  ledger_pb::Signed certificate;
  ledger_pb::SealStatement statement;
};

// A refusal certificate and what it states.
struct Refusal {
  ledger_pb::Signed certificate;
  ledger_pb::RefusalStatement statement;
};

// The newest status of this server's node; tries again while it does not answer, until the order's
// timeout.
absl::StatusOr<ledger_pb::NodeStatus> StatusOf(const NodeStub& node, OrderContext& order);
// One try, of at most a second.
absl::StatusOr<ledger_pb::NodeStatus> StatusOnce(const NodeStub& node, OrderContext& order);

// The order's own host as the order's shards name it; asks the node when they do not.
absl::StatusOr<NodeName> SelfOf(const NodeStub& node, OrderContext& order);
// The node of `shard` on a site. FAILED_PRECONDITION when the order names none.
absl::StatusOr<std::string> NodeOnSite(const hamisha::agent::v1::Order& order, uint32_t shard,
                                       const std::string& site);

// The newest (highest epoch) seal certificate that names `self` as successor: from the order, and
// from what the node itself holds when `status` is given.
std::optional<Seal> SealNaming(const NodeName& self, const hamisha::agent::v1::Order& order,
                               const ledger_pb::NodeStatus* status);
// The newest refusal by `refuser` among the order's certificates.
std::optional<Refusal> RefusalBy(const std::string& refuser, uint32_t shard,
                                 const hamisha::agent::v1::Order& order);
// The seal certificate that this node made for `successor`, if it holds it.
std::optional<Seal> OwnSeal(const ledger_pb::NodeStatus& status, const std::string& successor);

// "shard 0 of source-0".
std::string Describe(const NodeName& name);
// "primary of shard 0, epoch 1, position 1,204".
std::string Describe(const ledger_pb::NodeStatus& status);

// A step that cannot go on for the node's fault, which it has.
hamisha::agent::v1::OrderResult Faulty(const ledger_pb::NodeStatus& status);

// Facts for the journal.
void AddFacts(const ledger_pb::NodeStatus& status, hamisha::agent::v1::OrderResult& result);
void AddFacts(const ledger_pb::SealStatement& statement, hamisha::agent::v1::OrderResult& result);

}  // namespace agents
