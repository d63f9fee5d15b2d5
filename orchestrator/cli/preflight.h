// `hamisha preflight`: all that would block a freeze, at once. Pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "hamisha/orchestrator/v1/orchestrator.pb.h"
#include "orchestrator/plan/plan.h"
#include "orchestrator/readiness/pause.h"

namespace orchestrator {

// A playbook that changes nothing, over the hosts of the plan whose agents are connected: whether
// ledgers and gateways are ready for its freeze (as its steps ledger.readiness and
// gateway.readiness want it, else as a freeze by its first ledger.seal needs it), and its
// comparison of servers. Each step goes on whatever the others find. "" when the plan leaves
// nothing to check.
std::string PreflightPlaybook(const Plan& plan, const std::set<std::string>& connected);

// One thing that was found.
struct Finding {
  std::string host;  // "" of none: of the run.
  std::string what;  // "lag"
  bool blocks = false;
  std::string found;
  std::string limit;  // "" without one.
  std::string to_do;  // Likewise.
};

struct Preflight {
  std::vector<Finding> findings;  // Those that block first, then by host.
  std::optional<PauseForecast> pause;
  std::string run;  // The preflight's own; "" when no agent could be asked.
  bool blocks() const;
};

// `checked` is the run of the playbook above, `newest` the run before it, if any.
struct PreflightInputs {
  const Plan& plan;
  const hamisha::orchestrator::v1::ListAgentsResponse& agents;
  const hamisha::orchestrator::v1::RunView* checked;  // Null: nothing could be asked.
  const hamisha::orchestrator::v1::RunView* newest;   // Null: there was none.
  std::string rollback_not_proved;                    // RollbackNotProved().
};
Preflight JudgePreflight(const PreflightInputs& inputs);

// A row for each finding, the forecast of the pause, and whether the run may begin.
std::string RenderPreflight(const Preflight& preflight);
std::string RenderPreflightJson(const Preflight& preflight);

}  // namespace orchestrator
