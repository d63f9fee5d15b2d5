// The way forward: which steps begin, on which of their hosts, and how they ended.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "orchestrator/engine/engine.h"

namespace orchestrator {
namespace {

using namespace hamisha::orchestrator::v1;  // NOLINT(google-build-using-namespace): run states.

uint32_t NotSucceeded(const StepRun& step) {
  return step.apply.Count(HostState::kFailed) + step.apply.Count(HostState::kUnknown);
}

bool TooManyFailed(const PlannedStep& planned, const StepRun& step) {
  return size_t{NotSucceeded(step)} * 100 >
         size_t{planned.max_fail_percentage} * step.apply.hosts.size();
}

// Whether none of a wave's orders could even be written.
bool EndedAtOnce(const StepRun& step) {
  return step.begun == step.wave_end &&
         NotSucceeded(step) + step.apply.Count(HostState::kSucceeded) == step.begun;
}

}  // namespace

bool Engine::Held(uint32_t step) const {
  const StepState state = steps_[step].state;
  return (state == StepState::kFailed || state == StepState::kUnknown) &&
         OnFailureOf(step) == OnFailure::kHold;
}

OnFailure Engine::OnFailureOf(uint32_t step) const {
  const OnFailure planned = plan_->steps[step].on_failure;
  return past_no_return_ && planned == OnFailure::kRollback ? OnFailure::kHold : planned;
}

// Derives the step's state from its hosts'.
void Engine::JudgeStep(uint32_t index) {
  StepRun& step = steps_[index];
  if (!GoesForward() || !IsActive(step.state)) return;
  const bool too_many = TooManyFailed(plan_->steps[index], step);
  bool all_ended = NotSucceeded(step) + step.apply.Count(HostState::kSucceeded) == step.begun;
  if (all_ended && !too_many && step.begun < step.apply.hosts.size() && !stopping_) {
    all_ended = step.begun < step.wave_end && WaitsForNobody(index);  // Else comes the next wave.
    if (step.begun == step.wave_end && MayBegin()) {
      StartWave(index);
      if (EndedAtOnce(step)) return JudgeStep(index);
    }
  }
  // Going back does not wait for the other hosts.
  const bool hopeless = too_many && OnFailureOf(index) == OnFailure::kRollback;
  if (all_ended || hopeless) {
    const bool whole = !too_many && step.begun == step.apply.hosts.size();
    const bool unknown = step.apply.Count(HostState::kUnknown) > 0;
    Move(index, whole ? StepEvent::kSucceed : unknown ? StepEvent::kGiveUp : StepEvent::kFail);
    step.apply.ended = now_;
    MeetNeeds(index);
    if (step.state != StepState::kSucceeded) OnStepNotSucceeded(index);
    return;
  }
  StepState wanted = StepState::kRetryWait;
  StepEvent event = StepEvent::kWait;
  if (step.apply.Count(HostState::kProbing) > 0) {
    wanted = StepState::kProbing;
    event = StepEvent::kProbe;
  } else if (step.apply.Count(HostState::kSent) > 0) {
    wanted = StepState::kRunning;
    event = StepEvent::kResume;
  }
  if (step.state != wanted) Move(index, event);
}

// A held step of which something new is known: a late answer, or a person's word.
void Engine::JudgeAgain(uint32_t index) {
  StepRun& step = steps_[index];
  const bool news = step.state == StepState::kFailed || step.apply.Count(HostState::kUnknown) == 0;
  if (!GoesForward() || !Held(index) || !news) return;
  Move(index, StepEvent::kResume);
  step.apply.ended = absl::InfiniteFuture();
  JudgeStep(index);
}

void Engine::OnStepNotSucceeded(uint32_t index) {
  const std::string failure = DescribeFailure(*plan_, index, steps_[index]);
  switch (OnFailureOf(index)) {
    case OnFailure::kContinue:
    case OnFailure::kHold: return;
    case OnFailure::kStop:
      if (stopping_) return;
      stopping_ = true;
      reason_ = failure;
      refused_ = std::any_of(steps_[index].apply.hosts.begin(), steps_[index].apply.hosts.end(),
                             [](const HostRun& host) { return host.refused; });
      return;
    case OnFailure::kRollback:
      if (going_back_) return;
      going_back_ = true;
      reason_ = failure;
      return;
  }
  UNREACHABLE();
}

void Engine::Advance() {
  while (std::exchange(came_back_, false) && MayBegin()) {
    for (uint32_t index = 0; index < steps_.size(); ++index) {
      if (!plan_->steps[index].takes_out || !IsActive(steps_[index].state)) continue;
      BeginHosts(index);
      JudgeStep(index);
    }
  }
  if (going_back_ && state_ != RUN_STATE_ROLLING_BACK) BeginWayBack();
  while (GoesForward() && look_for_ready_) {
    look_for_ready_ = false;
    if (MayBegin()) StartReadySteps();
    if (!look_for_ready_) EndForwardWhenDone();
  }
  AdvanceGuards();
  if (going_back_ && state_ != RUN_STATE_ROLLING_BACK) BeginWayBack();
  if (state_ == RUN_STATE_ROLLING_BACK) AdvanceBack();
}

bool Engine::LetsPass(uint32_t index) const {
  const StepState state = steps_[index].state;
  if (state == StepState::kSucceeded || state == StepState::kPassed ||
      state == StepState::kSkipped) {
    return true;
  }
  return plan_->steps[index].on_failure == OnFailure::kContinue &&
         (state == StepState::kFailed || state == StepState::kUnknown);
}

void Engine::MeetNeeds(uint32_t index) {
  look_for_ready_ = true;
  if (LetsPass(index)) ready_.Met(index);
}

void Engine::StartReadySteps() {
  for (const uint32_t index : std::vector<uint32_t>(asking_.begin(), asking_.end())) {
    GoOnWhenAnswered(index);
  }
  for (const uint32_t index : ready_.Take()) {
    const PlannedStep& step = plan_->steps[index];
    if (!MayBegin()) return;  // What was to begin before it has failed at once.
    if (steps_[index].state != StepState::kPending) continue;  // A person skipped it.
    if (!window_open_ && !step.before_window) {
      before_the_window_.push_back(index);
    } else if (!WhenHolds(index)) {
      continue;
    } else if (AsksPeople(step)) {
      Ask(index);
    } else {
      Begin(index);
    }
  }
}

void Engine::Begin(uint32_t index) {
  StepRun& step = steps_[index];
  Move(index, StepEvent::kStart);
  step.number = ++started_steps_;
  if (step.apply.started == absl::InfiniteFuture()) step.apply.started = now_;
  past_no_return_ = past_no_return_ || plan_->steps[index].point_of_no_return;
  StartWave(index);
  if (EndedAtOnce(step)) JudgeStep(index);
  JudgeStep(index);  // Some orders cannot even be written.
}

void Engine::StartWave(uint32_t index) {
  StepRun& step = steps_[index];
  step.wave_end = static_cast<uint32_t>(step.apply.hosts.size());
  uint32_t end = 0;
  for (const uint32_t wave : plan_->steps[index].waves) {
    end += wave;
    if (end <= step.begun) continue;
    step.wave_end = end;
    break;
  }
  BeginHosts(index);
}

// As many of the wave as the floors of capacity let out of service now.
void Engine::BeginHosts(uint32_t index) {
  StepRun& step = steps_[index];
  const bool takes_out = plan_->steps[index].takes_out;
  while (step.begun < step.wave_end) {
    if (takes_out && !MayTakeOut(step.apply.hosts[step.begun].host)) return;
    SendApply({.step = index, .back = -1, .host = step.begun++});
  }
}

bool Engine::MayTakeOut(uint32_t host) const {
  if (out_.contains(host)) return true;
  return std::all_of(
      plan_->capacity.begin(), plan_->capacity.end(), [&](const CapacityFloor& floor) {
        const auto is_out = [&](uint32_t one) { return out_.contains(one); };
        const auto out = std::count_if(floor.hosts.begin(), floor.hosts.end(), is_out);
        const bool member =
            std::find(floor.hosts.begin(), floor.hosts.end(), host) != floor.hosts.end();
        const auto all = static_cast<int64_t>(floor.hosts.size());
        return !member || (all - out - 1) * 100 >= int64_t{floor.percentage} * all;
      });
}

// Whether its next hosts would wait for ever: what is out has failed, and nothing brings it back.
bool Engine::WaitsForNobody(uint32_t index) const {
  if (MayTakeOut(steps_[index].apply.hosts[steps_[index].begun].host)) return false;
  for (uint32_t step = 0; step < steps_.size(); ++step) {
    const ActionRun& run = steps_[step].apply;
    const bool under_way = run.Count(HostState::kSent) + run.Count(HostState::kProbing) +
                               run.Count(HostState::kRetryWait) >
                           0;
    if (plan_->steps[step].takes_out && (under_way || Held(step))) return false;
  }
  return true;
}

void Engine::EndForwardWhenDone() {
  if (active_steps_ > 0) return;
  if (stopping_) {
    bool changed = false;
    for (uint32_t index = 0; index < steps_.size(); ++index) {
      const StepState state = steps_[index].state;
      if (state == StepState::kPending || state == StepState::kAwaiting) {
        Move(index, StepEvent::kSkip);
      } else {
        changed = changed || (steps_[index].number > 0 && HasWayBack(plan_->steps[index]));
      }
    }
    return End(RUN_STATE_STOPPED, past_no_return_ ? absl::StrCat(reason_, ". What was done stays")
                                  : changed
                                      ? absl::StrCat(reason_, ". What was done stays. To go back: ",
                                                     "hamisha rollback ", run_)
                                      : absl::StrCat(reason_, ". Nothing had been changed"));
  }
  if (!asking_.empty() || paused_ || !before_the_window_.empty()) return;
  for (uint32_t index = 0; index < steps_.size(); ++index) {
    if (Held(index)) return;
  }
  INVARIANT(std::none_of(steps_.begin(), steps_.end(),
                         [](const StepRun& step) { return step.state == StepState::kPending; }));
  std::string explanation;
  for (uint32_t index = 0; index < steps_.size(); ++index) {
    const StepRun& step = steps_[index];
    const bool whole = step.state == StepState::kSucceeded && NotSucceeded(step) == 0;
    if (step.state == StepState::kSkipped || whole) continue;
    absl::StrAppend(&explanation, explanation.empty() ? "went on although " : "; ",
                    DescribeFailure(*plan_, index, step));
  }
  End(RUN_STATE_SUCCEEDED, std::move(explanation));
}

void Engine::End(RunState state, std::string explanation) {
  state_ = state;
  explanation_ = std::move(explanation);
  ended_ = now_;
  for (uint32_t index = 0; index < guards_.size(); ++index) StopLooking(index);
  effects_.push_back(RunEnded{state_, explanation_});
}

std::string DescribeFailure(const Plan& plan, uint32_t index, const StepRun& run) {
  const PlannedStep& step = plan.steps[index];
  if (!run.asked.message.empty()) {
    return absl::StrCat("step '", step.id, "' failed: ", run.asked.message);
  }
  std::string hosts;
  for (const HostRun& host : run.apply.hosts) {
    if (host.state != HostState::kFailed && host.state != HostState::kUnknown) continue;
    absl::StrAppend(&hosts, hosts.empty() ? "" : "; ", plan.hosts[host.host].name, ": ",
                    host.message.empty() ? "no reason given" : host.message);
  }
  if (run.begun < run.apply.hosts.size()) {
    absl::StrAppend(&hosts, hosts.empty() ? "" : "; ", "it never began on ",
                    run.apply.hosts.size() - run.begun, " further",
                    run.begun < run.wave_end ? ", which a floor of capacity keeps in service" : "");
  }
  const bool unknown = run.apply.Count(HostState::kUnknown) > 0;
  return absl::StrCat("step '", step.id, "' (", step.apply.action, ") ",
                      unknown ? "has an unknown outcome on " : "failed on ", hosts);
}

}  // namespace orchestrator
