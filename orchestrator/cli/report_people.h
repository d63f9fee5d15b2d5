// What people decided in a run, for its report. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "hamisha/orchestrator/v1/orchestrator.pb.h"
#include "orchestrator/cli/render.h"

namespace orchestrator {

// Who, when, why, and what they saw, and how to check signatures; nothing when nobody decided.
void AppendPeople(const hamisha::orchestrator::v1::RunView& run, const RenderOptions& options,
                  std::string* text);

nlohmann::json ActsJson(const hamisha::orchestrator::v1::RunView& run,
                        const RenderOptions& options);

}  // namespace orchestrator
