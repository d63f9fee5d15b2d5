#pragma once

#include <memory>

#include "agents/runtime/driver.h"
#include "hamisha/ledger/v1/node.grpc.pb.h"
#include "hamisha/ledger/v1/verification.grpc.pb.h"

namespace agents {

using NodeStub = std::shared_ptr<hamisha::ledger::v1::Node::StubInterface>;
using VerificationStub = std::shared_ptr<hamisha::ledger::v1::Verification::StubInterface>;

// Adds the drivers of hamisha/action/v1/ledger.proto for one ledger node.
void AddLedgerDrivers(const NodeStub& node, const VerificationStub& verification, Drivers& drivers);

// Its parts.
void AddReplicationDrivers(const NodeStub& node, Drivers& drivers);  // replicate await_lag follow
void AddSealDrivers(const NodeStub& node, Drivers& drivers);         // seal refuse unseal
void AddSwitchDrivers(const NodeStub& node, Drivers& drivers);       // await_position compare open

void AddVerificationDrivers(const NodeStub& node, const VerificationStub& verification,
                            Drivers& drivers);  // challenge certify

void AddReadinessDriver(const NodeStub& node, Drivers& drivers);  // readiness

}  // namespace agents
