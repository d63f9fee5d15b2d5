#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "hamisha/agent/v1/agent.pb.h"
#include "hamisha/orchestrator/v1/orchestrator.pb.h"
#include "orchestrator/engine/asked.h"
#include "orchestrator/engine/certificates.h"
#include "orchestrator/engine/deadlines.h"
#include "orchestrator/engine/order_book.h"
#include "orchestrator/engine/ready_steps.h"
#include "orchestrator/engine/run.h"
#include "orchestrator/plan/plan.h"

namespace orchestrator {

using hamisha::orchestrator::v1::RunState;

// What happened. All that an engine knows comes from these, time included.
struct Started {
  std::string submitted_by = {};
  // The plan's window for a live run; for a rehearsal as long a one, from its start on.
  std::optional<Window> window = std::nullopt;
};
struct TermStarted {
};  // Another orchestrator process goes on: what is out, or asked, gets its full time again.
struct Tick {};  // NextDeadline() has come.
struct OrderEnded {
  hamisha::agent::v1::OrderResult result;
};
struct PersonActed {  // Whoever it says it was: signatures have been checked.
  hamisha::orchestrator::v1::PersonAct act;
};
struct AbortTimeCame {  // From now on going back does not fit into the window any more.
  absl::Time latest_safe_abort;
  std::string forecast;  // In words, for the explanation.
};
struct Event {
  absl::Time time;  // Never before that of the event before.
  std::variant<Started, TermStarted, Tick, OrderEnded, PersonActed, AbortTimeCame> what;
};

// What the engine wants done. It never does it: the caller writes the journal first, then acts.
struct SendOrder {
  hamisha::agent::v1::Order order;  // Complete but for the term, which is the sender's.
};
struct RunEnded {
  RunState state;
  std::string explanation;
};
using Effect = std::variant<SendOrder, RunEnded>;

// Drives one run of a plan, forward and back. A pure state machine: no clock, no threads, no I/O,
// so a journal replayed into a fresh engine gives the same state and the same effects.
//
// An order key names one order for ever: the engine never gives two orders one key. The step of a
// key is the step's id, "<id>/probe" or "<id>/back/<index>", and "#<attempt>" after it from the
// second attempt on, so that a fence against one attempt does not stop the next.
class Engine {
 public:
  Engine(std::shared_ptr<const Plan> plan, std::string run);

  // FAILED_PRECONDITION when the run's state does not accept the event (a result of an order that
  // is not open, a way back where there is none); the engine is then unchanged.
  absl::StatusOr<std::vector<Effect>> Apply(const Event& event);

  // When to send a Tick; InfiniteFuture when nothing is waited for.
  absl::Time NextDeadline() const;

  // Whether a result with this key would be new to the run.
  bool Expects(const hamisha::agent::v1::OrderKey& key) const { return book_.Expects(key); }

  // Where an order that may still be answered belongs.
  std::optional<Place> PlaceOf(const hamisha::agent::v1::OrderKey& key) const {
    return book_.PlaceOf(key);
  }

  // Orders without an answer that are still wanted: to be sent again when their host connects.
  std::vector<hamisha::agent::v1::Order> OpenOrders() const;
  std::vector<hamisha::agent::v1::Order> OpenOrders(const std::string& host) const;

