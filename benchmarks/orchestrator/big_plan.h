#pragma once

#include <cstdint>
#include <string>

#include "orchestrator/plan/compile.h"

namespace benchmarks {

struct BigPlanOptions {
  uint32_t hosts = 1'000;  // Even: half a site.
  uint32_t steps = 10'000;
  uint32_t chains = 10;  // That go side by side.
};

struct BigPlan {
  orchestrator::SourceText playbook;
  orchestrator::SourceText inventory;
  orchestrator::Plan plan;
  uint64_t orders = 0;  // That it takes, the retries included.
  double compile_s = 0;
};

// Steps by what they are: the phases of the plan.
inline constexpr char kChains[] = "chains";    // On one host each, side by side.
inline constexpr char kRetries[] = "retries";  // Likewise; the first attempt fails.
inline constexpr char kWaves[] = "waves";      // On 20 hosts each, one after the other.
inline constexpr char kAll[] = "all";          // On every host, one after the other.

// A playbook and its inventory as an operator would write them, compiled. Of 10,000 steps 50 are on
// all hosts, 1,000 on waves, 500 are retried, and the rest are links of chains.
BigPlan MakeBigPlan(const BigPlanOptions& options);

}  // namespace benchmarks
