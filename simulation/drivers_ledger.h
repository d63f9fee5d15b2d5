#pragma once

#include <memory>

#include "simulation/order_run.h"

namespace simulation {

using Run = std::shared_ptr<OrderRun>;

// ledger.replicate and ledger.follow.
void ApplyFollow(const Run& run);
void UndoFollow(const Run& run);
void ProbeFollow(const Run& run);
// ledger.await_lag, ledger.challenge.
void ApplyAwaitLag(const Run& run);
void ProbeAwaitLag(const Run& run);
void ApplyChallenge(const Run& run);
// ledger.seal, ledger.refuse, ledger.unseal.
void ApplySeal(const Run& run);
void ProbeSeal(const Run& run);
void ApplyRefuse(const Run& run);
void ProbeRefuse(const Run& run);
void ApplyUnseal(const Run& run);
void ProbeUnseal(const Run& run);
// ledger.await_position, ledger.compare, ledger.open, ledger.certify.
void ApplyAwaitPosition(const Run& run);
void ProbeAwaitPosition(const Run& run);
void ApplyCompare(const Run& run);
void ApplyOpen(const Run& run);
void ProbeOpen(const Run& run);
void ApplyCertify(const Run& run);

// Of the order's own shard; "" without one.
std::string NodeOnSite(const OrderRun& run, const std::string& site);

// The newest seal certificate that names the run's node, from its order or, if given, its status.
struct Seal {
  ledger_pb::Signed certificate;
  ledger_pb::SealStatement statement;
};
std::optional<Seal> SealNaming(const OrderRun& run, const NodeStatus* status);

}  // namespace simulation
