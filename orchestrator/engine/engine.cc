#include "orchestrator/engine/engine.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"

namespace orchestrator {
namespace {

using namespace hamisha::agent::v1;  // NOLINT(google-build-using-namespace): outcomes and modes.
using namespace hamisha::orchestrator::v1;  // NOLINT(google-build-using-namespace): run states.

constexpr uint32_t kProbesMax = 3;   // For one unknown outcome,
constexpr uint32_t kResendsMax = 5;  // and so many new attempts where a probe found nothing there.
constexpr absl::Duration kProbeDelay = absl::Seconds(2);  // After an agent that does not know.

bool IsKnown(Outcome outcome) { return outcome == OUTCOME_SUCCEEDED || outcome == OUTCOME_FAILED; }

}  // namespace

Engine::Engine(std::shared_ptr<const Plan> plan, std::string run)
    : plan_(std::move(plan)), run_(std::move(run)), steps_(plan_->steps.size()) {
  for (uint32_t index = 0; index < steps_.size(); ++index) {
    const PlannedStep& step = plan_->steps[index];
    for (const uint32_t need : step.needs) INVARIANT(need < index);
    steps_[index].apply = NewActionRun(step.apply);
    for (HostRun& host : steps_[index].apply.hosts) {
      host.attempts_left = step.retries;
      host.resends_left = kResendsMax;
    }
  }
}

absl::StatusOr<std::vector<Effect>> Engine::Apply(const Event& event) {
  if (absl::Status status = CheckAccepts(event); !status.ok()) return status;
  now_ = event.time;
  effects_.clear();

  if (std::holds_alternative<Started>(event.what)) {
    state_ = RUN_STATE_RUNNING;
    started_ = now_;
    look_for_ready_ = true;
  } else if (std::holds_alternative<TermStarted>(event.what)) {
    book_.RestartDeadlines(now_);
  } else if (std::holds_alternative<Tick>(event.what)) {
    OnTick();
  } else if (const auto* ended = std::get_if<OrderEnded>(&event.what)) {
    OnResult(ended->result);
  } else if (const auto* request = std::get_if<RollbackRequested>(&event.what)) {
    going_back_ = true;
    reason_ = absl::StrCat(request->requested_by, " asked for it");
    if (!request->reason.empty()) absl::StrAppend(&reason_, ": ", request->reason);
  }
  Advance();
  return std::exchange(effects_, {});
}

absl::Status Engine::CheckAccepts(const Event& event) const {
  if (std::holds_alternative<Started>(event.what)) {
    if (state_ == RUN_STATE_UNSPECIFIED) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat("run ", run_, " was started before"));
  }
  if (state_ == RUN_STATE_UNSPECIFIED) {
    return absl::FailedPreconditionError(absl::StrCat("run ", run_, " has not been started"));
  }
  if (const auto* ended = std::get_if<OrderEnded>(&event.what)) {
    if (book_.Expects(ended->result.key())) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat("run ", run_, " has no open order for step '",
                                                      ended->result.key().step(), "' on ",
                                                      ended->result.key().host()));
  }
  if (std::holds_alternative<RollbackRequested>(event.what)) {
    if (state_ == RUN_STATE_ROLLING_BACK || state_ == RUN_STATE_ROLLED_BACK) {
      return absl::FailedPreconditionError(absl::StrCat(
          "run ", run_,
          state_ == RUN_STATE_ROLLING_BACK ? " is going back already: watch it with `hamisha watch`"
                                           : " went back already: there is nothing left to undo"));
    }
  }
  return absl::OkStatus();
}

absl::Time Engine::NextDeadline() const {
  absl::Time next = book_.NextDeadline();
  for (const auto& [place, time] : wakes_) next = std::min(next, time);
  return next;
}

std::vector<Order> Engine::OpenOrders() const {
  std::vector<Order> orders;
  for (const auto& [key, open] : book_.awaited()) orders.push_back(open.order);
  return orders;
}

std::vector<Order> Engine::OpenOrders(const std::string& host) const {
  std::vector<Order> orders;
  for (const auto& [key, open] : book_.awaited()) {
    if (open.order.key().host() == host) orders.push_back(open.order);
  }
  return orders;
}

void Engine::OnTick() {
  for (const AnsweredOrder& due : book_.TakeDue(now_)) {
    HostAt(due.place).message = "no answer in time";
    OnAnswer(due.place, {.outcome = OUTCOME_UNKNOWN, .timed_out = true, .probe = due.probe});
  }
  std::vector<Place> due;
  for (const auto& [place, time] : wakes_) {
    if (time <= now_) due.push_back(place);
  }
  for (const Place& place : due) {
    if (wakes_.erase(place) > 0) OnWake(place);
  }
}

void Engine::OnWake(const Place& place) {
  if (place.back >= 0) {
    SendBack(place);
  } else if (HostAt(place).state == HostState::kProbing) {
    SendProbe(place);
  } else if (GoesForward()) {
    SendApply(place);
    JudgeStep(place.step);
  }
}

