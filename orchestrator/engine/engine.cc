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
    : plan_(std::move(plan)), run_(std::move(run)), steps_(plan_->steps.size()), ready_(*plan_) {
  for (uint32_t index = 0; index < steps_.size(); ++index) {
    const PlannedStep& step = plan_->steps[index];
    INVARIANT(!step.apply.hosts.empty() || step.gate.has_value());
    steps_[index].apply = NewActionRun(step.apply);
    for (HostRun& host : steps_[index].apply.hosts) {
      host.attempts_left = step.retries;
      host.resends_left = kResendsMax;
    }
  }
  for (const Guardrail& guardrail : plan_->guardrails) {
    INVARIANT(!guardrail.look.mutates && guardrail.every > absl::ZeroDuration());
    GuardRun& guard = guards_.emplace_back();
    guard.look = NewActionRun(guardrail.look);
    guard.beyond.resize(guard.look.hosts.size());
  }
}

absl::StatusOr<std::vector<Effect>> Engine::Apply(const Event& event) {
  if (absl::Status status = CheckAccepts(event); !status.ok()) return status;
  now_ = event.time;
  effects_.clear();

  if (const auto* started = std::get_if<Started>(&event.what)) {
    state_ = RUN_STATE_RUNNING;
    started_ = now_;
    submitted_by_ = started->submitted_by;
    window_ = started->window;
    window_open_ = !window_.has_value() || window_->start <= now_;
    look_for_ready_ = true;
  } else if (std::holds_alternative<TermStarted>(event.what)) {
    book_.RestartDeadlines(now_);
    RestartAsking();
  } else if (std::holds_alternative<Tick>(event.what)) {
    OnTick();
  } else if (const auto* ended = std::get_if<OrderEnded>(&event.what)) {
    OnResult(ended->result);
  } else if (const auto* acted = std::get_if<PersonActed>(&event.what)) {
    OnAct(acted->act);
  } else if (const auto* came = std::get_if<AbortTimeCame>(&event.what)) {
    going_back_ = true;
    reason_ = absl::StrCat("the latest safe abort time has come: ", came->forecast);
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
  if (const auto* acted = std::get_if<PersonActed>(&event.what)) return CheckAct(acted->act);
  if (std::holds_alternative<AbortTimeCame>(event.what)) return CheckAbortTime();
  return absl::OkStatus();
}

absl::Status Engine::CheckAbortTime() const {
  if (GoesForward() && !overridden() && !past_no_return_) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("run ", run_, " does not go back by itself: ",
                                                    !GoesForward() ? "it does not go forward"
                                                    : past_no_return_
                                                        ? "it is past its point of no return"
                                                        : "two people have overridden its window"));
}

absl::Time Engine::NextDeadline() const {
  const absl::Time next = std::min(book_.NextDeadline(), wakes_.Next());
  if (!GoesForward()) return next;
  absl::Time look = absl::InfiniteFuture();
  for (const GuardRun& guard : guards_) look = std::min(look, guard.due);
  return std::min({next, look, asked_until_.Next(), window_open_ ? next : window_->start});
}

std::vector<Order> Engine::OpenOrders() const {
  std::vector<Order> orders;
  for (const auto& [key, open] : book_.awaited()) orders.push_back(open.order);
  return orders;
}

std::vector<Order> Engine::OpenOrders(const std::string& host) const {
  std::vector<Order> orders;
  for (const OpenOrder* open : book_.AwaitedOf(host)) orders.push_back(open->order);
  return orders;
}

void Engine::OnTick() {
  for (const AnsweredOrder& due : book_.TakeDue(now_)) {
    HostAt(due.place).message = "no answer in time";
    Changed(due.place);
    OnAnswer(due.place, {.outcome = OUTCOME_UNKNOWN, .timed_out = true, .probe = due.probe});
  }
  for (const Place& place : wakes_.TakeDue(now_)) OnWake(place);
  if (!GoesForward()) return;
  for (const uint32_t index : asked_until_.TakeDue(now_)) {
    // One that has all it asked for only waits for the end of a pause.
    const bool answered = MissingOf(*plan_, plan_->steps[index], steps_[index].asked).nothing();
    if (!answered) FailAsked(index, "");
  }
  for (uint32_t index = 0; index < guards_.size(); ++index) {
    if (guards_[index].due <= now_) Look(index);
  }
  if (!window_open_ && window_->start <= now_) {
    window_open_ = true;
    for (const uint32_t index : before_the_window_) ready_.PutBack(index);
    before_the_window_.clear();
    look_for_ready_ = true;
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
    host.nothing_to_do = result.nothing_to_do();
    host.obstacles = {result.obstacles().begin(), result.obstacles().end()};
    for (const auto& [name, value] : result.facts()) host.facts[name] = value;
    Changed(order->place);
  }
  Outcome outcome = !contradiction.empty()      ? OUTCOME_FAILED
                    : IsKnown(result.outcome()) ? result.outcome()
                                                : OUTCOME_UNKNOWN;
  if (outcome == OUTCOME_SUCCEEDED && order->place.back == -1 && GoesForward()) {
    Facts facts;  // Of this attempt alone.
    for (const auto& [name, value] : result.facts()) facts[name] = value;
    const std::string lacks = UntilLacks(order->place.step, facts);
    if (!lacks.empty()) {
      outcome = OUTCOME_FAILED;
      host.message = absl::StrCat(lacks, "; ", result.message());
    }
  }
  if (order->awaited) {
    OnAnswer(order->place, {.outcome = outcome, .timed_out = false, .probe = order->probe});
  } else {
    OnLateAnswer(*order, outcome);
  }
}

