// ledger.await_position, ledger.compare, ledger.open: by the seal certificate that names this node.
#include <optional>
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

constexpr absl::Duration kPollPause = absl::Milliseconds(1);  // Writes are waiting.
constexpr absl::Duration kProgressPause = absl::Milliseconds(500);

NodeName NameOf(const ledger_pb::NodeStatus& status) {
  return {.shard = status.shard(), .node_id = status.node_id()};
}

// The certificate to act on. Asks the node only when the order brings none, or on the way back,
// where it decides whether there is anything to do. An OK without a certificate: there is none.
struct Found {
  std::optional<Seal> seal;
  std::optional<ledger_pb::NodeStatus> status;
};
absl::StatusOr<Found> FindSeal(const NodeStub& node, OrderContext& order) {
  Found found;
  if (!order.back()) {
    const auto self = SelfOf(node, order);
    if (!self.ok()) return self.status();
    found.seal = SealNaming(*self, order.order(), nullptr);
    if (found.seal.has_value()) return found;
  }
  auto status = StatusOf(node, order);
  if (!status.ok()) return status.status();
  found.seal = SealNaming(NameOf(*status), order.order(), &*status);
  found.status = *std::move(status);
  return found;
}

// Whether the way back has nothing to do with this certificate: it was used, or is overtaken.
bool IsPast(const Found& found) {
  return !found.seal.has_value() ||
         (found.status.has_value() && found.status->epoch() > found.seal->statement.epoch());
}

std::string NoCertificate(const std::string& what) {
  return absl::StrCat("nothing to ", what, ": no seal certificate names this node");
}

Result NothingOf(const std::string& what, const Found& found) {
  return NothingToDo(found.seal.has_value() && found.status.has_value()
                         ? absl::StrCat("nothing to ", what, ": ", Describe(*found.status))
                         : NoCertificate(what));
}

class AwaitPositionDriver final : public ActionDriver<action::LedgerAwaitPosition> {
 public:
  explicit AwaitPositionDriver(NodeStub node) : node_(std::move(node)) {}

 protected:
  Result Check(OrderContext& order, const action::LedgerAwaitPosition& /*await*/) override {
    const auto status = StatusOf(node_, order);
    if (!status.ok()) return ReadError("asking the ledger node", status.status());
    return Succeeded(absl::StrCat("would wait for the sealed position; ", Describe(*status)));
  }

  Result Apply(OrderContext& order, const action::LedgerAwaitPosition& /*await*/) override {
    absl::Duration next_progress = order.clock().MonotonicNow() + kProgressPause;
    std::string newest = "the ledger node has not answered";
    do {
      const auto status = StatusOnce(node_, order);
      if (status.ok()) {
        const auto seal = SealNaming(NameOf(*status), order.order(), &*status);
        if (order.back() && IsPast({.seal = seal, .status = *status})) {
          return NothingOf("wait for", {.seal = seal, .status = *status});
        }
        if (auto result = Judge(*status, seal); result.has_value()) return *std::move(result);
        newest = Missing(*status, seal);
      } else {
        newest = absl::StrCat("the ledger node does not answer (", status.status().message(), ")");
      }
      if (order.clock().MonotonicNow() >= next_progress) {
        order.Progress(newest);
        next_progress = order.clock().MonotonicNow() + kProgressPause;
      }
    } while (order.Wait(kPollPause));
    if (order.cancelled()) return Failed("cancelled: the step was given up");
    return Failed(absl::StrCat("not reached within the step's timeout: ", newest));
  }

  Result Probe(OrderContext& order, const action::LedgerAwaitPosition& /*await*/) override {
    const auto status = StatusOf(node_, order);
    if (!status.ok())
      return Unknown(ReadError("asking the ledger node", status.status()).message());
    const auto seal = SealNaming(NameOf(*status), order.order(), &*status);
    return Judge(*status, seal).value_or(Failed(Missing(*status, seal)));
  }

 private:
  // Nothing while it is still to be waited for.
  static std::optional<Result> Judge(const ledger_pb::NodeStatus& status,
                                     const std::optional<Seal>& seal) {
    if (!status.fault().empty()) return Faulty(status);
    if (!seal.has_value() || status.position() < seal->statement.position()) return std::nullopt;
    if (status.position() == seal->statement.position()) {
      if (status.log_hash() == seal->statement.log_hash()) return Reached(*seal);
      Result result = Failed(absl::StrCat(
          "shard ", status.shard(), ": the log of ", status.node_id(),
          " differs from the sealed one at position ", WithThousands(status.position()),
          ": a replication fault. Build this replica anew"));
      result.set_mismatch(true);
      return result;
    }
    // Past the sealed position: only this node's own Open explains that and is fine.
    if (status.owner() == status.node_id() && status.epoch() > seal->statement.epoch()) {
      return Reached(*seal);
    }
    if (status.epoch() == seal->statement.epoch()) {
      return Failed(absl::StrCat("the log goes on past the sealed position: ", Describe(status)));
    }
    // An old certificate of a shard that has moved on; the newer one is still to come.
    return std::nullopt;
  }

  static Result Reached(const Seal& seal) {
    Result result = Succeeded(absl::StrCat("holds the sealed position ",
                                           WithThousands(seal.statement.position()), " of shard ",
                                           seal.statement.shard()));
    *result.add_certificates() = seal.certificate;
    AddFacts(seal.statement, result);
    return result;
  }

