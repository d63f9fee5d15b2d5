// Which runs may start, and the one that comes beside the newest: a preflight.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "orchestrator/control/admission.h"
#include "orchestrator/control/control.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;

absl::Status CheckChangesNothing(const Plan& plan) {
  for (const PlannedStep& step : plan.steps) {
    if (!step.apply.mutates && step.rollback.empty()) continue;
    return absl::InvalidArgumentError(absl::StrCat("a preflight changes nothing, but its step '",
                                                   step.id, "' (", step.apply.action,
                                                   ") would: leave it out"));
  }
  return absl::OkStatus();
}

const PlannedStep* FindStep(const Plan& plan, const std::string& id) {
  const auto found = std::find_if(plan.steps.begin(), plan.steps.end(),
                                  [&](const PlannedStep& step) { return step.id == id; });
  return found == plan.steps.end() ? nullptr : &*found;
}

absl::Status CheckGoBackAfter(const RunCreated& created, const Plan& plan) {
  if (created.go_back_after.empty()) return absl::OkStatus();
  if (created.kind != v1::RUN_KIND_REHEARSAL) {
    return absl::InvalidArgumentError("only a rehearsal goes back by itself after a step");
  }
  if (FindStep(plan, created.go_back_after) != nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the playbook has no step '", created.go_back_after, "' to go back after"));
}

}  // namespace

absl::Status Control::CheckMayStart(const RunCreated& created, const Plan& plan,
                                    const Coverage& tried) const {
  RETURN_IF_ERROR(CheckGoBackAfter(created, plan));
  if (created.kind == v1::RUN_KIND_PREFLIGHT) RETURN_IF_ERROR(CheckChangesNothing(plan));
  if (run_ != nullptr && !run_->ended()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "run ", run_->created().run, " goes on: wait for its end, or roll it back first"));
  }
  if (created.kind == v1::RUN_KIND_PREFLIGHT) return absl::OkStatus();
  const Engine* const newest = run_ == nullptr ? nullptr : &run_->engine();
  if (created.kind == v1::RUN_KIND_REHEARSAL) {
    // Only the newest run can go back: nothing may come in front of one that has to.
    const std::string leftover = LeftoverOf(newest);
    return leftover.empty() ? absl::OkStatus() : absl::FailedPreconditionError(leftover);
  }
  const std::vector<AgentInfo> agents = fleet_.Agents();
  return CheckMayGoLive({.plan = plan, .newest = newest, .agents = agents, .tried = tried});
}

void Control::GoBackWhenAsked() {
  if (run_ == nullptr || run_->created().go_back_after.empty()) return;
  const Engine& engine = run_->engine();
  const bool goes_forward =
      engine.state() == v1::RUN_STATE_RUNNING || engine.state() == v1::RUN_STATE_SUCCEEDED;
  if (!goes_forward) return;
  const std::string& step = run_->created().go_back_after;
  const auto index =
      static_cast<size_t>(FindStep(engine.plan(), step) - engine.plan().steps.data());
  if (engine.steps()[index].state != StepState::kSucceeded) return;
  v1::PersonAct act;
  act.set_act(v1::ACT_ROLLBACK);
  const std::string& by = run_->created().submitted_by;
  act.set_by(by.empty() ? "the rehearsal" : by);
  act.set_reason(absl::StrCat("the way back is rehearsed, from step '", step, "' on"));
  if (const absl::Status status = Apply(PersonActed{act}); !status.ok()) {
    options_.log(std::string(status.message()));
  }
}

// Who decides about the run before it, or begins another, does not wait: it changes nothing, and
// may be asked for again. Its journal stays without an end.
absl::Status Control::GiveUpPreflight() {
  if (run_ == nullptr || !IsPreflight(*run_)) return absl::OkStatus();
  RETURN_IF_ERROR(run_->Commit());
  options_.log(absl::StrCat("gives ", run_->created().run, " up: something else was asked for"));
  run_ = std::move(before_preflight_);
  changed_ = true;
  return absl::OkStatus();
}

// Only the newest run can be decided about: that is again the one before.
void Control::EndPreflight() {
  if (run_ == nullptr || !IsPreflight(*run_) || !run_->ended()) return;
  run_ = std::move(before_preflight_);
  changed_ = true;
}

absl::StatusOr<v1::CoverageView> Control::GetCoverage(const v1::CoverageRequest& request) {
  v1::CoverageView view;
  view.set_playbook_digest(request.playbook_digest());
  Coverage coverage;
  for (const std::string& run : request.runs()) {
    ASSIGN_OR_RETURN(const v1::RunView of_run, Get(run));
    if (view.playbook_digest().empty()) view.set_playbook_digest(of_run.playbook_digest());
    if (of_run.playbook_digest() != view.playbook_digest()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "run ", run, " is of another playbook: what different playbooks tried does not add up"));
    }
    ASSIGN_OR_RETURN(const std::unique_ptr<LiveRun> live, store_.LoadToView(of_run.run()));
    AddCoverage(CoverageOf(live->engine()), coverage);
    view.add_runs(of_run.run());
  }
  if (request.runs().empty()) {
    if (view.playbook_digest().empty()) {
      ASSIGN_OR_RETURN(const v1::RunView newest, Get(""));
      view.set_playbook_digest(newest.playbook_digest());
    }
    ASSIGN_OR_RETURN(RunStore::Rehearsed rehearsed, store_.RehearsalsOf(view.playbook_digest()));
    coverage = std::move(rehearsed.coverage);
    view.mutable_runs()->Assign(rehearsed.runs.begin(), rehearsed.runs.end());
  }
  view.mutable_steps()->Assign(coverage.begin(), coverage.end());
  return view;
}

}  // namespace orchestrator
