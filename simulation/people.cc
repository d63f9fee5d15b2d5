#include "simulation/people.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "orchestrator/engine/asked.h"

namespace simulation {
namespace {

using namespace hamisha::orchestrator::v1;  // NOLINT(google-build-using-namespace): acts.
using orchestrator::Engine;
using orchestrator::StepState;

constexpr uint32_t kRun = UINT32_MAX;  // Instead of a step: whether a paused run goes on.
constexpr absl::Duration kThinkMin = absl::Milliseconds(50);
constexpr absl::Duration kThinkMax = absl::Milliseconds(400);
constexpr absl::Duration kPauseMin = absl::Milliseconds(200);
constexpr absl::Duration kPauseMax = absl::Seconds(5);

bool IsAsked(const Engine& engine, uint32_t index) {
  if (engine.ended()) return false;
  if (index == kRun) return engine.paused() && engine.state() == RUN_STATE_RUNNING;
  return engine.steps()[index].state == StepState::kAwaiting || engine.Held(index);
}

bool HoldsOneOf(const orchestrator::Person& person, const std::vector<std::string>& roles) {
  return std::any_of(roles.begin(), roles.end(), [&](const std::string& role) {
    return std::count(person.roles.begin(), person.roles.end(), role) > 0;
  });
}

// Who is asked next: of those who have not said so, one who holds a role that is missing; "" when
// nobody is left.
std::string NextPerson(const Engine& engine, uint32_t index, Act act) {
  const orchestrator::Plan& plan = engine.plan();
  const orchestrator::AskedRun& asked = engine.steps()[index].asked;
  const auto missing = MissingOf(plan, plan.steps[index], asked);
  const std::set<std::string> said = PeopleWho(asked, act);
  const auto may = [&](const orchestrator::Person& person) {
    if (said.contains(person.name)) return false;
    return act != ACT_APPROVE ||
           (person.name != plan.author && person.name != engine.submitted_by());
  };
  for (const auto& person : plan.people) {
    if (may(person) && HoldsOneOf(person, missing.roles)) return person.name;
  }
  for (const auto& person : plan.people) {
    if (may(person)) return person.name;
  }
  return plan.people.empty() && said.empty() ? "operator" : "";
}

}  // namespace

void People::Look() {
  const Engine& engine = newest_().engine();
  for (uint32_t index = 0; index < engine.steps().size(); ++index) {
    if (IsAsked(engine, index) && !thinking_.contains(index)) Think(index);
  }
  if (IsAsked(engine, kRun) && !thinking_.contains(kRun)) Think(kRun);
}

void People::Say(Act act, const std::string& reason) {
  PersonAct said;
  said.set_act(act);
  said.set_by("operator");
  said.set_reason(reason);
  Post(std::move(said));
}

absl::Duration People::DrawTime(uint32_t index) {
  Dice& dice = environment_.dice;
  if (index == kRun) return dice.Between(kPauseMin, kPauseMax);
  if (traits_.think == nullptr) return dice.Between(kThinkMin, kThinkMax);
  return traits_.think(newest_().engine().plan().steps[index], dice);
}

// Then decides, and goes on thinking for as long as it is asked: what was decided may have been
// refused, or lost with an orchestrator.
void People::Think(uint32_t index) {
  thinking_.insert(index);
  environment_.scheduler.After(DrawTime(index), [this, index] {
    thinking_.erase(index);
    const Orchestrator& newest = newest_();
    if (!IsAsked(newest.engine(), index)) return;
    if (newest.life().is_up) Decide(index);
    Think(index);
  });
}

void People::Decide(uint32_t index) {
  if (index == kRun) return Say(ACT_RESUME, "");
  newest_().engine().Held(index) ? DecideHeld(index) : Answer(index);
}

void People::Answer(uint32_t index) {
  const Engine& engine = newest_().engine();
  const auto& step = engine.plan().steps[index];
  PersonAct act;
  act.set_step(step.id);
  act.set_act(step.gate.has_value() ? ACT_APPROVE : ACT_COMPLETE);
  act.set_by(NextPerson(engine, index, act.act()));
  if (act.by().empty()) return;
  if (step.gate.has_value() && traits_.reject && !std::exchange(rejected_, true)) {
    act.set_act(ACT_REJECT);
    act.set_reason("not tonight");
  }
  Post(std::move(act));
}

// Mostly they try again; what fails again and again is let pass, or the run is taken back.
void People::DecideHeld(uint32_t index) {
  const Engine& engine = newest_().engine();
  PersonAct act;
  act.set_by("operator");
  act.set_reason("it is held");
  act.set_step(engine.plan().steps[index].id);
  const double drawn = environment_.dice.Unit();
  act.set_act(drawn < 0.6 ? ACT_RETRY : drawn < 0.8 ? ACT_SKIP : ACT_ROLLBACK);
  if (act.act() == ACT_ROLLBACK && engine.past_no_return()) act.set_act(ACT_RETRY);
  Post(std::move(act));
}

void People::Post(PersonAct act) {
  environment_.trace.Note(act.by(), " decides: ", Act_Name(act.act()), " ", act.step(), " ",
                          act.reason());
  newest_().Act(std::move(act));
}

}  // namespace simulation
