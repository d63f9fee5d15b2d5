// As agents/drivers/ledger/switching.cc and, of verification.cc, ledger.certify.
#include "hamisha/action/v1/ledger.pb.h"
#include "simulation/certificates.h"
#include "simulation/drivers_ledger.h"

namespace simulation {
namespace {

// Whether the way back has nothing to do with this certificate: it was used, or is overtaken.
bool IsPast(const std::optional<Seal>& seal, const NodeStatus* status) {
  return !seal.has_value() || (status != nullptr && status->epoch > seal->statement.epoch());
}

// On the way forward without asking the node, where the order brings a certificate.
void WithSeal(const Run& run,
              const std::function<void(const std::optional<Seal>&, const NodeStatus*)>& then) {
  if (run->node() == nullptr) return run->Fail("this host has no ledger node");
  if (!run->back()) {
    if (const auto seal = SealNaming(*run, nullptr); seal.has_value()) return then(seal, nullptr);
  }
  run->WithStatus(
      [run, then](const NodeStatus& status) { then(SealNaming(*run, &status), &status); });
}

// False while it is still to be waited for.
bool Judge(const Run& run, const NodeStatus& status, const std::optional<Seal>& seal) {
  if (!status.fault.empty()) return run->Fail(status.fault), true;
  if (!seal.has_value() || status.position < seal->statement.position()) return false;
  if (status.position == seal->statement.position()) {
    const bool same =
        base::AsBytes(status.log_hash) == absl::string_view(seal->statement.log_hash());
    same ? run->Succeed("holds the sealed position", seal->certificate)
         : run->Fail("its log differs from the sealed one", true);
    return true;
  }
  if (status.owner == run->node()->place().id && status.epoch > seal->statement.epoch()) {
    return run->Succeed("holds the sealed position", seal->certificate), true;
  }
  if (status.epoch != seal->statement.epoch()) return false;
  return run->Fail("the log goes on past the sealed position"), true;
}

NodeRequest RequestWith(NodeRequest::Kind kind, const Seal& seal) {
  return {.kind = kind, .run = {}, .node = {}, .certificate = seal.certificate};
}

}  // namespace

std::string NodeOnSite(const OrderRun& run, const std::string& site) {
  if (run.node() == nullptr) return "";
  for (const auto& context : run.order().shards()) {
    if (context.shard() != run.node()->place().shard) continue;
    for (const auto& member : context.nodes()) {
      if (member.site() == site) return member.node_id();
    }
  }
  return "";
}

std::optional<Seal> SealNaming(const OrderRun& run, const NodeStatus* status) {
  const LedgerNode::Place& self = run.node()->place();
  std::optional<Seal> newest;
  const auto look = [&](const ledger_pb::Signed& certificate) {
    auto statement = ReadSeal(certificate, self.shard);
    if (!statement.has_value() || statement->successor() != self.id) return;
    if (newest.has_value() && newest->statement.epoch() >= statement->epoch()) return;
    newest = Seal{certificate, *std::move(statement)};
  };
  for (const auto& certificate : run.order().certificates()) look(certificate);
  if (status == nullptr) return newest;
  for (const auto& certificate : status->certificates) look(certificate);
  return newest;
}

void ApplyAwaitPosition(const Run& run) {
  run->WithStatus([run](const NodeStatus& status) {
    const auto seal = SealNaming(*run, &status);
    if (run->back() && IsPast(seal, &status)) return run->Succeed("nothing to wait for");
    if (Judge(run, status, seal)) return;
    run->Wait([run](bool in_time) {
      in_time ? ApplyAwaitPosition(run) : run->Fail("not reached within the step's timeout");
    });
  });
}

void ProbeAwaitPosition(const Run& run) {
  run->WithStatus([run](const NodeStatus& status) {
    if (!Judge(run, status, SealNaming(*run, &status))) run->Fail("not reached");
  });
}

void ApplyCompare(const Run& run) {
  WithSeal(run, [run](const std::optional<Seal>& seal, const NodeStatus* status) {
    if (run->back() && IsPast(seal, status)) return run->Succeed("nothing to compare");
    if (!seal.has_value()) return run->Fail("nothing to compare");
    run->CallNode(RequestWith(NodeRequest::Kind::kCompare, *seal),
                  [run](const absl::StatusOr<NodeAnswer>& answer) {
                    if (!answer.ok()) return run->EndRead(answer.status());
                    answer->equal ? run->Succeed("equal") : run->Fail("differs", true);
                  });
  });
}

void ApplyOpen(const Run& run) {
  WithSeal(run, [run](const std::optional<Seal>& seal, const NodeStatus* status) {
    if (run->back() && IsPast(seal, status)) return run->Succeed("nothing to open");
    if (!seal.has_value()) return run->Fail("nothing to open");
    run->CallNode(RequestWith(NodeRequest::Kind::kOpen, *seal),
                  [run](const absl::StatusOr<NodeAnswer>& answer) {
                    answer.ok() ? run->Succeed("accepts writes")
                                : run->EndMutation(answer.status());
                  });
  });
}

void ProbeOpen(const Run& run) {
  run->WithStatus([run](const NodeStatus& status) {
    const auto seal = SealNaming(*run, &status);
    if (!seal.has_value()) {
      return status.role == ledger::Role::kReplica ? run->Fail("not opened")
                                                   : run->Unknown("no certificate");
    }
    const uint64_t opened = seal->statement.epoch() + 1;
    if (status.epoch == opened && status.owner == run->node()->place().id) {
      return run->Succeed("opened");
    }
    status.epoch < opened ? run->Fail("not opened") : run->Unknown("the shard has moved on");
  });
}

void ApplyCertify(const Run& run) {
  run->WithStatus([run](const NodeStatus& status) {
    const LedgerNode::Place& self = run->node()->place();
    for (const auto& certificate : status.certificates) {
      const auto seal = ReadSeal(certificate, self.shard);
      if (seal.has_value() && (seal->owner() == self.id || seal->successor() == self.id)) {
        return run->Succeed("certified");
      }
    }
    SealNaming(*run, &status).has_value() ? run->Succeed("certified")
                                          : run->Fail("nothing to certify");
  });
}

}  // namespace simulation
