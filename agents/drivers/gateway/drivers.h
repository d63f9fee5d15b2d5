#pragma once

#include <memory>

#include "agents/runtime/driver.h"
#include "hamisha/ledger/v1/gateway.grpc.pb.h"

namespace agents {

// Adds all actions of gateways, for one of them.
void AddGatewayDrivers(const std::shared_ptr<hamisha::ledger::v1::Gateway::StubInterface>& gateway,
                       Drivers& drivers);

// The last of them.
void AddGatewayReadinessDriver(
    const std::shared_ptr<hamisha::ledger::v1::Gateway::StubInterface>& gateway, Drivers& drivers);

}  // namespace agents
