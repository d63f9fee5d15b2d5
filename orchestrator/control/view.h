#pragma once

#include <map>
#include <string>

#include "hamisha/orchestrator/v1/orchestrator.pb.h"
#include "orchestrator/engine/engine.h"

namespace orchestrator {

// Names an order in a map of progress messages. `step` is that of the order's key.
std::string ProgressKey(const std::string& step, const std::string& host);

// What operators see of a run; without kind, journal and term, which the engine does not know.
// `progress` has the newest message for orders that run.
hamisha::orchestrator::v1::RunView ViewOf(const Engine& engine,
                                          const std::map<std::string, std::string>& progress);

}  // namespace orchestrator
