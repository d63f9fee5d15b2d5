#include "orchestrator/plan/step_names.h"

#include <algorithm>
#include <bit>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "orchestrator/playbook/suggest.h"

namespace orchestrator {
namespace {

constexpr uint32_t kWordBits = 64;

}  // namespace

void EndedBefore::Add(const std::vector<uint32_t>& needs) {
  std::vector<uint64_t> own(bits_.size() / kWordBits + 1, 0);
  for (const uint32_t need : needs) {
    INVARIANT(need < bits_.size());
    const std::vector<uint64_t>& theirs = bits_[need];
    for (size_t word = 0; word < theirs.size(); ++word) own[word] |= theirs[word];
    own[need / kWordBits] |= uint64_t{1} << (need % kWordBits);
  }
  bits_.push_back(std::move(own));
}

bool EndedBefore::Contains(uint32_t step, uint32_t earlier) const {
  if (earlier >= step) return false;
  return (bits_[step][earlier / kWordBits] >> (earlier % kWordBits) & 1) != 0;
}

std::optional<uint32_t> EndedBefore::FirstMissing(uint32_t step) const {
  for (uint32_t word = 0; word < bits_[step].size(); ++word) {
    const auto missing =
        word * kWordBits + static_cast<uint32_t>(std::countr_one(bits_[step][word]));
    if (missing < std::min(step, (word + 1) * kWordBits)) return missing;
  }
  return std::nullopt;
}

std::map<std::string, uint32_t> StepNames::IndexOf(const Playbook& playbook) {
  std::map<std::string, uint32_t> index_by_id;
  uint32_t index = 0;
  for (const PlaybookPhase& phase : playbook.phases) {
    for (const PlaybookStep& step : phase.steps) {
      if (step.id.has_value()) index_by_id.emplace(step.id->text, index);
      ++index;
    }
  }
  return index_by_id;
}

absl::StatusOr<std::string> StepNames::Variable(const std::string& name) const {
  const bool known = step_.vars->contains(name);
  const std::string* text = step_.vars->Find(name);
  if (text != nullptr) return *text;
  if (known) return absl::InvalidArgumentError(absl::StrCat("vars.", name, " has no text"));
  const std::vector<std::string> names = step_.vars->Names();
  return absl::InvalidArgumentError(
      absl::StrCat("unknown variable ", Quoted(name),
                   names.empty() ? ": write it under 'vars:'" : Suggest(name, names)));
}

bool StepNames::IsStep(const std::string& id) const {
  return index_by_id_.contains(absl::StrCat(step_.scope, id));
}

absl::StatusOr<uint32_t> StepNames::Step(const std::string& id, bool for_facts) const {
  const auto found = index_by_id_.find(absl::StrCat(step_.scope, id));
  if (found == index_by_id_.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown step ", Quoted(id), Suggest(id, IdsOfFile())));
  }
  const uint32_t other = found->second;
  if (other == index_) {
    return absl::InvalidArgumentError(
        absl::StrCat("step '", id, "' is this one: ask about an earlier step",
                     for_facts ? ", or write 'until' with facts.NAME" : ""));
  }
  if (other > index_) {
    return absl::InvalidArgumentError(
        absl::StrCat("step '", id, "' comes later: ask about an earlier step"));
  }
  if (!ended_.Contains(index_, other)) {
    return absl::InvalidArgumentError(
        absl::StrCat("step '", id, "' may not have ended when this one begins: add it to 'needs'"));
  }
  if (for_facts && all_[other]->is_gate) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", id, "' is a gate, which has no facts: ask for steps.", id, ".state"));
  }
  return other;
}

std::vector<std::string> StepNames::IdsOfFile() const {
  std::vector<std::string> ids;
  for (const auto& [id, index] : index_by_id_) {
    if (absl::StartsWith(id, step_.scope)) ids.push_back(id.substr(step_.scope.size()));
  }
  return ids;
}

}  // namespace orchestrator
