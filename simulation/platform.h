#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/time/time.h"
#include "hamisha/agent/v1/agent.pb.h"
#include "orchestrator/plan/plan.h"
#include "simulation/scheduler.h"

namespace simulation {

// An inventory as the example playbooks want it: sites `source` and `target` with a ledger host a
// shard each, gateways at the target; groups `sources`, `targets`, `gateways`.
std::string MakeInventory(uint32_t shards, uint32_t gateways);

// How long orders take on machines as they are, beside what they wait for: around
// `expected_duration` where the playbook says one, else around what is usual for the action. Keeps
// what it needs of the plan.
std::function<absl::Duration(const hamisha::agent::v1::Order&, Dice&)> UsualWork(
    const orchestrator::Plan& plan);

// How long each person who is asked thinks: around `expected_duration`, else around two minutes.
std::function<absl::Duration(const orchestrator::PlannedStep&, Dice&)> UsualThought();

}  // namespace simulation
