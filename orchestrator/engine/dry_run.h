#pragma once

#include <string>
#include <vector>

#include "orchestrator/plan/plan.h"

namespace orchestrator {

// One action as a run that goes well would order it.
struct DryRunAction {
  std::string action;              // "ledger.seal"
  std::vector<std::string> hosts;  // All at the same time.
  bool own_undo = false;           // On the way back: the action's own undo, not the action.
};

struct DryRunStep {
  std::string id;
  std::string phase;
  DryRunAction apply;
  std::vector<DryRunAction> back;  // Its way back, in order; empty: nothing to undo.
  std::string asks = {};           // Of people, before it begins; "" when nobody is asked.
};

// Runs the engine against agents that always succeed: the steps in the order in which they would
// start. Pure: contacts nothing.
std::vector<DryRunStep> DryRunSteps(const Plan& plan);

// The same for people: a line a step, and indented below it a line for each action of its way back.
std::vector<std::string> DryRun(const Plan& plan);

}  // namespace orchestrator
