// As agents/drivers/ledger/sealing.cc.
#include "hamisha/action/v1/ledger.pb.h"
#include "simulation/certificates.h"
#include "simulation/drivers_ledger.h"

namespace simulation {
namespace {

namespace action = ::hamisha::action::v1;

std::string SuccessorOf(const OrderRun& run) {
  action::LedgerSeal seal;
  if (!seal.ParseFromString(run.order().action().value())) return "";
  return NodeOnSite(run, seal.to());
}

// The newest certificate by the node itself that names the successor.
std::optional<Seal> OwnSeal(const OrderRun& run, const NodeStatus& status,
                            const std::string& successor) {
  std::optional<Seal> newest;
  for (const auto& certificate : status.certificates) {
    auto statement = ReadSeal(certificate, run.node()->place().shard);
    if (!statement.has_value() || statement->owner() != run.node()->place().id ||
        statement->successor() != successor) {
      continue;
    }
    if (newest.has_value() && newest->statement.epoch() >= statement->epoch()) continue;
    newest = Seal{certificate, *std::move(statement)};
  }
  return newest;
}

struct Refusal {
  ledger_pb::Signed certificate;
  uint64_t epoch;
};
std::optional<Refusal> RefusalBy(const OrderRun& run, const std::string& refuser) {
  std::optional<Refusal> newest;
  for (const auto& certificate : run.order().certificates()) {
    const auto statement = ReadRefusal(certificate, run.node()->place().shard);
    if (!statement.has_value() || statement->refuser() != refuser) continue;
    if (newest.has_value() && newest->epoch >= statement->epoch()) continue;
    newest = Refusal{certificate, statement->epoch()};
  }
  return newest;
}

void OrderSeal(const Run& run, const std::string& successor) {
  run->CallNode({.kind = NodeRequest::Kind::kSeal,
                 .run = run->order().key().run(),
                 .node = successor,
                 .certificate = {}},
                [run](const absl::StatusOr<NodeAnswer>& answer) {
                  answer.ok() ? run->Succeed("sealed", *answer->certificate)
                              : run->EndMutation(answer.status());
                });
}

}  // namespace

void ApplySeal(const Run& run) {
  if (run->node() == nullptr) return run->Fail("this host has no ledger node");
  const std::string successor = SuccessorOf(*run);
  if (successor.empty()) return run->Fail("no successor");
  if (!run->back()) return OrderSeal(run, successor);
  run->WithStatus([run, successor](const NodeStatus& status) {
    if (status.role == ledger::Role::kPrimary) return OrderSeal(run, successor);
    const auto own = OwnSeal(*run, status, successor);
    const bool counts = own.has_value() && (status.role == ledger::Role::kSealed ||
                                            own->statement.run() == run->order().key().run());
    counts ? run->Succeed("sealed", own->certificate) : run->Succeed("nothing to seal");
  });
}

void ProbeSeal(const Run& run) {
  run->WithStatus([run](const NodeStatus& status) {
    if (status.role == ledger::Role::kPrimary) return run->Fail("not sealed");
    const auto own = OwnSeal(*run, status, SuccessorOf(*run));
    if (own.has_value() && own->statement.run() == run->order().key().run()) {
      return run->Succeed("sealed", own->certificate);
    }
    run->Unknown("not known whether this run sealed it");
  });
}

void ApplyRefuse(const Run& run) {
  run->WithStatus([run](const NodeStatus& status) {
    const auto seal = SealNaming(*run, &status);
    if (!seal.has_value()) {
      return run->back() ? run->Succeed("nothing to refuse") : run->Fail("nothing to refuse");
    }
    if (run->back() && status.epoch > seal->statement.epoch()) {
      return run->Succeed("nothing to refuse: the shard has moved on");
    }
    run->CallNode({.kind = NodeRequest::Kind::kRefuse,
                   .run = {},
                   .node = {},
                   .certificate = seal->certificate},
                  [run](const absl::StatusOr<NodeAnswer>& answer) {
                    answer.ok() ? run->Succeed("refused", *answer->certificate)
                                : run->EndMutation(answer.status());
                  });
  });
}

void ProbeRefuse(const Run& run) {
  run->WithStatus([run](const NodeStatus& status) {
    const auto seal = SealNaming(*run, &status);
    if (!seal.has_value()) return run->Fail("not refused");
    if (status.epoch == seal->statement.epoch() + 1 && status.owner == run->node()->place().id) {
      return run->Fail("not refused, but opened");
    }
    RefusalBy(*run, run->node()->place().id).has_value() ? run->Succeed("refused")
                                                         : run->Unknown("not shown");
  });
}

void ApplyUnseal(const Run& run) {
  run->WithStatus([run](const NodeStatus& status) {
    if (status.role != ledger::Role::kSealed) {
      return run->back() ? run->Succeed("nothing to unseal") : run->Fail("nothing to unseal");
    }
    const auto refusal = RefusalBy(*run, status.successor);
    if (!refusal.has_value() || refusal->epoch <= status.epoch) {
      return run->Fail("stays sealed: its successor has not refused it");
    }
    run->CallNode({.kind = NodeRequest::Kind::kUnseal,
                   .run = {},
                   .node = {},
                   .certificate = refusal->certificate},
                  [run](const absl::StatusOr<NodeAnswer>& answer) {
                    answer.ok() ? run->Succeed("accepts writes again")
                                : run->EndMutation(answer.status());
                  });
  });
}

void ProbeUnseal(const Run& run) {
  run->WithStatus([run](const NodeStatus& status) {
    if (status.role == ledger::Role::kPrimary) return run->Succeed("primary");
    if (status.role == ledger::Role::kSealed) return run->Fail("still sealed");
    run->Unknown("not the owner any more");
  });
}

}  // namespace simulation