  // For views.
  const Plan& plan() const { return *plan_; }
  const std::shared_ptr<const Plan>& shared_plan() const { return plan_; }
  const std::string& run() const { return run_; }
  RunState state() const { return state_; }  // UNSPECIFIED until started.
  bool ended() const { return ended_ != absl::InfiniteFuture(); }
  const std::string& explanation() const { return explanation_; }
  absl::Time started_time() const { return started_; }
  absl::Time ended_time() const { return ended_; }              // InfiniteFuture while it goes on.
  const std::vector<StepRun>& steps() const { return steps_; }  // As in the plan.
  // Steps of the way back, in its order; those that a second request leaves as they are come first.
  const std::vector<uint32_t>& back_order() const { return back_order_; }
  const Certificates& certificates() const { return certificates_; }
  bool mismatch() const { return mismatch_; }
  bool refused() const { return refused_; }  // The step that stopped the run says so.
  bool paused() const { return paused_; }
  bool overridden() const;
  const std::vector<GuardRun>& guards() const { return guards_; }  // As in the plan.
  bool past_no_return() const { return past_no_return_; }
  const std::string& submitted_by() const { return submitted_by_; }
  const std::optional<Window>& window() const { return window_; }  // The one in force.
  const std::vector<hamisha::orchestrator::v1::PersonAct>& acts() const { return acts_; }
  // Whether people decide about the step: it failed or is unknown, and its on_failure is hold.
  bool Held(uint32_t step) const;
  // After the point of no return nothing goes back by itself.
  OnFailure OnFailureOf(uint32_t step) const;

 private:
  struct Answer {  // A result, or the lack of one.
    hamisha::agent::v1::Outcome outcome = hamisha::agent::v1::OUTCOME_UNKNOWN;
    bool timed_out = false;
    bool probe = false;
  };

  // engine.cc: events and answers.
  absl::Status CheckAccepts(const Event& event) const;
  absl::Status CheckAbortTime() const;
  void OnTick();
  void OnResult(const hamisha::agent::v1::OrderResult& result);
  void OnAnswer(const Place& place, const Answer& answer);
  void OnForwardAnswer(const Place& place, const Answer& answer);
  void OnLateAnswer(const AnsweredOrder& order, hamisha::agent::v1::Outcome outcome);
  void OnWake(const Place& place);
  void OnUnknown(const Place& place, const Answer& answer);
  void FailOrRetry(const Place& place, const Answer& answer);

  // engine_forward.cc: the way forward.
  void Advance();
  void JudgeStep(uint32_t index);
  void JudgeAgain(uint32_t index);
  void OnStepNotSucceeded(uint32_t index);
  void StartReadySteps();
  bool LetsPass(uint32_t index) const;  // Those that need it may begin.
  void MeetNeeds(uint32_t index);
  void Begin(uint32_t index);
  void StartWave(uint32_t index);
  void BeginHosts(uint32_t index);
  bool MayTakeOut(uint32_t host) const;
  bool WaitsForNobody(uint32_t index) const;
  void EndForwardWhenDone();
  void End(RunState state, std::string explanation);
  bool MayBegin() const { return GoesForward() && !paused_ && !stopping_; }

  // engine_language.cc: what playbooks say about a run's findings.
  bool WhenHolds(uint32_t index);
  std::string UntilLacks(uint32_t index, const Facts& facts) const;
  bool BindOutputs(const Place& place);

  // engine_people.cc: what people are asked, and decide.
  absl::Status CheckAct(const hamisha::orchestrator::v1::PersonAct& act) const;
  absl::Status CheckActOnRun(const hamisha::orchestrator::v1::PersonAct& act) const;
  absl::Status CheckActOnStep(const hamisha::orchestrator::v1::PersonAct& act) const;
  absl::Status CheckGate(uint32_t index, const hamisha::orchestrator::v1::PersonAct& act) const;
  absl::Status CheckComplete(uint32_t index, const hamisha::orchestrator::v1::PersonAct& act) const;
  absl::Status CheckResolve(uint32_t index, const hamisha::orchestrator::v1::PersonAct& act) const;
  std::string Standing(uint32_t index) const;
  std::optional<uint32_t> StepOf(const hamisha::orchestrator::v1::PersonAct& act) const;
  void OnAct(const hamisha::orchestrator::v1::PersonAct& act);
  void OnActOnStep(uint32_t index, const hamisha::orchestrator::v1::PersonAct& act);
  void Pause();
  void EndPause();
  void Retry(uint32_t index);
  void Resolve(uint32_t index, const hamisha::orchestrator::v1::PersonAct& act);
  void Ask(uint32_t index);
  void AskUntil(uint32_t index);
  void RestartAsking();
  void GoOnWhenAnswered(uint32_t index);
  void EndAsking(uint32_t index);
  void FailAsked(uint32_t index, std::string message);