void Engine::OnResult(const OrderResult& result) {
  const std::optional<AnsweredOrder> order = book_.Answer(result.key());
  INVARIANT(order.has_value());  // CheckAccepts() asked.
  // Where both sides' certificates of a cutover meet: neither node can know what the other states.
  std::string contradiction;
  for (const auto& certificate : result.certificates()) {
    if (contradiction.empty()) contradiction = certificates_.Contradiction(certificate);
    certificates_.Add(certificate);
  }
  mismatch_ = mismatch_ || result.mismatch() || !contradiction.empty();
  if (result.has_host()) host_facts_[result.key().host()] = result.host();
  HostRun& host = HostAt(order->place);
  if (order->awaited || order->attempt == host.attempt) {
    host.message = contradiction.empty() ? result.message() : contradiction;
    host.refused = result.refused();
    for (const auto& [name, value] : result.facts()) host.facts[name] = value;
  }
  const Outcome outcome = !contradiction.empty()      ? OUTCOME_FAILED
                          : IsKnown(result.outcome()) ? result.outcome()
                                                      : OUTCOME_UNKNOWN;
  if (order->awaited) {
    OnAnswer(order->place, {.outcome = outcome, .timed_out = false, .probe = order->probe});
  } else {
    OnLateAnswer(*order, outcome);
  }
}

void Engine::OnAnswer(const Place& place, const Answer& answer) {
  if (place.back >= 0) {
    OnBackAnswer(place, answer);
  } else {
    OnForwardAnswer(place, answer);
    JudgeStep(place.step);
  }
}

// Of a step's action, or of a probe after it: on the way forward, or while the step is settled.
void Engine::OnForwardAnswer(const Place& place, const Answer& answer) {
  if (answer.outcome == OUTCOME_SUCCEEDED) return Move(HostAt(place), HostEvent::kSucceed);
  if (answer.outcome == OUTCOME_FAILED) return FailOrRetry(place, answer);
  OnUnknown(place, answer);
}

void Engine::FailOrRetry(const Place& place, const Answer& answer) {
  HostRun& host = HostAt(place);
  if (GoesForward() && answer.probe && host.resends_left > 0) {
    --host.resends_left;
    SendApply(place);
  } else if (GoesForward() && !answer.probe && host.attempts_left > 0) {
    --host.attempts_left;
    Move(host, HostEvent::kWait);
    WakeAt(place, plan_->steps[place.step].delay);
  } else {
    Move(host, HostEvent::kFail);
  }
}

void Engine::OnUnknown(const Place& place, const Answer& answer) {
  HostRun& host = HostAt(place);
  if (!answer.probe) {
    Move(host, HostEvent::kProbe);
    host.probes_left = kProbesMax;
    return SendProbe(place);
  }
  // What changes nothing may simply be done again.
  const bool harmless = !ActionAt(place).mutates && !answer.timed_out;
  if (harmless && GoesForward()) return FailOrRetry(place, answer);
  if (host.probes_left == 0) return Move(host, HostEvent::kGiveUp);
  if (answer.timed_out) return SendProbe(place);
  WakeAt(place, kProbeDelay);
}

// An order that had been given up answers after all: a probe was sent meanwhile, or the run goes
// back. It counts when it is about the newest attempt and tells what is not known yet.
void Engine::OnLateAnswer(const AnsweredOrder& order, Outcome outcome) {
  HostRun& host = HostAt(order.place);
  const StepState step = steps_[order.place.step].state;
  const bool undone =
      step == StepState::kUndoing || step == StepState::kUndone || step == StepState::kUndoFailed;
  if (order.place.back >= 0 || order.attempt != host.attempt || undone) return;
  if (!IsUncertain(host.state) || !IsKnown(outcome)) return;
  const bool forward = IsActive(step) && GoesForward();
  // "Failed" may only mean that the probe's fence came first: what the probe finds decides.
  if (forward && outcome == OUTCOME_FAILED && host.state == HostState::kProbing && !order.probe) {
    return;
  }
  book_.GiveUp(order.place);
  wakes_.erase(order.place);
  if (forward) {
    OnForwardAnswer(order.place, {.outcome = outcome, .timed_out = false, .probe = true});
    JudgeStep(order.place.step);
  } else {
    Move(host, outcome == OUTCOME_SUCCEEDED ? HostEvent::kSucceed : HostEvent::kFail);
  }
}

