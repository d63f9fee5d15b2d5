#pragma once

#include <memory>
#include <string>

#include "simulation/world.h"

namespace simulation {

// The weekend on an example's inventory.
std::shared_ptr<const orchestrator::Plan> WeekendPlan(uint32_t shards, uint32_t gateways);
std::shared_ptr<const orchestrator::Plan> PlanOf(const std::string& playbook_path, uint32_t shards,
                                                 uint32_t gateways);

WorldOptions SunnyWorld(uint64_t seed);
WorldOptions HarshWorld(uint64_t seed);

// How to see it again, and what the world told last.
std::string Story(WorldOptions options);

}  // namespace simulation
