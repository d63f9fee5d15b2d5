#pragma once

#include <memory>

#include "agents/runtime/driver.h"
#include "hamisha/ledger/v1/gateway.grpc.pb.h"

namespace agents {

// Adds gateway.restrict and gateway.reopen for one gateway: the staged freeze.
void AddRestrictDrivers(const std::shared_ptr<hamisha::ledger::v1::Gateway::StubInterface>& gateway,
                        Drivers& drivers);

}  // namespace agents
