#include "orchestrator/cli/report_people.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "orchestrator/approval/statement.h"
#include "orchestrator/cli/people_text.h"
#include "orchestrator/cli/text.h"

namespace orchestrator {

namespace v1 = hamisha::orchestrator::v1;
using nlohmann::json;

void AppendPeople(const v1::RunView& run, const RenderOptions& options, std::string* text) {
  if (run.acts().empty()) return;
  absl::StrAppend(text, "\npeople\n");
  for (const v1::PersonAct& act : run.acts()) {
    absl::StrAppend(text, "  ", FormatTimeOfDay(ToTime(act.time()), options.zone), "    ",
                    DeedOf(act), act.signature().empty() ? "" : " (signed)", "\n");
    if (!act.reason().empty()) {
      absl::StrAppend(text, "                  because: ", Printable(act.reason()), "\n");
    }
    if (!act.saw().empty()) {
      absl::StrAppend(text, "                  saw: ", Printable(act.saw()), "\n");
    }
  }
  const bool any_signed =
      std::any_of(run.acts().begin(), run.acts().end(),
                  [](const v1::PersonAct& act) { return !act.signature().empty(); });
  if (!any_signed) return;
  absl::StrAppend(text, "  to check the signatures with ssh-keygen: hamisha report ", run.run(),
                  " --approvals FOLDER | sh\n");
}

json ActsJson(const v1::RunView& run, const RenderOptions& options) {
  json acts = json::array();
  for (const v1::PersonAct& act : run.acts()) {
    json object = {{"time", ToRfc3339(ToTime(act.time()), options.zone)},
                   {"act", ActName(act.act())},
                   {"by", act.by()},
                   {"reason", act.reason()},
                   {"step", act.step()},
                   {"saw", act.saw()},
                   {"signed", !act.signature().empty()}};
    if (!act.delegate_to().empty()) object["delegate_to"] = act.delegate_to();
    if (act.act() == v1::ACT_RESOLVE) {
      object["host"] = act.host();
      const bool succeeded = act.outcome() == hamisha::agent::v1::OUTCOME_SUCCEEDED;
      object["outcome"] = succeeded ? "succeeded" : "failed";
    }
    if (!act.signature().empty()) {
      object["statement"] = act.statement();
      object["signature"] = act.signature();
    }
    acts.push_back(std::move(object));
  }
  return acts;
}

}  // namespace orchestrator
