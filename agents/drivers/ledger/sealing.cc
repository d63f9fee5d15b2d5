// ledger.seal, ledger.refuse, ledger.unseal.
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agents/drivers/ledger/drivers.h"
#include "agents/drivers/ledger/node_control.h"
#include "agents/runtime/call.h"
#include "hamisha/action/v1/ledger.pb.h"

namespace agents {
namespace {

namespace action = ::hamisha::action::v1;
using Result = ::hamisha::agent::v1::OrderResult;

Result SealedBy(const Seal& seal) {
  Result result =
      Succeeded(absl::StrCat("shard ", seal.statement.shard(), " is sealed at position ",
                             WithThousands(seal.statement.position()), "; only ",
                             seal.statement.successor(), " may open it"));
  *result.add_certificates() = seal.certificate;
  AddFacts(seal.statement, result);
  return result;
}

class SealDriver final : public ActionDriver<action::LedgerSeal> {
 public:
  explicit SealDriver(NodeStub node) : node_(std::move(node)) {}

 protected:
  Result Check(OrderContext& order, const action::LedgerSeal& seal) override {
    const auto status = StatusOf(node_, order);
    if (!status.ok()) return ReadError("asking the ledger node", status.status());
    const auto successor = NodeOnSite(order.order(), status->shard(), seal.to());
    if (!successor.ok()) return Failed(successor.status().message());
    if (status->accounts_unhashed() > 0) {
      return Failed(absl::StrCat("the state root of ", Describe(*status), " still lacks ",
                                 WithThousands(status->accounts_unhashed()),
                                 " accounts: try again when it has them"));
    }
    return Succeeded(absl::StrCat("would seal shard ", status->shard(), " for ", *successor, "; ",
                                  Describe(*status)));
  }

  // On the way forward without asking the node first: the write pause has begun.
  Result Apply(OrderContext& order, const action::LedgerSeal& seal) override {
    const auto self = SelfOf(node_, order);
    if (!self.ok()) return ReadError("asking the ledger node", self.status());
    const auto successor = NodeOnSite(order.order(), self->shard, seal.to());
    if (!successor.ok()) return Failed(successor.status().message());
    if (order.back()) {
      const auto status = StatusOf(node_, order);
      if (!status.ok()) return ReadError("asking the ledger node", status.status());
      if (status->role() != ledger_pb::ROLE_PRIMARY) {
        const auto own = OwnSeal(*status, *successor);
        const bool counts = own.has_value() && (status->role() == ledger_pb::ROLE_SEALED ||
                                                own->statement.run() == order.order().key().run());
        return counts ? SealedBy(*own)
                      : NothingToDo(absl::StrCat("nothing to seal: ", Describe(*status)));
      }
    }
    ledger_pb::SealRequest request;
    request.set_run(order.order().key().run());
    request.set_successor(*successor);
    const auto certificate = CallUntilAnswered<ledger_pb::Signed>(
        order, OrderContext::EndsOn::kStop,
        [&](auto* client, auto* response) { return node_->Seal(client, request, response); });
    if (!certificate.ok()) {
      return MutationError(absl::StrCat("sealing ", Describe(*self)), certificate.status());
    }
    ledger_pb::SealStatement statement;
    if (!statement.ParseFromString(certificate->payload())) {
      return Unknown(
          "the node's seal certificate cannot be read: node and agent differ in version");
    }
    return SealedBy({.certificate = *certificate, .statement = std::move(statement)});
  }

  Result Probe(OrderContext& order, const action::LedgerSeal& seal) override {
    const auto status = StatusOf(node_, order);
    if (!status.ok())
      return Unknown(ReadError("asking the ledger node", status.status()).message());
    const auto successor = NodeOnSite(order.order(), status->shard(), seal.to());
    if (!successor.ok()) return Unknown(successor.status().message());
    const auto own = OwnSeal(*status, *successor);
    // A primary may still hold the certificate of an earlier seal that was refused.
    if (status->role() == ledger_pb::ROLE_PRIMARY) {
      return Failed(absl::StrCat("not sealed: ", Describe(*status)));
    }
    if (own.has_value() && own->statement.run() == order.order().key().run()) return SealedBy(*own);
    return Unknown(absl::StrCat("not known whether this run sealed it: ", Describe(*status)));
  }

 private:
  const NodeStub node_;
};

class RefuseDriver final : public ActionDriver<action::LedgerRefuse> {
 public:
  explicit RefuseDriver(NodeStub node) : node_(std::move(node)) {}

 protected:
  Result Check(OrderContext& order, const action::LedgerRefuse& /*refuse*/) override {
    const auto status = StatusOf(node_, order);
    if (!status.ok()) return ReadError("asking the ledger node", status.status());
    return Succeeded(absl::StrCat("would refuse to open the shard; ", Describe(*status)));
  }

