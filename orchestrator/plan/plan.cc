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

base::Hash256 PlanDigest(absl::string_view playbook_yaml, absl::string_view inventory_yaml,
                         const std::vector<SourceText>& includes) {
  base::Sha256 sha;
  const auto add_number = [&](uint64_t number) {
    const std::array<uint8_t, 8> bytes = BigEndian(number);
    sha.Update(bytes.data(), bytes.size());
  };
  const auto add = [&](absl::string_view text) {
    add_number(text.size());
    sha.Update(text);
  };
  sha.Update(includes.empty() ? "hamisha-plan-v1" : "hamisha-plan-v2");
  add(playbook_yaml);
  add(inventory_yaml);
  if (includes.empty()) return sha.Finish();
  std::vector<const SourceText*> in_order;
  for (const SourceText& text : includes) in_order.push_back(&text);
  std::sort(in_order.begin(), in_order.end(),
            [](const SourceText* a, const SourceText* b) { return a->path < b->path; });
  add_number(in_order.size());
  for (const SourceText* text : in_order) {
    add(text->path);
    add(text->yaml);
  }
  return sha.Finish();
}

const Person* Plan::FindPerson(absl::string_view person) const {
  const auto found = std::find_if(people.begin(), people.end(),
                                  [&](const Person& one) { return one.name == person; });
  return found == people.end() ? nullptr : &*found;
}

base::Hash256 PlaybookDigest(const SourceText& playbook) {
  if (playbook.includes.empty()) return base::Sha256Of(playbook.yaml);
  return PlanDigest(playbook.yaml, "", playbook.includes);
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

absl::string_view ToString(OnTrip on_trip) {
  switch (on_trip) {
    case OnTrip::kPause: return "pause";
    case OnTrip::kStop: return "stop";
    case OnTrip::kRollback: return "rollback";
  }
  UNREACHABLE();
}

}  // namespace orchestrator
