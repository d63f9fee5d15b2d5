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
using namespace hamisha::orchestrator::v1;  // NOLINT(google-build-using-namespace): acts.

Plan RandomPlan(std::mt19937& random) {
  const auto dice = [&](uint32_t sides) { return static_cast<uint32_t>(random() % sides); };
  Plan plan = EmptyPlan();
  plan.people = {{"asha", {"ops"}, ""}, {"baraka", {"ops"}, ""}};
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
    options.on_failure = static_cast<OnFailure>(dice(4));
    options.retries = dice(3);
    options.mutates = dice(3) != 0;
    options.own_undo = options.mutates;
    PlannedStep step = MakeStep(absl::StrCat("step", index), hosts, options);
    if (dice(3) == 0) {
      step.own_undo = false;
      step.rollback = {MakeAction("back.one", {dice(5)}, true),
                       MakeAction("back.two", hosts, true)};
    }
    if (dice(3) == 0 && hosts.size() > 1) {
      const uint32_t first = 1 + dice(static_cast<uint32_t>(hosts.size()) - 1);
      step.waves = {first, static_cast<uint32_t>(hosts.size()) - first};
    }
    if (dice(4) == 0) step.max_fail_percentage = 50;
    if (dice(5) == 0) step.gate = Gate{.roles = {"ops"}, .quorum = 2, .timeout = absl::Minutes(1)};
    if (dice(20) == 0) step.point_of_no_return = true;
    plan.steps.push_back(step);
  }
  return plan;
}

std::string StepOf(const Order& order) {
  const std::string& name = order.key().step();
  return name.substr(0, name.find_first_of("/#"));
}

// `decided_again`: a person may have had a step retried that others had gone on after.
void RequireNeedsFirst(const Driver& run, bool decided_again) {
  for (const PlannedStep& step : run.engine().plan().steps) {
    const StepState state = run.StateOf(step.id);
    if (state != StepState::kRunning) continue;
    for (const uint32_t need : step.needs) {
      const PlannedStep& needed = run.engine().plan().steps[need];
      const StepState before = run.StateOf(needed.id);
      const bool let_pass = needed.on_failure == OnFailure::kContinue &&
                            (before == StepState::kFailed || before == StepState::kUnknown);
      REQUIRE((before == StepState::kSucceeded || before == StepState::kPassed ||
               before == StepState::kSkipped || let_pass || decided_again));
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
      RequireNeedsFirst(run_, acts_ > 0);
    }
    for (int i = 0; !run_.engine().ended(); ++i) {  // Fair from now on.
      REQUIRE(i < 2000);
      const std::vector<Order> open = run_.Open();
      if (Decide()) continue;
      if (open.empty()) {
        run_.TickNext();
      } else {
        run_.Succeed(open.front().key().step(), open.front().key().host());
      }
    }
    if (run_.engine().state() == RUN_STATE_ROLLED_BACK && requests_ < 2) {
      RequireUndoneInReverse(run_);
    }
    run_.RequireSameReplay();
  }

 private:
  void Act(Act what, const std::string& by, const std::string& step) {
    PersonAct act;
    act.set_act(what);
    act.set_by(by);
    act.set_step(step);
    act.set_reason("by chance");
    Engine copy = run_.engine();  // What is refused changes nothing.
    if (!copy.Apply({run_.now(), PersonActed{act}}).ok()) return;
    run_.Act(act);
    ++acts_;
  }

  void ActByChance() {
    const auto& steps = run_.engine().plan().steps;
    const auto what = static_cast<hamisha::orchestrator::v1::Act>(1 + random_() % 12);
    Act(what, random_() % 2 == 0 ? "asha" : "baraka", steps[random_() % steps.size()].id);
  }

  // Whether a person had to do something so that the run goes on.
  bool Decide() {
    const Engine& engine = run_.engine();
    if (engine.paused()) {
      Act(ACT_RESUME, "asha", "");
      return true;
    }
    for (uint32_t index = 0; index < engine.steps().size(); ++index) {
      const std::string& id = engine.plan().steps[index].id;
      if (engine.steps()[index].state == StepState::kAwaiting) {
        for (const char* const person : {"asha", "baraka"}) Act(ACT_APPROVE, person, id);
        for (const char* const person : {"asha", "baraka"}) Act(ACT_COMPLETE, person, id);
        return true;
      }
      if (engine.Held(index) && engine.state() == RUN_STATE_RUNNING) {
        Act(random_() % 2 == 0 ? ACT_RETRY : ACT_SKIP, "asha", id);
        return true;
      }
    }
    return false;
  }

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
    } else if (dice < 32) {
      ActByChance();
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
  int acts_ = 0;
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
