// What rehearsals have tried of a playbook: its steps, the branches on failure, its ways back.
// Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "hamisha/orchestrator/v1/orchestrator.pb.h"
#include "orchestrator/engine/engine.h"

namespace orchestrator {

using hamisha::orchestrator::v1::StepCoverage;
using Coverage = std::vector<StepCoverage>;  // In plan order.

// Of one run, as far as it has come.
Coverage CoverageOf(const Engine& engine);
// Where nothing has been tried yet.
Coverage CoverageOf(const Plan& plan);

// Adds what another run of the same playbook has tried. Steps that `sum` does not have come last.
void AddCoverage(const Coverage& more, Coverage& sum);

// The actions of the plan's ways back that no run has proved, as "seal: ledger.refuse,
// ledger.unseal", by step in plan order. Empty: every undo was rehearsed. A step that begins only
// after people have said that there is no way back has none to prove.
std::vector<std::string> UndosMissing(const Plan& plan, const Coverage& tried);
// Ids of those steps.
std::vector<std::string> StepsToProve(const Plan& plan, const Coverage& tried);

// Why a live run of the plan is refused, with what to do; "" when every undo was proved.
std::string RollbackNotProved(const Plan& plan, const Coverage& tried);

nlohmann::json ToJson(const Coverage& coverage);
// INVALID_ARGUMENT when ToJson() cannot have written it.
absl::StatusOr<Coverage> ParseCoverage(const nlohmann::json& json);

}  // namespace orchestrator