// Derives the step's state from its hosts'.
void Engine::JudgeStep(uint32_t index) {
  StepRun& step = steps_[index];
  if (!GoesForward() || !IsActive(step.state)) return;
  const auto count = [&](HostState state) {
    return std::count_if(step.apply.hosts.begin(), step.apply.hosts.end(),
                         [&](const HostRun& host) { return host.state == state; });
  };
  const bool failed = count(HostState::kFailed) > 0;
  const bool unknown = count(HostState::kUnknown) > 0;
  const bool all_final = std::all_of(step.apply.hosts.begin(), step.apply.hosts.end(),
                                     [](const HostRun& host) { return IsFinal(host.state); });
  // Going back does not wait for the other hosts.
  const bool hopeless =
      (failed || unknown) && plan_->steps[index].on_failure == OnFailure::kRollback;

  if (all_final || hopeless) {
    Move(index, unknown ? StepEvent::kGiveUp : failed ? StepEvent::kFail : StepEvent::kSucceed);
    step.apply.ended = now_;
    look_for_ready_ = true;
    if (step.state != StepState::kSucceeded) OnStepNotSucceeded(index);
    return;
  }
  StepState wanted = StepState::kRetryWait;
  StepEvent event = StepEvent::kWait;
  if (count(HostState::kProbing) > 0) {
    wanted = StepState::kProbing;
    event = StepEvent::kProbe;
  } else if (count(HostState::kSent) > 0) {
    wanted = StepState::kRunning;
    event = StepEvent::kResume;
  }
  if (step.state != wanted) Move(index, event);
}

void Engine::OnStepNotSucceeded(uint32_t index) {
  const std::string failure = DescribeFailure(*plan_, index, steps_[index]);
  switch (plan_->steps[index].on_failure) {
    case OnFailure::kContinue: return;
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
  if (going_back_ && state_ != RUN_STATE_ROLLING_BACK) BeginWayBack();
  if (GoesForward() && look_for_ready_) {
    look_for_ready_ = false;
    if (!stopping_) StartReadySteps();
    EndForwardWhenDone();
  }
  if (state_ == RUN_STATE_ROLLING_BACK) AdvanceBack();
}

bool Engine::IsReady(const PlannedStep& step) const {
  return std::all_of(step.needs.begin(), step.needs.end(), [&](uint32_t need) {
    const StepState state = steps_[need].state;
    const bool let_pass = plan_->steps[need].on_failure == OnFailure::kContinue &&
                          (state == StepState::kFailed || state == StepState::kUnknown);
    return state == StepState::kSucceeded || let_pass;
  });
}

void Engine::StartReadySteps() {
  for (uint32_t index = 0; index < steps_.size(); ++index) {
    StepRun& step = steps_[index];
    if (step.state != StepState::kPending || !IsReady(plan_->steps[index])) continue;
    Move(index, StepEvent::kStart);
    step.number = ++started_steps_;
    step.apply.started = now_;
    for (uint32_t host = 0; host < step.apply.hosts.size(); ++host) {
      SendApply({.step = index, .back = -1, .host = host});
    }
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
      if (steps_[index].state == StepState::kPending) {
        Move(index, StepEvent::kSkip);
      } else {
        changed = changed || HasWayBack(plan_->steps[index]);
      }
    }
    return End(RUN_STATE_STOPPED, changed
                                      ? absl::StrCat(reason_, ". What was done stays. To go back: ",
                                                     "hamisha rollback ", run_)
                                      : absl::StrCat(reason_, ". Nothing had been changed"));
  }
  INVARIANT(!any([](StepState state) { return state == StepState::kPending; }));
  std::string explanation;
  for (uint32_t index = 0; index < steps_.size(); ++index) {
    if (steps_[index].state == StepState::kSucceeded) continue;
    absl::StrAppend(&explanation, explanation.empty() ? "went on although " : "; ",
                    DescribeFailure(*plan_, index, steps_[index]));
  }
  End(RUN_STATE_SUCCEEDED, std::move(explanation));
}

void Engine::End(RunState state, std::string explanation) {
  state_ = state;
  explanation_ = std::move(explanation);
  ended_ = now_;
  effects_.push_back(RunEnded{state_, explanation_});
}

bool Engine::GoesForward() const { return state_ == RUN_STATE_RUNNING && !going_back_; }

const PlannedAction& Engine::ActionAt(const Place& place) const {
  const PlannedStep& step = plan_->steps[place.step];
  if (place.back < 0) return step.apply;
  return *BackOf(step)[static_cast<size_t>(place.back)].action;
}

ActionRun& Engine::RunAt(const Place& place) {
  StepRun& step = steps_[place.step];
  return place.back < 0 ? step.apply : step.back[static_cast<size_t>(place.back)];
}

void Engine::Move(uint32_t step, StepEvent event) {
  const std::optional<StepState> next = NextState(steps_[step].state, event);
  INVARIANT(next.has_value());
  steps_[step].state = *next;
}

void Engine::Move(HostRun& host, HostEvent event) {
  const std::optional<HostState> next = NextState(host.state, event);
  INVARIANT(next.has_value());
  host.state = *next;
}

void Engine::WakeAt(const Place& place, absl::Duration delay) { wakes_[place] = now_ + delay; }

}  // namespace orchestrator
