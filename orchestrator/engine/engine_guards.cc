// Guardrails: looks at hosts while steps go on, and what happens when one is beyond its limit.
#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "orchestrator/engine/engine.h"

namespace orchestrator {
namespace {

using namespace hamisha::agent::v1;  // NOLINT(google-build-using-namespace): outcomes.

bool HasBegun(StepState state) {
  return state != StepState::kPending && state != StepState::kSkipped;
}

bool GoesOn(StepState state) {
  return state == StepState::kPending || state == StepState::kAwaiting || IsActive(state);
}

}  // namespace

bool Engine::Watches(const Guardrail& guardrail) const {
  if (!GoesForward()) return false;
  if (guardrail.steps.empty()) return true;
  const auto any = [&](bool (*is)(StepState)) {
    return std::any_of(guardrail.steps.begin(), guardrail.steps.end(),
                       [&](uint32_t step) { return is(steps_[step].state); });
  };
  return any(HasBegun) && any(GoesOn);
}

// Which guardrails watch changes with the steps.
void Engine::AdvanceGuards() {
  if (guards_.empty() || !std::exchange(steps_moved_, false)) return;
  for (uint32_t index = 0; index < guards_.size(); ++index) {
    GuardRun& guard = guards_[index];
    const bool out = guard.look.Count(HostState::kSent) > 0;
    const bool looking = out || guard.due < absl::InfiniteFuture();
    const bool watches = Watches(plan_->guardrails[index]);
    if (watches && !looking) Look(index);
    if (!watches && looking) StopLooking(index);
  }
}

void Engine::Look(uint32_t index) {
  GuardRun& guard = guards_[index];
  ActionRun look = NewActionRun(plan_->guardrails[index].look);
  for (size_t host = 0; host < look.hosts.size(); ++host) {
    look.hosts[host].attempt = guard.look.hosts[host].attempt;
  }
  guard.look = std::move(look);
  guard.look.started = now_;
  guard.due = absl::InfiniteFuture();
  for (uint32_t host = 0; host < guard.look.hosts.size(); ++host) {
    SendLook({.step = index, .back = Place::kGuard, .host = host});
  }
}

void Engine::StopLooking(uint32_t index) {
  GuardRun& guard = guards_[index];
  guard.due = absl::InfiniteFuture();
  std::fill(guard.beyond.begin(), guard.beyond.end(), 0);
  for (uint32_t i = 0; i < guard.look.hosts.size(); ++i) {
    const Place place{.step = index, .back = Place::kGuard, .host = i};
    if (HostAt(place).state != HostState::kSent) continue;
    book_.GiveUp(place, plan_->hosts[HostAt(place).host].name);
    Move(place, HostEvent::kGiveUp);
  }
}

// A look that fails, or stays without an answer, is one beyond the limit: nobody knows better.
void Engine::OnGuardAnswer(const Place& place, const Answer& answer) {
  const Guardrail& guardrail = plan_->guardrails[place.step];
  GuardRun& guard = guards_[place.step];
  HostRun& host = HostAt(place);
  const bool seen = answer.outcome == OUTCOME_SUCCEEDED;
  const bool beyond = !seen || IsBeyond(guardrail, host);
  Move(place, seen ? HostEvent::kSucceed : HostEvent::kFail);
  guard.beyond[place.host] = beyond ? guard.beyond[place.host] + 1 : 0;
  if (guard.look.AllFinal()) guard.due = now_ + guardrail.every;
  if (guard.beyond[place.host] >= guardrail.after) Trip(place.step, host);
}

bool Engine::IsBeyond(const Guardrail& guardrail, HostRun& host) const {
  const auto fact = host.facts.find(guardrail.fact);
  double value = 0;
  if (fact == host.facts.end() || !absl::SimpleAtod(fact->second, &value)) {
    host.message = absl::StrCat("it does not say a number '", guardrail.fact, "'");
    return true;
  }
  const bool above = guardrail.above.has_value() && value > *guardrail.above;
  const bool below = guardrail.below.has_value() && value < *guardrail.below;
  if (above || below) {
    host.message =
        absl::StrCat(guardrail.fact, " is ", fact->second, above ? ", above " : ", below ",
                     above ? *guardrail.above : *guardrail.below);
  }
  return above || below;
}

void Engine::Trip(uint32_t index, const HostRun& host) {
  const Guardrail& guardrail = plan_->guardrails[index];
  GuardRun& guard = guards_[index];
  std::fill(guard.beyond.begin(), guard.beyond.end(), 0);
  guard.tripped = absl::StrCat(
      "guardrail '", guardrail.name, "' on ", plan_->hosts[host.host].name, ": ", host.message,
      guardrail.after > 1 ? absl::StrCat(", ", guardrail.after, " looks in a row") : "");
  if (guardrail.then == OnTrip::kRollback && !past_no_return_) {
    if (!going_back_) reason_ = guard.tripped;
    going_back_ = true;
  } else if (guardrail.then == OnTrip::kStop) {
    if (!stopping_) reason_ = guard.tripped;
    stopping_ = true;
    refused_ = true;
    look_for_ready_ = true;
    EndPause();
  } else if (!paused_) {
    Pause();
  }
}

}  // namespace orchestrator
