#include "orchestrator/forecast/run_position.h"

#include <algorithm>

namespace orchestrator {
namespace {

using State = StepPosition::State;

bool LetsPass(const Engine& engine, uint32_t step, StepState state) {
  return engine.OnFailureOf(step) == OnFailure::kContinue &&
         (state == StepState::kFailed || state == StepState::kUnknown);
}

// On the way forward.
StepPosition Forward(const Engine& engine, uint32_t index) {
  const PlannedStep& planned = engine.plan().steps[index];
  const StepRun& run = engine.steps()[index];
  StepPosition at;
  const bool over = run.state == StepState::kSucceeded || run.state == StepState::kSkipped ||
                    LetsPass(engine, index, run.state);
  const bool asked = run.state == StepState::kAwaiting && planned.gate.has_value();
  if (over) {
    at.state = State::kOver;
  } else if (asked) {
    at.state = State::kUnderWay;
    at.begun = run.asked.deadline - planned.gate->timeout;
  } else if (IsActive(run.state)) {
    at.state = State::kUnderWay;
    at.begun = run.apply.started;
  }
  return at;
}

void AddUndo(const Engine& engine, uint32_t index, StepPosition& at) {
  const StepRun& run = engine.steps()[index];
  const bool settles = run.state == StepState::kSettling || run.state == StepState::kUndoing;
  at.to_undo = (MayNeedUndo(run.state) || settles) && HasWayBack(engine.plan().steps[index]);
  at.uncertain = at.to_undo && run.state != StepState::kUndoing &&
                 std::any_of(run.apply.hosts.begin(), run.apply.hosts.end(),
                             [](const HostRun& host) { return IsUncertain(host.state); });
  if (run.state != StepState::kUndoing || run.back_at >= run.back.size()) return;
  at.back_done = run.back_at;
  at.back_begun = run.back[run.back_at].started;
}

}  // namespace

RunPosition PositionOf(const Engine& engine) {
  RunPosition position;
  position.going_back = engine.state() == RunState::RUN_STATE_ROLLING_BACK;
  position.past_no_return = engine.past_no_return();
  position.window = engine.window();
  for (uint32_t index = 0; index < engine.steps().size(); ++index) {
    StepPosition at;
    at.state = State::kOver;
    if (!position.going_back) at = Forward(engine, index);
    AddUndo(engine, index, at);
    position.steps.push_back(at);
  }
  return position;
}

RunPosition BeforeBegin(const Plan& plan, const std::optional<Window>& window,
                        bool before_window_over) {
  RunPosition position;
  position.window = window;
  for (const PlannedStep& step : plan.steps) {
    StepPosition at;
    if (step.before_window && before_window_over) {
      at.state = State::kOver;
      at.to_undo = HasWayBack(step);
    }
    position.steps.push_back(at);
  }
  return position;
}

}  // namespace orchestrator
