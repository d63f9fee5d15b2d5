// The way forward: which steps begin, on which of their hosts, and how they ended.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "orchestrator/engine/engine.h"

namespace orchestrator {
namespace {

using namespace hamisha::orchestrator::v1;  // NOLINT(google-build-using-namespace): run states.

size_t Count(const StepRun& step, HostState state) {
  return static_cast<size_t>(
      std::count_if(step.apply.hosts.begin(), step.apply.hosts.end(),
                    [&](const HostRun& host) { return host.state == state; }));
}

bool TooManyFailed(const PlannedStep& planned, const StepRun& step) {
  const size_t failed = Count(step, HostState::kFailed) + Count(step, HostState::kUnknown);
  return failed * 100 > size_t{planned.max_fail_percentage} * step.apply.hosts.size();
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
  const auto ended = [](const HostRun& host) { return IsFinal(host.state); };
  bool all_ended =
      std::all_of(step.apply.hosts.begin(), step.apply.hosts.begin() + step.begun, ended);
  if (all_ended && !too_many && step.begun < step.apply.hosts.size() && !stopping_) {
    all_ended = false;  // The next wave.
    if (MayBegin()) StartWave(index);
  }
  // Going back does not wait for the other hosts.
  const bool hopeless = too_many && OnFailureOf(index) == OnFailure::kRollback;
  if (all_ended || hopeless) {
    const bool whole = !too_many && step.begun == step.apply.hosts.size();
    const bool unknown = Count(step, HostState::kUnknown) > 0;
    Move(index, whole ? StepEvent::kSucceed : unknown ? StepEvent::kGiveUp : StepEvent::kFail);
    step.apply.ended = now_;
    look_for_ready_ = true;
    if (step.state != StepState::kSucceeded) OnStepNotSucceeded(index);
    return;
  }
  StepState wanted = StepState::kRetryWait;
  StepEvent event = StepEvent::kWait;
  if (Count(step, HostState::kProbing) > 0) {
    wanted = StepState::kProbing;
    event = StepEvent::kProbe;
  } else if (Count(step, HostState::kSent) > 0) {
    wanted = StepState::kRunning;
    event = StepEvent::kResume;
  }
  if (step.state != wanted) Move(index, event);
}

// A held step of which something new is known: a late answer, or a person's word.
void Engine::JudgeAgain(uint32_t index) {
  StepRun& step = steps_[index];
  const bool news = step.state == StepState::kFailed || Count(step, HostState::kUnknown) == 0;
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

bool Engine::IsReady(const PlannedStep& step) const {
  if (!window_open_ && !step.before_window) return false;
  return std::all_of(step.needs.begin(), step.needs.end(), [&](uint32_t need) {
    const StepState state = steps_[need].state;
    const bool let_pass = plan_->steps[need].on_failure == OnFailure::kContinue &&
                          (state == StepState::kFailed || state == StepState::kUnknown);
    return state == StepState::kSucceeded || state == StepState::kPassed ||
           state == StepState::kSkipped || let_pass;
  });
}

void Engine::StartReadySteps() {
  for (uint32_t index = 0; index < steps_.size(); ++index) {
    const PlannedStep& planned = plan_->steps[index];
    if (steps_[index].state == StepState::kAwaiting) GoOnWhenAnswered(index);
    if (steps_[index].state != StepState::kPending || !IsReady(planned)) continue;
    if (AsksPeople(planned)) {
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
}

void Engine::StartWave(uint32_t index) {
  StepRun& step = steps_[index];
  const uint32_t first = step.begun;
  step.begun = static_cast<uint32_t>(step.apply.hosts.size());
  uint32_t end = 0;
  for (const uint32_t wave : plan_->steps[index].waves) {
    end += wave;
    if (end <= first) continue;
    step.begun = end;
    break;
  }
  for (uint32_t host = first; host < step.begun; ++host) {
    SendApply({.step = index, .back = -1, .host = host});
  }
}

void Engine::EndForwardWhenDone() {
  const auto any = [&](auto predicate) {
    return std::any_of(steps_.begin(), steps_.end(),
                       [&](const StepRun& step) { return predicate(step.state); });
  };
  if (any(IsActive)) return;
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
  const auto waits = [](StepState state) {
    return state == StepState::kPending || state == StepState::kAwaiting;
  };
  for (uint32_t index = 0; index < steps_.size(); ++index) {
    if (Held(index)) return;
  }
  if (paused_ || !window_open_ || any([](StepState s) { return s == StepState::kAwaiting; })) {
    if (any(waits)) return;
  }
  INVARIANT(!any(waits));
  std::string explanation;
  for (uint32_t index = 0; index < steps_.size(); ++index) {
    const StepRun& step = steps_[index];
    const bool some = Count(step, HostState::kFailed) + Count(step, HostState::kUnknown) > 0;
    if (step.state == StepState::kSkipped || (step.state == StepState::kSucceeded && !some))
      continue;
    absl::StrAppend(&explanation, explanation.empty() ? "went on although " : "; ",
                    DescribeFailure(*plan_, index, step));
  }
  End(RUN_STATE_SUCCEEDED, std::move(explanation));
}

}  // namespace orchestrator
