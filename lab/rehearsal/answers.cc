#include "lab/rehearsal/answers.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"

namespace lab {
namespace {

namespace api = hamisha::orchestrator::v1;

constexpr char kNobodyIsHere[] = "a rehearsal has nobody who could decide";

template <typename List>
bool HoldsOneOf(const api::PersonView& person, const List& roles) {
  return std::any_of(roles.begin(), roles.end(), [&](const std::string& role) {
    return std::find(person.roles().begin(), person.roles().end(), role) != person.roles().end();
  });
}

bool HasAnswered(const api::Asked& asked, const std::string& person) {
  return std::any_of(asked.acts().begin(), asked.acts().end(),
                     [&](const api::PersonAct& act) { return act.by() == person; });
}

api::PersonAct ActOf(api::Act what, const std::string& by, const std::string& step) {
  api::PersonAct act;
  act.set_act(what);
  act.set_by(by);
  act.set_step(step);
  act.set_saw("what the lab sees: nobody looks on");
  return act;
}

absl::StatusOr<api::PersonAct> AnswerTo(const api::RunView& run, const api::StepView& step) {
  const api::Asked& asked = step.asked();
  const bool gate = asked.roles_size() > 0;
  for (const api::PersonView& person : run.people()) {
    if (HasAnswered(asked, person.name())) continue;
    if (!gate) return ActOf(api::ACT_COMPLETE, person.name(), step.id());
    if (person.name() == run.author() || person.name() == run.submitted_by()) continue;
    const bool wanted = asked.roles_missing_size() > 0 ? HoldsOneOf(person, asked.roles_missing())
                                                       : HoldsOneOf(person, asked.roles());
    if (wanted) return ActOf(api::ACT_APPROVE, person.name(), step.id());
  }
  if (!gate && run.people().empty()) return ActOf(api::ACT_COMPLETE, "hamisha", step.id());
  return absl::FailedPreconditionError(absl::StrCat(
      "step '", step.id(), "' asks for ", absl::StrJoin(asked.roles(), ", "),
      " and none of the lab's people is left who could answer: add some to the lab file, as in "
      "'people: [{name: asha, roles: [ops]}]'"));
}

}  // namespace

absl::StatusOr<std::optional<api::PersonAct>> NextAnswer(const api::RunView& run, bool abort_held) {
  if (run.state() != api::RUN_STATE_RUNNING) return std::nullopt;
  for (const api::StepView& step : run.steps()) {
    if (!step.back() && step.state() == "awaiting") {
      ASSIGN_OR_RETURN(api::PersonAct act, AnswerTo(run, step));
      return act;
    }
  }
  for (const api::StepView& step : run.steps()) {
    if (!step.held()) continue;
    const bool abort = abort_held || run.past_no_return();
    api::PersonAct act = ActOf(abort ? api::ACT_ABORT : api::ACT_ROLLBACK,
                               run.people().empty() ? "hamisha" : run.people(0).name(), "");
    act.set_reason(absl::StrCat("'", step.id(), "' is held, and ", kNobodyIsHere));
    return act;
  }
  return std::nullopt;
}

}  // namespace lab
