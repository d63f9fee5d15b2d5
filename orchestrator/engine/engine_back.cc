// The way back: each step that was begun, in reverse order of start. First what is not known of it
// is settled (with a fence, so that it stays known), then its actions go one after the other.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "orchestrator/engine/engine.h"

namespace orchestrator {
namespace {

using namespace hamisha::agent::v1;  // NOLINT(google-build-using-namespace): outcomes and modes.
using namespace hamisha::orchestrator::v1;  // NOLINT(google-build-using-namespace): run states.

constexpr uint32_t kBackAttemptsMax = 3;
constexpr uint32_t kSettleProbesMax = 3;
constexpr absl::Duration kBackDelay = absl::Milliseconds(500);  // After an agent's failure.

}  // namespace

std::vector<BackAction> BackOf(const PlannedStep& step) {
  std::vector<BackAction> back;
  for (const PlannedAction& action : step.rollback) back.push_back({&action, MODE_BACK});
  if (back.empty() && step.own_undo) back.push_back({&step.apply, MODE_UNDO});
  return back;
}

bool HasWayBack(const PlannedStep& step) {
  return step.apply.mutates || step.own_undo || !step.rollback.empty();
}

// Nothing is awaited first: what is out is fenced when its step's turn comes.
void Engine::BeginWayBack() {
  state_ = RUN_STATE_ROLLING_BACK;
  explanation_ = absl::StrCat("going back: ", reason_);
  paused_ = false;
  ended_ = absl::InfiniteFuture();
  stopping_ = false;
  book_.GiveUpAll();
  wakes_.Clear();
  put_off_.clear();
  asking_.clear();
  asked_until_.Clear();
  for (uint32_t index = 0; index < guards_.size(); ++index) StopLooking(index);
  UndoAgainBehindFailed();
  back_order_.erase(
      std::remove_if(back_order_.begin(), back_order_.end(),
                     [&](uint32_t step) { return steps_[step].state != StepState::kUndone; }),
      back_order_.end());
  back_at_ = back_order_.size();
  for (uint32_t index = 0; index < steps_.size(); ++index) {
    StepRun& step = steps_[index];
    for (uint32_t host = 0; host < step.apply.hosts.size(); ++host) {
      const bool waits = step.apply.hosts[host].state == HostState::kRetryWait;
      if (waits) Move({.step = index, .back = -1, .host = host}, HostEvent::kFail);
    }
    const bool nothing_to_undo = !HasWayBack(plan_->steps[index]);
    if (step.state == StepState::kPending || step.state == StepState::kAwaiting ||
        (IsActive(step.state) && nothing_to_undo)) {
      if (step.state != StepState::kPending) step.apply.ended = now_;
      Move(index, StepEvent::kSkip);
    } else if (MayNeedUndo(step.state) && step.begun > 0 && !nothing_to_undo) {
      PlanBack(index);
    }
  }
  std::sort(back_order_.begin() + static_cast<std::ptrdiff_t>(back_at_), back_order_.end(),
            [&](uint32_t a, uint32_t b) { return steps_[a].number > steps_[b].number; });
}

// Of an earlier way back, what was undone behind a step that was not is undone once more: the undo
// of that step may do again what theirs have taken back (to undo a release is to hold writes).
void Engine::UndoAgainBehindFailed() {
  bool behind = false;
  for (const uint32_t index : back_order_) {
    if (steps_[index].state == StepState::kUndoFailed) behind = true;
    if (behind && steps_[index].state == StepState::kUndone) Move(index, StepEvent::kUndoFail);
  }
}

// Attempts are counted on from an earlier way back: their keys are taken.
void Engine::PlanBack(uint32_t index) {
  StepRun& step = steps_[index];
  back_order_.push_back(index);
  step.back_at = 0;
  const std::vector<BackAction> actions = BackOf(plan_->steps[index]);
  std::vector<ActionRun> fresh;
  for (size_t i = 0; i < actions.size(); ++i) {
    fresh.push_back(NewActionRun(*actions[i].action));
    for (size_t host = 0; host < fresh[i].hosts.size(); ++host) {
      HostRun& run = fresh[i].hosts[host];
      run.attempts_left = kBackAttemptsMax;
      if (i < step.back.size()) run.attempt = step.back[i].hosts[host].attempt;
    }
  }
  step.back = std::move(fresh);
  ++step.changes;
}

void Engine::AdvanceBack() {
  while (back_at_ < back_order_.size()) {
    if (!AdvanceUndo(back_order_[back_at_])) return;
    ++back_at_;
  }
  EndWayBack();
}

bool Engine::AdvanceUndo(uint32_t index) {
  StepRun& step = steps_[index];
  if (MayNeedUndo(step.state)) Settle(index);
  if (step.state == StepState::kSettling) {
    if (step.apply.Count(HostState::kProbing) > 0) return false;
    Move(index, StepEvent::kUndo);
    StartBackAction(index);
  }
  while (step.back_at < step.back.size()) {
    ActionRun& action = step.back[step.back_at];
    if (!action.AllFinal()) return false;
    action.ended = now_;
    ++step.back_at;
    StartBackAction(index);
  }
  const bool undone = std::all_of(step.back.begin(), step.back.end(), [](const ActionRun& action) {
    return action.AllIn(HostState::kSucceeded);
  });
  Move(index, undone ? StepEvent::kUndoSucceed : StepEvent::kUndoFail);
  return true;
}

// Asks about every outcome that is not known, so that certificates are in hand before the undo. A
// host that was asked in vain before is asked once more only.
void Engine::Settle(uint32_t index) {
  StepRun& step = steps_[index];
  Move(index, StepEvent::kSettle);
  if (step.apply.ended == absl::InfiniteFuture()) step.apply.ended = now_;
  for (uint32_t i = 0; i < step.apply.hosts.size(); ++i) {
    HostRun& host = step.apply.hosts[i];
    if (!IsUncertain(host.state)) continue;
    host.probes_left = host.state == HostState::kUnknown ? 1 : kSettleProbesMax;
    const Place place = {.step = index, .back = -1, .host = i};
    Move(place, HostEvent::kProbe);
    SendProbe(place);
  }
}

void Engine::StartBackAction(uint32_t index) {
  StepRun& step = steps_[index];
  if (step.back_at >= step.back.size()) return;
  ActionRun& action = step.back[step.back_at];
  action.started = now_;
  for (uint32_t host = 0; host < action.hosts.size(); ++host) {
    SendBack({.step = index, .back = static_cast<int32_t>(step.back_at), .host = host});
  }
}

// The way back goes on past what does not succeed: certificates keep that safe.
void Engine::OnBackAnswer(const Place& place, const Answer& answer) {
  HostRun& host = HostAt(place);
  if (answer.outcome == OUTCOME_SUCCEEDED) return Move(place, HostEvent::kSucceed);
  if (host.attempts_left == 0) {
    return Move(place, answer.outcome == OUTCOME_FAILED ? HostEvent::kFail : HostEvent::kGiveUp);
  }
  Move(place, HostEvent::kWait);
  if (answer.timed_out) return SendBack(place);
  WakeAt(place, kBackDelay);
}

void Engine::EndWayBack() {
  going_back_ = false;
  std::string left;
  for (const uint32_t index : back_order_) {
    const StepRun& step = steps_[index];
    if (step.state != StepState::kUndoFailed) continue;
    const std::vector<BackAction> actions = BackOf(plan_->steps[index]);
    for (size_t i = 0; i < step.back.size(); ++i) {
      for (const HostRun& host : step.back[i].hosts) {
        if (host.state == HostState::kSucceeded) continue;
        absl::StrAppend(&left, left.empty() ? "" : "; ", actions[i].action->action, " on ",
                        plan_->hosts[host.host].name, " (to undo '", plan_->steps[index].id,
                        "'): ", host.message);
      }
    }
  }
  if (left.empty()) return End(RUN_STATE_ROLLED_BACK, absl::StrCat("went back: ", reason_));
  End(RUN_STATE_UNKNOWN,
      absl::StrCat("went back: ", reason_, ". The way back did not end clearly: ", left,
                   ". When these hosts can be reached again: hamisha rollback ", run_));
}

}  // namespace orchestrator
