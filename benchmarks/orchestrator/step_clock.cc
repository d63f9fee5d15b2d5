#include "benchmarks/orchestrator/step_clock.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/invariant.h"

namespace benchmarks {
namespace {

// Of "s12", "s12#2", "s12/probe".
uint32_t IndexOf(const std::string& step) {
  uint32_t index = 0;
  INVARIANT(absl::SimpleAtoi(step.substr(1, step.find_first_of("#/") - 1), &index));
  return index;
}

void Raise(std::atomic<int64_t>& newest, int64_t time) {
  int64_t known = newest;
  while (known < time && !newest.compare_exchange_weak(known, time)) {
  }
}

}  // namespace

int64_t NanosecondsNow() { return absl::ToInt64Nanoseconds(base::SystemClock().MonotonicNow()); }

void StepClock::Reset() {
  steps_ = std::vector<Step>(plan_.steps.size());
  orders_ = 0;
}

void StepClock::OrderCame(const hamisha::agent::v1::OrderKey& key) {
  const int64_t now = NanosecondsNow();
  Step& step = steps_[IndexOf(key.step())];
  const uint32_t count = ++step.orders;
  ++orders_;
  if (key.attempt() != 1) return;
  Raise(step.last_order_ns, now);
  int64_t none = 0;
  if (count == 1) first_new_ns_.compare_exchange_strong(none, now);
}

void StepClock::ResultLeaves(const hamisha::agent::v1::OrderKey& key) {
  Raise(steps_[IndexOf(key.step())].last_result_ns, NanosecondsNow());
}

nlohmann::json Spread(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[std::min(values.size() - 1,
                           static_cast<size_t>(share * static_cast<double>(values.size())))];
  };
  return {{"count", values.size()}, {"p50", at(0.5)}, {"p99", at(0.99)}, {"max", values.back()}};
}

nlohmann::json StepClock::Costs() const {
  std::map<std::string, std::vector<double>> costs_ms;
  for (size_t i = 0; i < steps_.size(); ++i) {
    int64_t needed_ns = 0;
    for (const uint32_t need : plan_.steps[i].needs) {
      needed_ns = std::max<int64_t>(needed_ns, steps_[need].last_result_ns);
    }
    if (needed_ns == 0) continue;  // Begins with the run.
    const double cost_ms = static_cast<double>(steps_[i].last_order_ns - needed_ns) / 1e6;
    costs_ms[plan_.steps[i].phase].push_back(cost_ms);
    costs_ms["every step"].push_back(cost_ms);
  }
  nlohmann::json result = nlohmann::json::object();
  for (auto& [phase, values] : costs_ms) result[phase] = Spread(values);
  return result;
}

}  // namespace benchmarks
