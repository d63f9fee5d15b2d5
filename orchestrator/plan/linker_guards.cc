// Guardrails and floors of capacity.
#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "orchestrator/plan/linker.h"
#include "orchestrator/playbook/suggest.h"

namespace orchestrator {
namespace {

OnTrip ToOnTrip(const std::string& word) {
  for (const OnTrip on_trip : {OnTrip::kStop, OnTrip::kRollback}) {
    if (ToString(on_trip) == word) return on_trip;
  }
  return OnTrip::kPause;
}

}  // namespace

// `steps`: while they go on; empty: the whole run.
void Linker::LinkGuardrail(const PlaybookGuardrail& written, std::vector<uint32_t> steps,
                           Plan& plan) {
  Guardrail guardrail;
  if (written.name.has_value()) {
    guardrail.name = written.name->text;
    for (const Guardrail& other : plan.guardrails) {
      if (other.name != guardrail.name) continue;
      problems_.Add(written.name->place,
                    absl::StrCat("duplicate guardrail '", guardrail.name, "': rename one"));
    }
  }
  guardrail.look = LinkCall(written.look, nullptr);
  if (guardrail.look.mutates) {
    problems_.Add(written.look.action->place,
                  absl::StrCat(guardrail.look.action,
                               " changes something: a guardrail only looks; "
                               "name an action that changes nothing"));
  }
  guardrail.steps = std::move(steps);
  guardrail.every = written.every;
  guardrail.fact = written.fact;
  guardrail.above = written.above;
  guardrail.below = written.below;
  guardrail.after = written.after;
  guardrail.then = ToOnTrip(written.then);
  plan.guardrails.push_back(std::move(guardrail));
}

// Ids of steps, and of includes, which mean all of their steps.
std::vector<uint32_t> Linker::StepsOf(const PlaybookGuardrail& written) {
  std::vector<uint32_t> indices;
  if (!written.steps.has_value()) return indices;
  std::vector<std::string> known;
  for (const auto& entry : index_by_id_) known.push_back(entry.first);
  for (const PlaybookInclude& include : playbook_.includes) known.push_back(include.id);
  for (const Located& name : *written.steps) {
    if (std::find(known.begin(), known.end(), name.text) == known.end()) {
      problems_.Add(name.place,
                    absl::StrCat("unknown step ", Quoted(name.text), Suggest(name.text, known)));
    }
    for (const auto& [id, index] : index_by_id_) {
      const bool within = id == name.text || absl::StartsWith(id, absl::StrCat(name.text, "."));
      if (within) indices.push_back(index);
    }
  }
  std::sort(indices.begin(), indices.end());
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
  return indices;
}

void Linker::LinkCapacity(Plan& plan) {
  for (const PlaybookFloor& written : playbook_.capacity) {
    plan.capacity.push_back({.group = written.group.text,
                             .hosts = ResolveHosts(std::vector<Located>{written.group}),
                             .percentage = written.percentage});
  }
}

}  // namespace orchestrator
