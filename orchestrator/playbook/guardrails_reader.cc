// Reads guardrails, of steps and of the whole playbook.
#include <utility>

#include "absl/strings/str_cat.h"
#include "orchestrator/playbook/steps_reader.h"

namespace orchestrator {

std::vector<PlaybookGuardrail> StepsReader::ReadGuardrails(const Value& list,
                                                           const ObjectSpec& spec,
                                                           const StepsScope& scope) {
  std::vector<PlaybookGuardrail> guardrails;
  const std::vector<Value>* items = ReadList(list, "guardrails", problems_);
  if (items == nullptr) return guardrails;
  for (const Value& item : *items) {
    Fields fields(item, spec, problems_);
    if (!fields.is_map()) continue;
    PlaybookGuardrail guardrail;
    guardrail.place = item.place;
    if (const Value* name = fields.Get("name")) {
      guardrail.name = ReadName(*name, "name", problems_);
      if (guardrail.name.has_value()) {
        guardrail.name->text = absl::StrCat(scope.prefix, guardrail.name->text);
      }
    }
    guardrail.look = ReadCall(fields, item);
    ReadLimits(fields, spec, guardrail);
    if (spec.Find("steps") != nullptr) {
      if (const Value* steps = fields.Get("steps")) {
        guardrail.steps = ReadNames(*steps, "steps", false, problems_);
      }
    }
    fields.RefuseOthers();
    guardrails.push_back(std::move(guardrail));
  }
  return guardrails;
}

void StepsReader::ReadLimits(Fields& fields, const ObjectSpec& spec, PlaybookGuardrail& guardrail) {
  if (const Value* every = fields.Get("every")) {
    guardrail.every = ReadTimeout(*every, "every", problems_).value_or(absl::Seconds(1));
  }
  if (const Value* fact = fields.Get("fact")) {
    const auto name = ReadName(*fact, "fact", problems_);
    guardrail.fact = name.has_value() ? name->text : "";
  }
  const Value* above = fields.Get("above");
  const Value* below = fields.Get("below");
  if (above != nullptr) guardrail.above = ReadDecimal(*above, "above", problems_);
  if (below != nullptr) guardrail.below = ReadDecimal(*below, "below", problems_);
  if (above == nullptr && below == nullptr) {
    problems_.Add(guardrail.place, "guardrail has no limit: write 'above: …' or 'below: …'");
  }
  guardrail.after = ReadNumberOf(fields, spec, "after", 1);
  guardrail.then = "pause";
  if (const Value* then = fields.Get("then")) {
    guardrail.then = ReadWord(*then, *spec.Find("then"), problems_).value_or(guardrail.then);
  }
}

}  // namespace orchestrator