  Result Apply(OrderContext& order, const action::LedgerRefuse& /*refuse*/) override {
    const auto status = StatusOf(node_, order);
    if (!status.ok()) return ReadError("asking the ledger node", status.status());
    const NodeName self{.shard = status->shard(), .node_id = status->node_id()};
    const auto seal = SealNaming(self, order.order(), &*status);
    if (!seal.has_value()) {
      const std::string why =
          absl::StrCat("nothing to refuse: no seal certificate names ", self.node_id);
      return order.back() ? NothingToDo(why) : Failed(why);
    }
    if (order.back() && status->epoch() > seal->statement.epoch()) {
      return NothingToDo(
          absl::StrCat("nothing to refuse: the shard has moved on; ", Describe(*status)));
    }
    const auto refusal = CallUntilAnswered<ledger_pb::Signed>(
        order, OrderContext::EndsOn::kStop, [&](auto* client, auto* response) {
          return node_->Refuse(client, seal->certificate, response);
        });
    if (!refusal.ok()) {
      return MutationError(absl::StrCat("refusing ", Describe(self)), refusal.status());
    }
    Result result = Succeeded(absl::StrCat(self.node_id, " never opens epoch ",
                                           seal->statement.epoch() + 1, " of shard ", self.shard));
    *result.add_certificates() = *refusal;
    AddFacts(*status, result);
    return result;
  }

  // A node does not show its refusals. Refusing again is safe, so doubt costs nothing.
  Result Probe(OrderContext& order, const action::LedgerRefuse& /*refuse*/) override {
    const auto status = StatusOf(node_, order);
    if (!status.ok())
      return Unknown(ReadError("asking the ledger node", status.status()).message());
    const NodeName self{.shard = status->shard(), .node_id = status->node_id()};
    const auto seal = SealNaming(self, order.order(), &*status);
    if (!seal.has_value()) return Failed("not refused: no seal certificate names this node");
    if (status->epoch() == seal->statement.epoch() + 1 && status->owner() == self.node_id) {
      return Failed(absl::StrCat("not refused, but opened: ", Describe(*status)));
    }
    if (RefusalBy(self.node_id, self.shard, order.order()).has_value()) {
      return Succeeded("refused: its refusal certificate is there");
    }
    return Unknown("a node does not show its refusals: give the order again, that is safe");
  }

 private:
  const NodeStub node_;
};

class UnsealDriver final : public ActionDriver<action::LedgerUnseal> {
 public:
  explicit UnsealDriver(NodeStub node) : node_(std::move(node)) {}

 protected:
  Result Check(OrderContext& order, const action::LedgerUnseal& /*unseal*/) override {
    const auto status = StatusOf(node_, order);
    if (!status.ok()) return ReadError("asking the ledger node", status.status());
    return Succeeded(
        absl::StrCat("would unseal the shard by its successor's refusal; ", Describe(*status)));
  }

  Result Apply(OrderContext& order, const action::LedgerUnseal& /*unseal*/) override {
    const auto status = StatusOf(node_, order);
    if (!status.ok()) return ReadError("asking the ledger node", status.status());
    if (status->role() != ledger_pb::ROLE_SEALED) {
      const std::string why = absl::StrCat("nothing to unseal: ", Describe(*status));
      return order.back() ? NothingToDo(why) : Failed(why);
    }
    const auto refusal = RefusalBy(status->successor(), status->shard(), order.order());
    if (!refusal.has_value() || refusal->statement.epoch() <= status->epoch()) {
      return Failed(absl::StrCat("shard ", status->shard(), " stays sealed: ", status->successor(),
                                 " has not refused it. Bring ", status->successor(),
                                 " up and let it refuse (ledger.refuse), then go back again"));
    }
    const auto change = CallUntilAnswered<ledger_pb::OwnershipChange>(
        order, OrderContext::EndsOn::kStop, [&](auto* client, auto* response) {
          return node_->Unseal(client, refusal->certificate, response);
        });
    if (!change.ok()) {
      return MutationError(absl::StrCat("unsealing shard ", status->shard()), change.status());
    }
    Result result = Succeeded(
        absl::StrCat(status->node_id(), " accepts writes again, epoch ", change->epoch()));
    AddFacts(*status, result);
    (*result.mutable_facts())["epoch"] = absl::StrCat(change->epoch());
    (*result.mutable_facts())["position"] = absl::StrCat(change->position());
    result.mutable_facts()->erase("log_hash");
    return result;
  }

  Result Probe(OrderContext& order, const action::LedgerUnseal& /*unseal*/) override {
    const auto status = StatusOf(node_, order);
    if (!status.ok())
      return Unknown(ReadError("asking the ledger node", status.status()).message());
    if (status->role() == ledger_pb::ROLE_PRIMARY) return Succeeded(Describe(*status));
    if (status->role() == ledger_pb::ROLE_SEALED) {
      return Failed(absl::StrCat("still sealed: ", Describe(*status)));
    }
    return Unknown(absl::StrCat("not the owner any more: ", Describe(*status)));
  }

 private:
  const NodeStub node_;
};

}  // namespace

void AddSealDrivers(const NodeStub& node, Drivers& drivers) {
  drivers.Add(std::make_unique<SealDriver>(node));
  drivers.Add(std::make_unique<RefuseDriver>(node));
  drivers.Add(std::make_unique<UnsealDriver>(node));
}

}  // namespace agents
