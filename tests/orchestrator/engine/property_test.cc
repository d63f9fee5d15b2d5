#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/orchestrator/engine/plans.h"

namespace orchestrator {
namespace {

using hamisha::agent::v1::Order;
using hamisha::agent::v1::OrderResult;
using hamisha::orchestrator::v1::RUN_STATE_ROLLED_BACK;

Plan RandomPlan(std::mt19937& random) {
  const auto dice = [&](uint32_t sides) { return static_cast<uint32_t>(random() % sides); };
  Plan plan = EmptyPlan();
  const uint32_t steps = 1 + dice(8);
  for (uint32_t index = 0; index < steps; ++index) {
    std::vector<uint32_t> hosts;
    for (uint32_t host = 0; host < plan.hosts.size(); ++host) {
      if (dice(3) == 0) hosts.push_back(host);
    }
    if (hosts.empty()) hosts.push_back(dice(5));
    StepOptions options;
    for (uint32_t need = 0; need < index; ++need) {
      if (dice(3) == 0) options.needs.push_back(need);
    }
    options.on_failure = static_cast<OnFailure>(dice(3));
    options.retries = dice(3);
    options.mutates = dice(3) != 0;
    options.own_undo = options.mutates;
    PlannedStep step = MakeStep(absl::StrCat("step", index), hosts, options);
    if (dice(3) == 0) {
      step.own_undo = false;
      step.rollback = {MakeAction("back.one", {dice(5)}, true),
                       MakeAction("back.two", hosts, true)};
    }
    plan.steps.push_back(step);
  }
  return plan;
}

std::string StepOf(const Order& order) {
  const std::string& name = order.key().step();
  return name.substr(0, name.find_first_of("/#"));
}

void RequireNeedsFirst(const Driver& run) {
  for (const PlannedStep& step : run.engine().plan().steps) {
    const StepState state = run.StateOf(step.id);
    if (state != StepState::kRunning) continue;
    for (const uint32_t need : step.needs) {
      const PlannedStep& needed = run.engine().plan().steps[need];
      const StepState before = run.StateOf(needed.id);
      const bool let_pass = needed.on_failure == OnFailure::kContinue &&
                            (before == StepState::kFailed || before == StepState::kUnknown);
      REQUIRE((before == StepState::kSucceeded || let_pass));
    }
  }
}

// Each mutating step that was begun was undone, in reverse order of its start.
void RequireUndoneInReverse(const Driver& run) {
  std::vector<std::string> begun;
  std::vector<std::string> undone;
  for (const Order& order : run.sent()) {
    const bool back = absl::StrContains(order.key().step(), "/back/");
    std::vector<std::string>& list = back ? undone : begun;
    if (order.mode() == hamisha::agent::v1::MODE_PROBE) continue;
    if (std::find(list.begin(), list.end(), StepOf(order)) == list.end()) {
      list.push_back(StepOf(order));
    }
  }
  std::vector<std::string> expected;
  for (const std::string& id : begun) {
    for (const PlannedStep& step : run.engine().plan().steps) {
      if (step.id == id && !BackOf(step).empty()) expected.push_back(id);
    }
  }
  std::reverse(expected.begin(), expected.end());
  REQUIRE(undone == expected);
}

// Agents that lose, repeat and delay answers, and know as much as the mood of the day lets them.
class World {
 public:
  World(uint32_t seed) : random_(seed), run_(RandomPlan(random_)) {}

  void Play() {
    run_.Start();
    for (int i = 0; i < 300 && !run_.engine().ended(); ++i) {
      Chance();
      RequireNeedsFirst(run_);
    }
    for (int i = 0; !run_.engine().ended(); ++i) {  // Fair from now on.
      REQUIRE(i < 2000);
      const std::vector<Order> open = run_.Open();
      if (open.empty()) {
        run_.TickNext();
      } else {
        run_.Succeed(open.front().key().step(), open.front().key().host());
      }
    }
    if (run_.engine().state() == RUN_STATE_ROLLED_BACK && requests_ < 2)
      RequireUndoneInReverse(run_);
    run_.RequireSameReplay();
  }

 private:
  void Chance() {
    const std::vector<Order> open = run_.Open();
    const uint32_t dice = static_cast<uint32_t>(random_() % 100);
    if (dice < 20 || open.empty()) {
      if (run_.engine().NextDeadline() < absl::InfiniteFuture()) run_.TickNext();
    } else if (dice < 21 && run_.engine().state() == hamisha::orchestrator::v1::RUN_STATE_RUNNING) {
      ++requests_;
      run_.RollBack("by chance");
    } else if (dice < 24) {
      run_.NewTerm();
    } else {
      // Any order ever sent may be answered, late or again.
      const std::vector<Order>& sent = run_.sent();
      const Order& order =
          dice < 80 ? open[random_() % open.size()] : sent[random_() % sent.size()];
      if (!run_.engine().Expects(order.key())) return;
      OrderResult result;
      *result.mutable_key() = order.key();
      result.set_outcome(static_cast<hamisha::agent::v1::Outcome>(
          std::min<uint32_t>(3, 1 + static_cast<uint32_t>(random_() % 6) % 4)));
      if (random_() % 2 == 0) *result.add_certificates() = SealCertificate(random_() % 2, 1);
      run_.Answer(result);
    }
  }

  std::mt19937 random_;
  Driver run_;
  int requests_ = 0;
};

TEST_CASE("every run ends under fair answers, replays alike, and undoes in reverse",
          "[engine][property]") {
  const uint32_t block = GENERATE(range(0u, 20u));
  for (uint32_t seed = block * 50; seed < (block + 1) * 50; ++seed) {
    CAPTURE(seed);
    World(seed).Play();
  }
}

}  // namespace
}  // namespace orchestrator
