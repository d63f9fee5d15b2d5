#pragma once

#include "hamisha/agent/v1/agent.pb.h"

namespace simulation {

// Adds to a success what the real driver of the order's action says besides, where it is not said
// yet: numbers in which nobody finds fault, so that guardrails and conditions have something to
// look at. Not what depends on the data.
void AddUsualFacts(const hamisha::agent::v1::Order& order, hamisha::agent::v1::OrderResult& result);

}  // namespace simulation
