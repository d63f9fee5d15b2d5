#include "orchestrator/engine/ready_steps.h"

#include <utility>

#include "base/invariant.h"

namespace orchestrator {

ReadySteps::ReadySteps(const Plan& plan)
    : unmet_needs_(plan.steps.size()), needed_by_(plan.steps.size()) {
  for (uint32_t index = 0; index < plan.steps.size(); ++index) {
    const std::vector<uint32_t>& needs = plan.steps[index].needs;
    unmet_needs_[index] = static_cast<uint32_t>(needs.size());
    for (const uint32_t need : needs) {
      INVARIANT(need < index);
      needed_by_[need].push_back(index);
    }
    if (needs.empty()) ready_.insert(index);
  }
}

void ReadySteps::Met(uint32_t index) {
  for (const uint32_t step : needed_by_[index]) {
    INVARIANT(unmet_needs_[step] > 0);
    if (--unmet_needs_[step] == 0) ready_.insert(step);
  }
}

std::vector<uint32_t> ReadySteps::Take() {
  const std::set<uint32_t> ready = std::exchange(ready_, {});
  return {ready.begin(), ready.end()};
}

}  // namespace orchestrator
