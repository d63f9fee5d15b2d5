#pragma once

#include <memory>
#include <string>

#include "agents/runtime/driver.h"
#include "hamisha/agent/v1/agent.pb.h"
#include "hamisha/ledger/v1/ledger.grpc.pb.h"

namespace agents {

// Adds probe.canary, which speaks the client API to this server's gateway.
void AddCanaryDriver(std::shared_ptr<hamisha::ledger::v1::Ledger::StubInterface> ledger,
                     Drivers& drivers);

// The ids that a canary uses: equal for a repeat of the same order, different for all others.
// Accounts belong to the gateway's host and stay; `which` is 0 or 1. Transfers: 0 there, 1 back.
hamisha::ledger::v1::Id CanaryAccountId(const std::string& host, uint32_t shard, uint32_t which);
hamisha::ledger::v1::Id CanaryTransferId(const hamisha::agent::v1::OrderKey& key, uint32_t shard,
                                         uint32_t direction);

}  // namespace agents
