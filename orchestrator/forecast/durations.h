#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "orchestrator/forecast/profile.h"
#include "orchestrator/forecast/quantiles.h"
#include "orchestrator/plan/plan.h"

namespace orchestrator {

// What a duration is taken from; the first that there is:
enum class Basis : uint8_t {
  kStep,      // Samples of the very step and action.
  kAction,    // Samples of the action in other steps, of as many hosts if there are such; times
              // waves.
  kExpected,  // The playbook's expected_duration as P50; P90 is 1.5 × that.
  kTimeout,   // The timeout as P90, half of it as P50, and never more than all attempts together.
  kPeople,    // A gate: its expected_duration, else its timeout, to the second.
};

struct TakenFrom {
  Basis basis = Basis::kTimeout;
  Quantiles quantiles;
};

// How long the parts of a plan take, by its profiles.
struct Durations {
  std::vector<TakenFrom> forward;            // By step.
  std::vector<std::vector<TakenFrom>> back;  // By step, then as in BackOf().
  std::vector<std::string> unprofiled;       // Ids of steps, forward, that are kTimeout.
  std::vector<std::string> unprofiled_back;  // Likewise of the way back.
};

Durations DurationsOf(const Plan& plan, const std::vector<Profile>& profiles);

}  // namespace orchestrator
