#include "orchestrator/plan/step_order.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "orchestrator/playbook/suggest.h"

namespace orchestrator {
namespace {

constexpr size_t kEdgesMax = 1'000'000;

}  // namespace

StepOrder::StepOrder(const Playbook& playbook, Problems& problems) : problems_(problems) {
  std::map<std::string, int> line_by_id;
  uint32_t index = 0;
  for (const PlaybookPhase& phase : playbook.phases) {
    for (const PlaybookStep& step : phase.steps) {
      const uint32_t own = index++;
      if (!step.id.has_value()) continue;
      const auto [first, added] = line_by_id.emplace(step.id->text, step.id->place.line);
      if (!added) {
        problems_.Add(step.id->place,
                      absl::StrCat("duplicate step id '", step.id->text, "': the first is on line ",
                                   first->second, "; rename one"));
        continue;
      }
      index_by_id_[step.id->text] = own;
      ids_.push_back(step.id->text);
    }
  }
}

void StepOrder::BeginPhase() {
  if (next_ > phase_begin_) barrier_ = std::exchange(ends_, {});
  phase_begin_ = next_;
}

std::vector<uint32_t> StepOrder::Add(const PlaybookStep& step) {
  std::vector<uint32_t> needs = step.needs.has_value() ? Explicit(step) : ends_;
  for (const uint32_t need : needs) std::erase(ends_, need);
  const bool after_own_phase =
      std::any_of(needs.begin(), needs.end(), [&](uint32_t need) { return need >= phase_begin_; });
  if (!after_own_phase) needs = barrier_;  // Earlier phases have ended when this one begins.
  ends_.push_back(next_++);
  const size_t edges_before = std::exchange(edges_, edges_ + needs.size());
  if (edges_before <= kEdgesMax && edges_ > kEdgesMax) {
    problems_.Add(step.place, absl::StrCat("more than ", kEdgesMax,
                                           " dependencies between steps: put fewer parallel steps "
                                           "beside each other"));
  }
  return edges_ > kEdgesMax ? std::vector<uint32_t>{} : needs;
}

std::vector<uint32_t> StepOrder::Explicit(const PlaybookStep& step) {
  std::set<uint32_t> needs;
  for (const Located& need : *step.needs) {
    const auto found = index_by_id_.find(need.text);
    if (found == index_by_id_.end()) {
      problems_.Add(need.place,
                    absl::StrCat("unknown step ", Quoted(need.text), Suggest(need.text, ids_)));
    } else if (found->second == next_) {
      problems_.Add(need.place, absl::StrCat("step '", need.text, "' needs itself: remove it"));
    } else if (found->second > next_) {
      problems_.Add(need.place, absl::StrCat("step '", need.text, "' comes later: move it before '",
                                             step.id.has_value() ? step.id->text : "this step",
                                             "', or remove the need"));
    } else {
      needs.insert(found->second);
    }
  }
  return {needs.begin(), needs.end()};
}

}  // namespace orchestrator