void Engine::OnAnswer(const Place& place, const Answer& answer) {
  if (place.back == Place::kGuard) {
    OnGuardAnswer(place, answer);
  } else if (place.back >= 0) {
    OnBackAnswer(place, answer);
  } else {
    OnForwardAnswer(place, answer);
    JudgeStep(place.step);
  }
}

// Of a step's action, or of a probe after it: on the way forward, or while the step is settled.
void Engine::OnForwardAnswer(const Place& place, const Answer& answer) {
  if (answer.outcome == OUTCOME_SUCCEEDED) return Move(place, HostEvent::kSucceed);
  if (answer.outcome == OUTCOME_FAILED) return FailOrRetry(place, answer);
  OnUnknown(place, answer);
}

void Engine::FailOrRetry(const Place& place, const Answer& answer) {
  HostRun& host = HostAt(place);
  if (GoesForward() && answer.probe && host.resends_left > 0) {
    --host.resends_left;
    if (MayBegin() || stopping_) return SendApply(place);
    Move(place, HostEvent::kWait);
    WakeAt(place, absl::ZeroDuration());
  } else if (GoesForward() && !answer.probe && host.attempts_left > 0) {
    --host.attempts_left;
    Move(place, HostEvent::kWait);
    WakeAt(place, plan_->steps[place.step].delay);
  } else {
    Move(place, HostEvent::kFail);
  }
}

void Engine::OnUnknown(const Place& place, const Answer& answer) {
  HostRun& host = HostAt(place);
  if (!answer.probe) {
    Move(place, HostEvent::kProbe);
    host.probes_left = kProbesMax;
    return SendProbe(place);
  }
  // What changes nothing may simply be done again.
  const bool harmless = !ActionAt(place).mutates && !answer.timed_out;
  if (harmless && GoesForward()) return FailOrRetry(place, answer);
  if (host.probes_left == 0) return Move(place, HostEvent::kGiveUp);
  if (answer.timed_out) return SendProbe(place);
  WakeAt(place, kProbeDelay);
}

// An order that had been given up answers after all: a probe was sent meanwhile, or the run goes
// back. It counts when it is about the newest attempt and tells what is not known yet.
void Engine::OnLateAnswer(const AnsweredOrder& order, Outcome outcome) {
  if (order.place.back == Place::kGuard) return;
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
  book_.GiveUp(order.place, plan_->hosts[host.host].name);
  wakes_.Erase(order.place);
  put_off_.erase(order.place);
  if (forward) {
    OnForwardAnswer(order.place, {.outcome = outcome, .timed_out = false, .probe = true});
    JudgeStep(order.place.step);
  } else {
    Move(order.place, outcome == OUTCOME_SUCCEEDED ? HostEvent::kSucceed : HostEvent::kFail);
    JudgeAgain(order.place.step);
  }
}

bool Engine::GoesForward() const { return state_ == RUN_STATE_RUNNING && !going_back_; }

const PlannedAction& Engine::ActionAt(const Place& place) const {
  if (place.back == Place::kGuard) return plan_->guardrails[place.step].look;
  const PlannedStep& step = plan_->steps[place.step];
  if (place.back < 0) return step.apply;
  return *BackOf(step)[static_cast<size_t>(place.back)].action;
}

ActionRun& Engine::RunAt(const Place& place) {
  if (place.back == Place::kGuard) return guards_[place.step].look;
  StepRun& step = steps_[place.step];
  return place.back < 0 ? step.apply : step.back[static_cast<size_t>(place.back)];
}

void Engine::Move(uint32_t step, StepEvent event) {
  const std::optional<StepState> next = NextState(steps_[step].state, event);
  INVARIANT(next.has_value());
  active_steps_ -= IsActive(steps_[step].state) ? 1U : 0U;
  active_steps_ += IsActive(*next) ? 1U : 0U;
  steps_[step].state = *next;
  steps_moved_ = true;
  ++steps_[step].changes;
}

void Engine::Move(const Place& place, HostEvent event) {
  ActionRun& action = RunAt(place);
  HostState& state = action.hosts[place.host].state;
  const std::optional<HostState> next = NextState(state, event);
  INVARIANT(next.has_value());
  --action.hosts_in[static_cast<size_t>(state)];
  ++action.hosts_in[static_cast<size_t>(*next)];
  state = *next;
  Changed(place);
  const bool apply = place.back == -1 && plan_->steps[place.step].takes_out;
  if (apply && state == HostState::kSent) out_.insert(action.hosts[place.host].host);
  if (!apply || state != HostState::kSucceeded) return;
  out_.erase(action.hosts[place.host].host);
  came_back_ = true;
}

// For views.
void Engine::Changed(const Place& place) {
  if (place.back != Place::kGuard) ++steps_[place.step].changes;
}

void Engine::WakeAt(const Place& place, absl::Duration delay) {
  const bool attempt = place.back == -1 && HostAt(place).state == HostState::kRetryWait;
  if (paused_ && attempt) {
    put_off_.insert(place);
  } else {
    wakes_.Set(place, now_ + delay);
  }
}

}  // namespace orchestrator
