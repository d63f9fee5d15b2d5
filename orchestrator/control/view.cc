#include "orchestrator/control/view.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"

namespace orchestrator {
namespace {

using hamisha::orchestrator::v1::HostView;
using hamisha::orchestrator::v1::RunView;
using hamisha::orchestrator::v1::StepView;

void SetTime(absl::Time time, google::protobuf::Timestamp& timestamp) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

// `step` is what the keys of these orders begin with.
void AddHosts(const Plan& plan, const ActionRun& action, const std::string& step,
              const Progress& progress, StepView& view) {
  for (const HostRun& run : action.hosts) {
    HostView& host = *view.add_hosts();
    host.set_host(plan.hosts[run.host].name);
    host.set_state(std::string(ToString(run.state)));
    host.set_attempt(run.attempt);
    host.set_message(run.message);
    for (const auto& [name, value] : run.facts) (*host.mutable_facts())[name] = value;
    host.mutable_obstacles()->Assign(run.obstacles.begin(), run.obstacles.end());
    if (run.state != HostState::kSent) continue;
    const std::string name = run.attempt > 1 ? absl::StrCat(step, "#", run.attempt) : step;
    const auto newest = progress.find(ProgressKey(name, host.host()));
    if (newest == progress.end()) continue;
    host.set_state("running");
    host.set_message(newest->second);
  }
}

void SetTimes(const ActionRun& action, StepView& view) {
  if (action.started < absl::InfiniteFuture()) SetTime(action.started, *view.mutable_started());
  if (action.ended < absl::InfiniteFuture()) SetTime(action.ended, *view.mutable_ended());
}

// A gate, or a point of no return.
void AddAsked(const Engine& engine, uint32_t index, StepView& view) {
  const PlannedStep& planned = engine.plan().steps[index];
  const StepRun& run = engine.steps()[index];
  if (!AsksPeople(planned)) return;
  hamisha::orchestrator::v1::Asked& asked = *view.mutable_asked();
  if (planned.gate.has_value()) {
    for (const std::string& role : planned.gate->roles) asked.add_roles(role);
    asked.set_quorum(planned.gate->quorum);
  }
  for (const auto& act : run.asked.acts) *asked.add_acts() = act;
  if (run.state == StepState::kAwaiting && run.asked.deadline < absl::InfiniteFuture()) {
    SetTime(run.asked.deadline, *asked.mutable_deadline());
  }
  if (run.state != StepState::kAwaiting) return;
  const Missing missing = MissingOf(engine.plan(), planned, run.asked);
  for (const std::string& role : missing.roles) asked.add_roles_missing(role);
  asked.set_people_missing(missing.people);
}

StepState StateOfBack(const ActionRun& action) {
  if (action.started == absl::InfiniteFuture()) return StepState::kPending;
  if (action.ended == absl::InfiniteFuture()) return StepState::kUndoing;
  const bool undone =
      std::all_of(action.hosts.begin(), action.hosts.end(),
                  [](const HostRun& host) { return host.state == HostState::kSucceeded; });
  return undone ? StepState::kUndone : StepState::kUndoFailed;
}

std::shared_ptr<const StepPiece> PieceOf(const Engine& engine, uint32_t index,
                                         const Progress& progress) {
  const PlannedStep& planned = engine.plan().steps[index];
  const StepRun& run = engine.steps()[index];
  auto piece = std::make_shared<StepPiece>();
  piece->step.set_id(planned.id);
  piece->step.set_phase(planned.phase);
  piece->step.set_action(planned.apply.action);
  piece->step.set_state(std::string(ToString(run.state)));
  piece->step.set_held(engine.Held(index));
  AddAsked(engine, index, piece->step);
  SetTimes(run.apply, piece->step);
  AddHosts(engine.plan(), run.apply, planned.id, progress, piece->step);
  if (run.back.empty()) return piece;
  const std::vector<BackAction> actions = BackOf(planned);
  for (size_t i = 0; i < run.back.size(); ++i) {
    StepView& step = piece->back.emplace_back();
    step.set_id(absl::StrCat(planned.id, "/back/", i));
    step.set_phase(planned.phase);
    step.set_action(actions[i].action->action);
    step.set_state(std::string(ToString(StateOfBack(run.back[i]))));
    step.set_back(true);
    step.set_undoes(planned.id);
    SetTimes(run.back[i], step);
    AddHosts(engine.plan(), run.back[i], step.id(), progress, step);
  }
  return piece;
}

void AddGuards(const Engine& engine, RunView& view) {
  for (size_t i = 0; i < engine.guards().size(); ++i) {
    const Guardrail& planned = engine.plan().guardrails[i];
    const GuardRun& guard = engine.guards()[i];
    hamisha::orchestrator::v1::GuardrailView& shown = *view.add_guardrails();
    shown.set_name(planned.name);
    shown.set_watching(guard.due < absl::InfiniteFuture() ||
                       guard.look.Count(HostState::kSent) > 0);
    shown.set_tripped(guard.tripped);
    for (const HostRun& run : guard.look.hosts) {
      const auto fact = run.facts.find(planned.fact);
      HostView& host = *shown.add_hosts();
      host.set_host(engine.plan().hosts[run.host].name);
      host.set_message(run.message);
      if (fact != run.facts.end()) (*host.mutable_facts())[planned.fact] = fact->second;
    }
  }
}

RunView HeadOf(const Engine& engine) {
  const Plan& plan = engine.plan();
  RunView view;
  view.set_run(engine.run());
  view.set_plan(plan.name);
  view.set_plan_digest(base::ToHex(plan.digest));
  view.set_state(engine.state());
  view.set_explanation(engine.explanation());
  view.set_mismatch(engine.mismatch());
  view.set_refused(engine.refused());
  view.set_paused(engine.paused());
  view.set_overridden(engine.overridden());
  view.set_past_no_return(engine.past_no_return());
  if (engine.window().has_value()) {
    SetTime(engine.window()->start, *view.mutable_window_start());
    SetTime(engine.window()->end, *view.mutable_window_end());
  }
  for (const auto& act : engine.acts()) *view.add_acts() = act;
  AddGuards(engine, view);
  if (engine.started_time() < absl::InfiniteFuture()) {
    SetTime(engine.started_time(), *view.mutable_started());
  }
  if (engine.ended()) SetTime(engine.ended_time(), *view.mutable_ended());
  for (const auto& certificate : engine.certificates().All()) {
    *view.add_certificates() = certificate;
  }
  return view;
}

}  // namespace

std::string ProgressKey(const std::string& step, const std::string& host) {
  return absl::StrCat(step, "\n", host);
}

RunView Assemble(const RunSnapshot& snapshot) {
  RunView view = snapshot.head;
  for (const auto& piece : snapshot.steps) *view.add_steps() = piece->step;
  for (const auto& [index, nonce] : snapshot.nonces) {
    view.mutable_steps(static_cast<int>(index))->set_nonce(nonce);
  }
  for (const uint32_t index : snapshot.back_order) {
    for (const StepView& step : snapshot.steps[index]->back) *view.add_steps() = step;
  }
  return view;
}

RunSnapshot SnapshotTaker::Take(const Engine& engine, const Progress& progress) {
  steps_.resize(engine.steps().size());
  RunSnapshot snapshot{.head = HeadOf(engine), .steps = {}, .back_order = engine.back_order()};
  snapshot.steps.reserve(steps_.size());
  for (uint32_t index = 0; index < steps_.size(); ++index) {
    Known& known = steps_[index];
    const uint64_t changes = engine.steps()[index].changes;
    if (known.piece == nullptr || std::exchange(known.changes, changes) != changes) {
      known = {.changes = changes, .piece = PieceOf(engine, index, progress)};
    }
    snapshot.steps.push_back(known.piece);
  }
  return snapshot;
}

void SnapshotTaker::Touch(uint32_t step) {
  if (step < steps_.size()) steps_[step].piece = nullptr;
}

}  // namespace orchestrator