  static std::string Missing(const ledger_pb::NodeStatus& status, const std::optional<Seal>& seal) {
    if (!seal.has_value()) return "no seal certificate names this node yet";
    if (status.epoch() > seal->statement.epoch()) {
      return absl::StrCat("the seal certificate is out of date: ", Describe(status));
    }
    return absl::StrCat("at position ", WithThousands(status.position()), " of ",
                        WithThousands(seal->statement.position()),
                        status.lag().connected() ? "" : "; the stream from the source is broken");
  }

  const NodeStub node_;
};

class CompareDriver final : public ActionDriver<action::LedgerCompare> {
 public:
  explicit CompareDriver(NodeStub node) : node_(std::move(node)) {}

 protected:
  Result Check(OrderContext& order, const action::LedgerCompare& /*compare*/) override {
    const auto status = StatusOf(node_, order);
    if (!status.ok()) return ReadError("asking the ledger node", status.status());
    return Succeeded(
        absl::StrCat("would compare all state with the seal certificate; ", Describe(*status)));
  }

  Result Apply(OrderContext& order, const action::LedgerCompare& /*compare*/) override {
    const auto found = FindSeal(node_, order);
    if (!found.ok()) return ReadError("asking the ledger node", found.status());
    if (order.back() && IsPast(*found)) return NothingOf("compare", *found);
    if (!found->seal.has_value()) return Failed(NoCertificate("compare"));
    const Seal& seal = *found->seal;
    const auto comparison = CallUntilAnswered<ledger_pb::Comparison>(
        order, OrderContext::EndsOn::kCancel, [&](auto* client, auto* response) {
          return node_->Compare(client, seal.certificate, response);
        });
    const std::string shard = absl::StrCat("shard ", seal.statement.shard());
    if (!comparison.ok()) return ReadError(absl::StrCat("comparing ", shard), comparison.status());
    Result result =
        comparison->equal()
            ? Succeeded(absl::StrCat(shard, ": log hash, state root and invariants are equal"))
            : Failed(absl::StrCat(shard,
                                  " differs from what was sealed: ", comparison->difference(),
                                  ". Do not open it; build this replica anew"));
    result.set_mismatch(!comparison->equal());
    AddFacts(comparison->has_found() ? comparison->found() : seal.statement, result);
    return result;
  }

  // Comparing changes nothing.
  Result Probe(OrderContext& order, const action::LedgerCompare& compare) override {
    return Apply(order, compare);
  }

 private:
  const NodeStub node_;
};

class OpenDriver final : public ActionDriver<action::LedgerOpen> {
 public:
  explicit OpenDriver(NodeStub node) : node_(std::move(node)) {}

 protected:
  Result Check(OrderContext& order, const action::LedgerOpen& /*open*/) override {
    const auto status = StatusOf(node_, order);
    if (!status.ok()) return ReadError("asking the ledger node", status.status());
    return Succeeded(
        absl::StrCat("would open the shard by the seal certificate; ", Describe(*status)));
  }

  Result Apply(OrderContext& order, const action::LedgerOpen& /*open*/) override {
    const auto found = FindSeal(node_, order);
    if (!found.ok()) return ReadError("asking the ledger node", found.status());
    if (order.back() && IsPast(*found)) return NothingOf("open", *found);
    if (!found->seal.has_value()) return Failed(NoCertificate("open"));
    const Seal& seal = *found->seal;
    const auto change = CallUntilAnswered<ledger_pb::OwnershipChange>(
        order, OrderContext::EndsOn::kStop, [&](auto* client, auto* response) {
          return node_->Open(client, seal.certificate, response);
        });
    if (!change.ok()) {
      return MutationError(absl::StrCat("opening shard ", seal.statement.shard()), change.status());
    }
    Result result = Succeeded(absl::StrCat(seal.statement.successor(), " accepts writes of shard ",
                                           seal.statement.shard(), ", epoch ", change->epoch()));
    (*result.mutable_facts())["shard"] = absl::StrCat(seal.statement.shard());
    (*result.mutable_facts())["epoch"] = absl::StrCat(change->epoch());
    (*result.mutable_facts())["position"] = absl::StrCat(change->position());
    return result;
  }

  Result Probe(OrderContext& order, const action::LedgerOpen& /*open*/) override {
    const auto status = StatusOf(node_, order);
    if (!status.ok())
      return Unknown(ReadError("asking the ledger node", status.status()).message());
    const auto seal = SealNaming(NameOf(*status), order.order(), &*status);
    if (!seal.has_value()) {
      return status->role() == ledger_pb::ROLE_REPLICA ? Failed(NoCertificate("open"))
                                                       : Unknown(Describe(*status));
    }
    const uint64_t opened = seal->statement.epoch() + 1;
    if (status->epoch() == opened && status->owner() == status->node_id()) {
      Result result = Succeeded(absl::StrCat("opened: ", Describe(*status)));
      AddFacts(*status, result);
      return result;
    }
    if (status->epoch() < opened) return Failed(absl::StrCat("not opened: ", Describe(*status)));
    return Unknown(absl::StrCat("the shard has moved on: ", Describe(*status)));
  }

 private:
  const NodeStub node_;
};

}  // namespace

void AddSwitchDrivers(const NodeStub& node, Drivers& drivers) {
  drivers.Add(std::make_unique<AwaitPositionDriver>(node));
  drivers.Add(std::make_unique<CompareDriver>(node));
  drivers.Add(std::make_unique<OpenDriver>(node));
}

}  // namespace agents
