#include "orchestrator/cli/people_text.h"

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "orchestrator/cli/render.h"
#include "orchestrator/cli/text.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;

// How an act is told before and after it; the step's and other names follow.
struct Words {
  v1::Act act;
  const char* intent;
  const char* deed;
};
constexpr auto kWords = std::to_array<Words>({
    {v1::ACT_APPROVE, "approve gate", "approved gate"},
    {v1::ACT_REJECT, "reject gate", "rejected gate"},
    {v1::ACT_DELEGATE, "delegate gate", "delegated gate"},
    {v1::ACT_PAUSE, "pause the run", "paused the run"},
    {v1::ACT_RESUME, "resume the run", "resumed the run"},
    {v1::ACT_RETRY, "retry step", "retried step"},
    {v1::ACT_SKIP, "skip step", "skipped step"},
    {v1::ACT_RESOLVE, "resolve step", "resolved step"},
    {v1::ACT_ABORT, "abort the run", "aborted the run"},
    {v1::ACT_ROLLBACK, "take the run back", "took the run back"},
    {v1::ACT_COMPLETE, "let the point of no return begin,", "let the point of no return begin,"},
    {v1::ACT_OVERRIDE, "override the window", "overrode the window"},
});

std::string Told(const v1::PersonAct& act, const char* Words::*words) {
  const auto found = std::find_if(kWords.begin(), kWords.end(),
                                  [&](const Words& one) { return one.act == act.act(); });
  std::string text = found == kWords.end() ? "do what this version does not know" : (*found).*words;
  if (!act.step().empty()) absl::StrAppend(&text, " '", Printable(act.step()), "'");
  if (!act.delegate_to().empty()) absl::StrAppend(&text, " to ", Printable(act.delegate_to()));
  if (act.act() == v1::ACT_RESOLVE) {
    const bool succeeded = act.outcome() == hamisha::agent::v1::OUTCOME_SUCCEEDED;
    absl::StrAppend(&text, " on ", Printable(act.host()), " as ",
                    succeeded ? "succeeded" : "failed");
  }
  return text;
}

std::string MissingText(const v1::Asked& asked) {
  std::vector<std::string> parts;
  if (asked.people_missing() > 0) {
    parts.push_back(absl::StrCat(asked.people_missing(), " more ",
                                 asked.people_missing() == 1 ? "person" : "people"));
  }
  if (asked.roles_missing_size() > 0) {
    parts.push_back(absl::StrCat(asked.roles_missing_size() == 1 ? "the role " : "the roles ",
                                 absl::StrJoin(asked.roles_missing(), ", ")));
  }
  const bool many =
      parts.size() > 1 || asked.people_missing() > 1 || asked.roles_missing_size() > 1;
  return parts.empty()
             ? "nothing is missing"
             : absl::StrCat(absl::StrJoin(parts, " and "), many ? " are" : " is", " missing");
}

// "approved by asha, ben"; delegations one by one.
std::vector<std::string> ActsText(const v1::Asked& asked) {
  std::vector<std::string> said;
  for (const v1::Act act : {v1::ACT_APPROVE, v1::ACT_COMPLETE}) {
    std::vector<std::string> people;
    for (const v1::PersonAct& one : asked.acts()) {
      if (one.act() == act) people.push_back(Printable(one.by()));
    }
    if (people.empty()) continue;
    said.push_back(
        absl::StrCat(act == v1::ACT_APPROVE ? "approved by " : "completed by ", JoinNames(people)));
  }
  for (const v1::PersonAct& one : asked.acts()) {
    if (one.act() != v1::ACT_DELEGATE) continue;
    said.push_back(
        absl::StrCat(Printable(one.by()), " delegated to ", Printable(one.delegate_to())));
  }
  return said;
}

// "awaiting go, stop": the steps in one of the states.
void AddSteps(const v1::RunView& run, const std::set<absl::string_view>& states,
              absl::string_view word, std::vector<std::string>& parts) {
  std::vector<std::string> steps;
  for (const v1::StepView& step : run.steps()) {
    if (states.contains(step.state())) {
      steps.push_back(step.back() ? absl::StrCat("the way back of ", step.undoes()) : step.id());
    }
  }
  if (!steps.empty()) parts.push_back(absl::StrCat(word, " ", JoinNames(steps)));
}

}  // namespace

bool WaitsForPeople(const v1::RunView& run) {
  return !HasEnded(run) &&
         std::any_of(run.steps().begin(), run.steps().end(),
                     [](const auto& step) { return !step.back() && step.state() == "awaiting"; });
}

std::string AskedText(const v1::StepView& step, absl::Time now) {
  if (!step.has_asked() || step.state() != "awaiting") return "";
  const v1::Asked& asked = step.asked();
  std::vector<std::string> parts = {absl::StrCat(
      asked.roles_size() == 0 ? std::string("a point of no return")
                              : absl::StrCat("asks ", absl::StrJoin(asked.roles(), ", ")),
      ": ", MissingText(asked))};
  if (asked.has_deadline() && now != absl::InfinitePast()) {
    const absl::Duration left = ToTime(asked.deadline()) - now;
    parts.push_back(absl::StrCat(HumanDuration(std::max(left, absl::ZeroDuration())), " left"));
  }
  for (std::string& said : ActsText(asked)) parts.push_back(std::move(said));
  return Printable(absl::StrJoin(parts, "; "));
}

std::string IntentOf(const v1::PersonAct& act) { return Told(act, &Words::intent); }

std::string DeedOf(const v1::PersonAct& act) {
  return absl::StrCat(Printable(act.by()), " ", Told(act, &Words::deed));
}

std::string SawText(const v1::RunView& run, absl::Time now) {
  int done = 0;
  int steps = 0;
  for (const v1::StepView& step : run.steps()) {
    if (step.back()) continue;
    ++steps;
    if (step.state() == "succeeded" || step.state() == "skipped" || step.state() == "passed")
      ++done;
  }
  std::vector<std::string> parts = {
      absl::StrCat(absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", now, absl::UTCTimeZone()), " ",
                   RunStateName(run.state()), run.paused() ? ", paused" : "", ", ", done, " of ",
                   steps, " steps done")};
  AddSteps(run, {"awaiting"}, "awaiting", parts);
  AddSteps(run, {"running", "probing", "retry_wait", "settling", "undoing"}, "running", parts);
  AddSteps(run, {"failed", "undo_failed"}, "failed", parts);
  AddSteps(run, {"unknown"}, "unknown", parts);
  if (!run.explanation().empty()) parts.push_back(Cut(Printable(run.explanation()), 300));
  parts.push_back(
      absl::StrCat("journal ", run.journal_entries(), " entries, sha256 ", run.journal_hash()));
  return absl::StrJoin(parts, "; ");
}

}  // namespace orchestrator