  // engine_guards.cc: guardrails.
  bool Watches(const Guardrail& guardrail) const;
  void AdvanceGuards();
  void Look(uint32_t index);
  void StopLooking(uint32_t index);
  void OnGuardAnswer(const Place& place, const Answer& answer);
  bool IsBeyond(const Guardrail& guardrail, HostRun& host) const;
  void Trip(uint32_t index, const HostRun& host);

  // engine_back.cc: the way back.
  void BeginWayBack();
  void UndoAgainBehindFailed();
  void PlanBack(uint32_t index);
  void AdvanceBack();
  bool AdvanceUndo(uint32_t index);  // Whether the step's way back has ended.
  void Settle(uint32_t index);
  void StartBackAction(uint32_t index);
  void OnBackAnswer(const Place& place, const Answer& answer);
  void EndWayBack();

  // engine_orders.cc: what is sent.
  void SendApply(const Place& place);
  void SendProbe(const Place& place);
  void SendBack(const Place& place);
  void SendLook(const Place& place);
  void Send(const Place& place, hamisha::agent::v1::Order order, bool probe);
  hamisha::agent::v1::Order NewOrder(const HostRun& host, const PlannedAction& action) const;
  void AddHostFacts(hamisha::agent::v1::Order& order) const;
  ActionRun NewActionRun(const PlannedAction& action) const;

  const PlannedAction& ActionAt(const Place& place) const;
  ActionRun& RunAt(const Place& place);
  HostRun& HostAt(const Place& place) { return RunAt(place).hosts[place.host]; }
  void Move(uint32_t step, StepEvent event);
  void Move(const Place& place, HostEvent event);
  void Changed(const Place& place);
  void WakeAt(const Place& place, absl::Duration delay);
  bool GoesForward() const;

  const std::shared_ptr<const Plan> plan_;
  const std::string run_;

  RunState state_ = RunState::RUN_STATE_UNSPECIFIED;
  std::string explanation_;
  std::string reason_;  // Why it stops or goes back.
  std::string submitted_by_;
  std::optional<Window> window_;
  bool window_open_ = true;
  absl::Time started_ = absl::InfiniteFuture();
  absl::Time ended_ = absl::InfiniteFuture();
  std::vector<StepRun> steps_;
  std::vector<GuardRun> guards_;
  bool steps_moved_ = false;  // Since guardrails were asked whether they watch.
  std::set<uint32_t> out_;    // Hosts that steps have taken out of service.
  bool came_back_ = false;    // Some of them, since steps were asked who waits for that.
  uint32_t started_steps_ = 0;
  uint32_t active_steps_ = 0;
  ReadySteps ready_;
  bool look_for_ready_ = false;
  bool stopping_ = false;    // A step failed whose on_failure is stop: nothing new is started.
  bool going_back_ = false;  // A step failed whose on_failure is rollback, or somebody asked.
  std::vector<uint32_t> back_order_;
  size_t back_at_ = 0;  // Index into back_order_.
  bool mismatch_ = false;
  bool refused_ = false;
  bool paused_ = false;
  bool past_no_return_ = false;
  std::vector<hamisha::orchestrator::v1::PersonAct> acts_;
  std::set<uint32_t> asking_;                // Steps that await people.
  Deadlines<uint32_t> asked_until_;          // Likewise; those that do not wait for ever.
  std::vector<uint32_t> before_the_window_;  // Steps that are ready but for its begin.
  std::set<Place> put_off_;                  // Further attempts that wait for the end of a pause.
  std::map<std::string, hamisha::agent::v1::HostFacts> host_facts_;  // The newest of each host.
  Certificates certificates_;
  OrderBook book_;
  Deadlines<Place> wakes_;  // Next attempts that wait.

  // Of the event that is being applied.
  absl::Time now_;
  std::vector<Effect> effects_;
};

// "step 'seal' (ledger.seal) failed on source-0: the disk is full"
std::string DescribeFailure(const Plan& plan, uint32_t index, const StepRun& run);

}  // namespace orchestrator
