#include "agents/drivers/ledger/node_control.h"

#include "absl/strings/str_cat.h"
#include "agents/runtime/call.h"
#include "base/hash.h"
#include "base/status_macros.h"

namespace agents {
namespace {

namespace pb = ::hamisha::agent::v1;

constexpr char kSealType[] = "hamisha.seal.v1";
constexpr char kRefusalType[] = "hamisha.refusal.v1";

void KeepNewest(const NodeName& self, const ledger_pb::Signed& certificate,
                std::optional<Seal>& newest) {
  ledger_pb::SealStatement statement;
  if (certificate.type() != kSealType || !statement.ParseFromString(certificate.payload())) return;
  if (statement.shard() != self.shard || statement.successor() != self.node_id) return;
  if (newest.has_value() && newest->statement.epoch() >= statement.epoch()) return;
  newest = Seal{.certificate = certificate, .statement = std::move(statement)};
}

std::string RoleName(ledger_pb::Role role) {
  switch (role) {
    case ledger_pb::ROLE_PRIMARY: return "primary";
    case ledger_pb::ROLE_SEALED: return "sealed owner";
    case ledger_pb::ROLE_REPLICA: return "replica";
    case ledger_pb::ROLE_UNSPECIFIED:
    case ledger_pb::Role_INT_MIN_SENTINEL_DO_NOT_USE_:
    case ledger_pb::Role_INT_MAX_SENTINEL_DO_NOT_USE_: break;
  }
  return "node of unknown role";
}

}  // namespace

absl::StatusOr<ledger_pb::NodeStatus> StatusOf(const NodeStub& node, OrderContext& order) {
  return CallUntilAnswered<ledger_pb::NodeStatus>(
      order, OrderContext::EndsOn::kCancel, [&](auto* client, auto* response) {
        return node->GetStatus(client, ledger_pb::GetStatusRequest(), response);
      });
}

absl::StatusOr<ledger_pb::NodeStatus> StatusOnce(const NodeStub& node, OrderContext& order) {
  return Call<ledger_pb::NodeStatus>(
      order, OrderContext::EndsOn::kCancel, absl::Seconds(1), [&](auto* client, auto* response) {
        return node->GetStatus(client, ledger_pb::GetStatusRequest(), response);
      });
}

absl::StatusOr<NodeName> SelfOf(const NodeStub& node, OrderContext& order) {
  for (const pb::ShardContext& shard : order.order().shards()) {
    for (const pb::ShardNode& member : shard.nodes()) {
      if (member.host() != order.order().key().host()) continue;
      return NodeName{.shard = shard.shard(), .node_id = member.node_id()};
    }
  }
  ASSIGN_OR_RETURN(const ledger_pb::NodeStatus status, StatusOf(node, order));
  return NodeName{.shard = status.shard(), .node_id = status.node_id()};
}

absl::StatusOr<std::string> NodeOnSite(const pb::Order& order, uint32_t shard,
                                       const std::string& site) {
  for (const pb::ShardContext& context : order.shards()) {
    if (context.shard() != shard) continue;
    for (const pb::ShardNode& member : context.nodes()) {
      if (member.site() == site) return member.node_id();
    }
  }
  return absl::FailedPreconditionError(absl::StrCat("shard ", shard, " has no node on site '", site,
                                                    "': correct the inventory or the site's name"));
}

std::optional<Seal> SealNaming(const NodeName& self, const pb::Order& order,
                               const ledger_pb::NodeStatus* status) {
  std::optional<Seal> newest;
  for (const ledger_pb::Signed& certificate : order.certificates()) {
    KeepNewest(self, certificate, newest);
  }
  if (status == nullptr) return newest;
  for (const ledger_pb::Signed& certificate : status->certificates()) {
    KeepNewest(self, certificate, newest);
  }
  return newest;
}

std::optional<Refusal> RefusalBy(const std::string& refuser, uint32_t shard,
                                 const pb::Order& order) {
  std::optional<Refusal> newest;
  for (const ledger_pb::Signed& certificate : order.certificates()) {
    ledger_pb::RefusalStatement statement;
    if (certificate.type() != kRefusalType || !statement.ParseFromString(certificate.payload())) {
      continue;
    }
    if (statement.shard() != shard || statement.refuser() != refuser) continue;
    if (newest.has_value() && newest->statement.epoch() >= statement.epoch()) continue;
    newest = Refusal{.certificate = certificate, .statement = std::move(statement)};
  }
  return newest;
}

std::optional<Seal> OwnSeal(const ledger_pb::NodeStatus& status, const std::string& successor) {
  std::optional<Seal> newest;
  for (const ledger_pb::Signed& certificate : status.certificates()) {
    std::optional<Seal> seal;
    KeepNewest({.shard = status.shard(), .node_id = successor}, certificate, seal);
    if (!seal.has_value() || seal->statement.owner() != status.node_id()) continue;
    if (!newest.has_value() || newest->statement.epoch() < seal->statement.epoch()) newest = seal;
  }
  return newest;
}

std::string Describe(const NodeName& name) {
  return absl::StrCat("shard ", name.shard, " of ", name.node_id);
}

std::string Describe(const ledger_pb::NodeStatus& status) {
  return absl::StrCat(status.node_id(), " is ", RoleName(status.role()), " of shard ",
                      status.shard(), ", epoch ", status.epoch(), ", position ",
                      WithThousands(status.position()));
}

pb::OrderResult Faulty(const ledger_pb::NodeStatus& status) {
  pb::OrderResult result = Failed(absl::StrCat(
      status.state_differs() ? "its state is not the owner's: " : "replication stopped: ",
      status.fault()));
  result.set_mismatch(status.state_differs());
  return result;
}

void AddFacts(const ledger_pb::NodeStatus& status, pb::OrderResult& result) {
  auto& facts = *result.mutable_facts();
  facts["shard"] = absl::StrCat(status.shard());
  facts["epoch"] = absl::StrCat(status.epoch());
  facts["position"] = absl::StrCat(status.position());
  facts["log_hash"] = base::ToHex(absl::string_view(status.log_hash()));
}

void AddFacts(const ledger_pb::SealStatement& statement, pb::OrderResult& result) {
  auto& facts = *result.mutable_facts();
  facts["shard"] = absl::StrCat(statement.shard());
  facts["epoch"] = absl::StrCat(statement.epoch());
  facts["position"] = absl::StrCat(statement.position());
  facts["log_hash"] = base::ToHex(absl::string_view(statement.log_hash()));
  facts["state_root"] = base::ToHex(absl::string_view(statement.state_root()));
}

}  // namespace agents
