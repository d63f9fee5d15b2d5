// What people are asked, and what they decide.
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/invariant.h"
#include "orchestrator/engine/engine.h"

namespace orchestrator {
namespace {

using namespace hamisha::agent::v1;         // NOLINT(google-build-using-namespace): outcomes.
using namespace hamisha::orchestrator::v1;  // NOLINT(google-build-using-namespace): acts.

constexpr uint32_t kProbesMax = 3;  // For an unknown outcome that a person asks about again.
constexpr uint32_t kFourEyes = 2;

// When an act is taken at all. `step`: it is about one.
struct ActRule {
  Act act;
  const char* name;
  bool ended;  // Also once the run has ended. While it goes back none is.
  bool step;
  bool reason;
};
constexpr auto kActRules = std::to_array<ActRule>({
    {ACT_APPROVE, "approve", false, true, false},
    {ACT_REJECT, "reject", false, true, true},
    {ACT_DELEGATE, "delegate", false, true, true},
    {ACT_PAUSE, "pause", false, false, true},
    {ACT_RESUME, "resume", false, false, false},
    {ACT_RETRY, "retry", false, true, true},
    {ACT_SKIP, "skip", false, true, true},
    {ACT_RESOLVE, "resolve", false, true, true},
    {ACT_ABORT, "abort", false, false, true},
    {ACT_ROLLBACK, "rollback", true, false, false},
    {ACT_COMPLETE, "complete", false, true, false},
    {ACT_OVERRIDE, "override", false, false, true},
});

const ActRule* FindRule(Act act) {
  const auto found = std::find_if(kActRules.begin(), kActRules.end(),
                                  [&](const ActRule& rule) { return rule.act == act; });
  return found == kActRules.end() ? nullptr : &*found;
}

absl::Status Refuse(const std::string& why) { return absl::FailedPreconditionError(why); }

}  // namespace

bool Engine::overridden() const {
  std::set<std::string> people;
  for (const PersonAct& act : acts_) {
    if (act.act() == ACT_OVERRIDE) people.insert(act.by());
  }
  return people.size() >= kFourEyes;
}

// The step that an act names; `complete` finds the one that waits for it.
std::optional<uint32_t> Engine::StepOf(const PersonAct& act) const {
  for (uint32_t index = 0; index < steps_.size(); ++index) {
    if (plan_->steps[index].id == act.step()) return index;
    const bool completes = act.act() == ACT_COMPLETE && act.step().empty();
    if (completes && plan_->steps[index].point_of_no_return &&
        steps_[index].state == StepState::kAwaiting) {
      return index;
    }
  }
  return std::nullopt;
}

absl::Status Engine::CheckAct(const PersonAct& act) const {
  const ActRule* rule = FindRule(act.act());
  if (rule == nullptr) return absl::InvalidArgumentError("this version knows no such act");
  if (act.by().empty()) return Refuse("say who decides: --as NAME");
  if (rule->reason && act.reason().empty()) {
    return Refuse(
        absl::StrCat("'", rule->name, "' needs a reason, for the journal: --reason TEXT"));
  }
  if (ended() && act.act() == ACT_ROLLBACK && state_ == RUN_STATE_ROLLED_BACK) {
    return Refuse(absl::StrCat("run ", run_, " went back already: there is nothing left to undo"));
  }
  if (ended() && !rule->ended) {
    return Refuse(absl::StrCat("run ", run_, " has ended: there is nothing to ", rule->name));
  }
  if (!ended() && !GoesForward()) {
    return Refuse(
        absl::StrCat("run ", run_, " is going back already: watch it with `hamisha watch`"));
  }
  return rule->step ? CheckActOnStep(act) : CheckActOnRun(act);
}

absl::Status Engine::CheckActOnRun(const PersonAct& act) const {
  if (act.act() == ACT_ROLLBACK && past_no_return_) {
    return Refuse(absl::StrCat("run ", run_,
                               " is past its point of no return: there is no way back. ",
                               "Bring the former site back by a migration of its own"));
  }
  if (act.act() == ACT_PAUSE && paused_) {
    return Refuse(absl::StrCat("run ", run_, " is paused already"));
  }
  if (act.act() == ACT_RESUME && !paused_) {
    return Refuse(absl::StrCat("run ", run_, " is not paused"));
  }
  if (act.act() == ACT_OVERRIDE && plan_->FindPerson(act.by()) == nullptr) {
    return Refuse(absl::StrCat("'", act.by(), "' is not among the inventory's people: two of them ",
                               "override the window"));
  }
  return absl::OkStatus();
}

absl::Status Engine::CheckActOnStep(const PersonAct& act) const {
  const std::optional<uint32_t> index = StepOf(act);
  if (!index.has_value()) {
    return absl::NotFoundError(act.step().empty()
                                   ? std::string("no step waits for this: see `hamisha status`")
                                   : absl::StrCat("the plan has no step '", act.step(), "'"));
  }
  const StepState state = steps_[*index].state;
  if (act.act() == ACT_COMPLETE) return CheckComplete(*index, act);
  if (act.act() == ACT_RESOLVE) return CheckResolve(*index, act);
  if (act.act() == ACT_RETRY) {
    if (Held(*index)) return absl::OkStatus();
    return Refuse(absl::StrCat(Standing(*index), ": only a failed or unknown step whose ",
                               "on_failure is hold can be retried"));
  }
  if (act.act() == ACT_SKIP) {
    if (state == StepState::kPending || state == StepState::kAwaiting || Held(*index)) {
      return absl::OkStatus();
    }
    return Refuse(absl::StrCat(Standing(*index), ": only what has not begun, or is held, can be ",
                               "skipped"));
  }
  return CheckGate(*index, act);
}

std::string Engine::Standing(uint32_t index) const {
  return absl::StrCat("step '", plan_->steps[index].id, "' is ", ToString(steps_[index].state));
}

absl::Status Engine::CheckGate(uint32_t index, const PersonAct& act) const {
  const PlannedStep& step = plan_->steps[index];
  if (!step.gate.has_value()) return Refuse(absl::StrCat("step '", step.id, "' is no gate"));
  if (steps_[index].state != StepState::kAwaiting) {
    return Refuse(absl::StrCat(Standing(index), ", not awaiting: there is nothing to decide now"));
  }
  const std::string& approver = act.act() == ACT_DELEGATE ? act.delegate_to() : act.by();
  const bool wrote = approver == plan_->author;
  if (act.act() != ACT_REJECT && (wrote || approver == submitted_by_)) {
    return Refuse(absl::StrCat(approver, wrote ? " is the playbook's author" : " started this run",
                               ": somebody else must approve gate '", step.id, "'"));
  }
  return CheckGateAct(*plan_, step, steps_[index].asked, act);
}

absl::Status Engine::CheckComplete(uint32_t index, const PersonAct& act) const {
  const PlannedStep& step = plan_->steps[index];
  if (!step.point_of_no_return || steps_[index].state != StepState::kAwaiting) {
    return Refuse(
        absl::StrCat(Standing(index), ": only a point of no return that waits can be completed"));
  }
  if (!plan_->people.empty() && plan_->FindPerson(act.by()) == nullptr) {
    return Refuse(absl::StrCat("'", act.by(), "' is not among the inventory's people: two of them ",
                               "let step '", step.id, "' begin"));
  }
  if (PeopleWho(steps_[index].asked, ACT_COMPLETE).contains(act.by())) {
    return Refuse(absl::StrCat(act.by(), " has said so already: another person must, too"));
  }
  return absl::OkStatus();
}

absl::Status Engine::CheckResolve(uint32_t index, const PersonAct& act) const {
  if (act.outcome() != OUTCOME_SUCCEEDED && act.outcome() != OUTCOME_FAILED) {
    return Refuse("an outcome is resolved as succeeded or as failed: say which");
  }
  const std::vector<HostRun>& hosts = steps_[index].apply.hosts;
  const bool unknown = std::any_of(hosts.begin(), hosts.end(), [&](const HostRun& host) {
    return host.state == HostState::kUnknown && plan_->hosts[host.host].name == act.host();
  });
  if (unknown && Held(index)) return absl::OkStatus();
  return Refuse(
      absl::StrCat(Standing(index), ": nothing is unknown and held on host '", act.host(), "'"));
}

void Engine::OnAct(const PersonAct& act) {
  acts_.push_back(act);
  *acts_.back().mutable_time() =
      google::protobuf::util::TimeUtil::NanosecondsToTimestamp(absl::ToUnixNanos(now_));
  look_for_ready_ = true;
  if (const std::optional<uint32_t> index = StepOf(act); FindRule(act.act())->step) {
    return OnActOnStep(*index, act);
  }
  if (act.act() == ACT_PAUSE) Pause();
  if (act.act() == ACT_RESUME) EndPause();
  if (act.act() == ACT_ABORT) {
    stopping_ = true;
    reason_ = absl::StrCat(act.by(), " aborted it: ", act.reason());
    EndPause();
  }
  if (act.act() == ACT_ROLLBACK) {
    going_back_ = true;
    reason_ = absl::StrCat(act.by(), " asked for it");
    if (!act.reason().empty()) absl::StrAppend(&reason_, ": ", act.reason());
  }
}

void Engine::Pause() {
  paused_ = true;
  for (uint32_t index = 0; index < steps_.size(); ++index) {
    if (!IsActive(steps_[index].state)) continue;
    for (uint32_t host = 0; host < steps_[index].begun; ++host) {
      const Place place{.step = index, .back = -1, .host = host};
      if (HostAt(place).state != HostState::kRetryWait) continue;
      wakes_.Erase(place);
      put_off_.insert(place);
    }
  }
}

// What waited for it goes on: further attempts, and waves. (After an abort the waves end.)
void Engine::EndPause() {
  paused_ = false;
  for (const Place& place : std::exchange(put_off_, {})) WakeAt(place, absl::ZeroDuration());
  for (uint32_t index = 0; index < steps_.size(); ++index) JudgeStep(index);
}

void Engine::OnActOnStep(uint32_t index, const PersonAct& act) {
  if (act.act() == ACT_REJECT) {
    FailAsked(index, absl::StrCat(act.by(), " rejected it: ", act.reason()));
  } else if (act.act() == ACT_RETRY) {
    Retry(index);
  } else if (act.act() == ACT_SKIP) {
    EndAsking(index);
    Move(index, Held(index) ? StepEvent::kPass : StepEvent::kSkip);
    MeetNeeds(index);
  } else if (act.act() == ACT_RESOLVE) {
    Resolve(index, act);
  } else {
    steps_[index].asked.acts.push_back(act);
    ++steps_[index].changes;
  }
}

// What is not known is asked first: it may have happened.
void Engine::Retry(uint32_t index) {
  StepRun& step = steps_[index];
  if (step.apply.hosts.empty() || step.number == 0) return Ask(index);  // It never began.
  Move(index, StepEvent::kResume);
  step.apply.ended = absl::InfiniteFuture();
  for (uint32_t i = 0; i < step.begun; ++i) {
    HostRun& host = step.apply.hosts[i];
    const Place place{.step = index, .back = -1, .host = i};
    if (host.state == HostState::kFailed) {
      host.attempts_left = plan_->steps[index].retries;
      SendApply(place);
    } else if (host.state == HostState::kUnknown) {
      host.probes_left = kProbesMax;
      Move(place, HostEvent::kProbe);
      SendProbe(place);
    }
  }
  JudgeStep(index);
}

void Engine::Resolve(uint32_t index, const PersonAct& act) {
  for (uint32_t i = 0; i < steps_[index].begun; ++i) {
    const Place place{.step = index, .back = -1, .host = i};
    HostRun& host = HostAt(place);
    if (host.state != HostState::kUnknown || plan_->hosts[host.host].name != act.host()) continue;
    host.message = absl::StrCat(act.by(), " says so: ", act.reason());
    Move(place, act.outcome() == OUTCOME_SUCCEEDED ? HostEvent::kSucceed : HostEvent::kFail);
  }
  JudgeAgain(index);
}

void Engine::Ask(uint32_t index) {
  StepRun& step = steps_[index];
  Move(index, StepEvent::kAsk);
  step.apply.started = now_;
  step.apply.ended = absl::InfiniteFuture();
  step.asked = {};
  asking_.insert(index);
  AskUntil(index);
}

void Engine::AskUntil(uint32_t index) {
  const std::optional<Gate>& gate = plan_->steps[index].gate;
  if (!gate.has_value()) return;
  steps_[index].asked.deadline = now_ + gate->timeout;
  asked_until_.Set(index, steps_[index].asked.deadline);
}

// Nobody could answer while no orchestrator was there.
void Engine::RestartAsking() {
  for (const uint32_t index : asking_) {
    AskUntil(index);
    ++steps_[index].changes;
  }
}

void Engine::EndAsking(uint32_t index) {
  asking_.erase(index);
  asked_until_.Erase(index);
}

void Engine::GoOnWhenAnswered(uint32_t index) {
  StepRun& step = steps_[index];
  if (!MissingOf(*plan_, plan_->steps[index], step.asked).nothing()) return;
  if (!WhenHolds(index)) return;
  EndAsking(index);
  if (!step.apply.hosts.empty()) return Begin(index);
  Move(index, StepEvent::kSucceed);
  step.number = ++started_steps_;
  step.apply.ended = now_;
  MeetNeeds(index);
}

void Engine::FailAsked(uint32_t index, std::string message) {
  StepRun& step = steps_[index];
  if (message.empty()) {
    message = absl::StrCat("not approved in time: ",
                           DescribeMissing(MissingOf(*plan_, plan_->steps[index], step.asked)),
                           " was missing");
  }
  EndAsking(index);
  step.asked.message = std::move(message);
  Move(index, StepEvent::kFail);
  step.apply.ended = now_;
  MeetNeeds(index);
  OnStepNotSucceeded(index);
}

}  // namespace orchestrator
