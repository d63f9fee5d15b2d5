#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "hamisha/agent/v1/agent.pb.h"
#include "orchestrator/plan/plan.h"

namespace benchmarks {

// When the orders of each step came and its results went, on the agents' side. The orchestrator's
// cost of a step is then: from when the agents sent the last result that the step needed, until all
// orders of the step have reached its agents. That is more than the orchestrator's own work: both
// trips over loopback and what gRPC costs the agents are in it, and nothing is taken off.
// Safe for any thread; the plan must outlive it.
class StepClock {
 public:
  explicit StepClock(const orchestrator::Plan& plan) : plan_(plan), steps_(plan.steps.size()) {}

  // Forgets all.
  void Reset();
  void OrderCame(const hamisha::agent::v1::OrderKey& key);
  void ResultLeaves(const hamisha::agent::v1::OrderKey& key);

  uint64_t orders() const { return orders_; }
  // When the first order came that had not come before the call to ExpectNew(); 0: none yet.
  int64_t first_new_ns() const { return first_new_ns_; }
  void ExpectNew() { first_new_ns_ = 0; }

  // Of all steps ("every step") and by phase: how many, and p50, p99, max in milliseconds.
  nlohmann::json Costs() const;

 private:
  struct Step {
    std::atomic<int64_t> last_order_ns = 0;  // Of the first attempts.
    std::atomic<int64_t> last_result_ns = 0;
    std::atomic<uint32_t> orders = 0;
  };

  const orchestrator::Plan& plan_;
  std::vector<Step> steps_;
  std::atomic<uint64_t> orders_ = 0;
  std::atomic<int64_t> first_new_ns_ = 0;
};

int64_t NanosecondsNow();

// {"count", "p50", "p99", "max"}; `values` is sorted in place, and not empty.
nlohmann::json Spread(std::vector<double>& values);

}  // namespace benchmarks
