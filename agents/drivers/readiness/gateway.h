// What is in the way of a freeze at one gateway. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agents/drivers/readiness/obstacles.h"
#include "hamisha/action/v1/gateway.pb.h"
#include "hamisha/agent/v1/agent.pb.h"
#include "hamisha/ledger/v1/gateway.pb.h"

namespace agents {

// `order` names the shards and their nodes.
std::vector<hamisha::agent::v1::Obstacle> ObstaclesOf(
    const hamisha::action::v1::GatewayReadiness& wanted, const hamisha::agent::v1::Order& order,
    const hamisha::ledger::v1::GatewayStatus& status);

std::map<std::string, std::string> FactsOf(const hamisha::ledger::v1::GatewayStatus& status);

}  // namespace agents
