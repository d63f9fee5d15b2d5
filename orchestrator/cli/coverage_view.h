// What rehearsals have tried, as people and programs read it. Pure.
#pragma once

#include <string>

#include "hamisha/orchestrator/v1/orchestrator.pb.h"

namespace orchestrator {

// A row for each step: whether it ran, whether its branches on failure and on an unknown outcome
// were taken, and which of its ways back are proved; then the sums.
std::string RenderCoverage(const hamisha::orchestrator::v1::CoverageView& coverage);
std::string RenderCoverageJson(const hamisha::orchestrator::v1::CoverageView& coverage);

}  // namespace orchestrator
