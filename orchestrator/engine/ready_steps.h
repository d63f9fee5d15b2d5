#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "orchestrator/plan/plan.h"

namespace orchestrator {

// Which steps of a plan may begin. Each step knows how many of its needs are not met yet, so that
// the end of a step costs only what depends on it.
class ReadySteps {
 public:
  explicit ReadySteps(const Plan& plan);

  // The step has ended so that those that need it may begin. Once for each step.
  void Met(uint32_t index);

  // Steps all of whose needs are met, in the plan's order; each is given once.
  std::vector<uint32_t> Take();
  // To be given once more.
  void PutBack(uint32_t index) { ready_.insert(index); }

 private:
  std::vector<uint32_t> unmet_needs_;
  std::vector<std::vector<uint32_t>> needed_by_;
  std::set<uint32_t> ready_;
};

}  // namespace orchestrator
