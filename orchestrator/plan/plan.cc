#include "orchestrator/plan/plan.h"

#include <algorithm>
#include <array>

#include "base/invariant.h"

namespace orchestrator {
namespace {

std::array<uint8_t, 8> BigEndian(uint64_t number) {
  std::array<uint8_t, 8> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[bytes.size() - 1 - i] = static_cast<uint8_t>(number >> (8 * i));
  }
  return bytes;
}

}  // namespace

base::Hash256 PlanDigest(absl::string_view playbook_yaml, absl::string_view inventory_yaml) {
  base::Sha256 sha;
  sha.Update("hamisha-plan-v1");
  for (const absl::string_view text : {playbook_yaml, inventory_yaml}) {
    const std::array<uint8_t, 8> length = BigEndian(text.size());
    sha.Update(length.data(), length.size()).Update(text);
  }
  return sha.Finish();
}

const Person* Plan::FindPerson(absl::string_view person) const {
  const auto found = std::find_if(people.begin(), people.end(),
                                  [&](const Person& one) { return one.name == person; });
  return found == people.end() ? nullptr : &*found;
}

absl::string_view ToString(OnFailure on_failure) {
  switch (on_failure) {
    case OnFailure::kStop: return "stop";
    case OnFailure::kRollback: return "rollback";
    case OnFailure::kContinue: return "continue";
    case OnFailure::kHold: return "hold";
  }
  UNREACHABLE();
}

}  // namespace orchestrator
