#include "orchestrator/plan/step_order.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "orchestrator/playbook/suggest.h"

namespace orchestrator {
namespace {

constexpr size_t kEdgesMax = 1'000'000;

}  // namespace

StepOrder::StepOrder(const Playbook& playbook, Problems& problems)
    : playbook_(playbook), problems_(problems) {
  std::map<std::string, TextPlace> place_by_id;
  const auto reserve = [&](const std::string& id, TextPlace place) {
    const auto [first, added] = place_by_id.emplace(id, place);
    if (added) return true;
    const std::string file = first->second.file == place.file
                                 ? ""
                                 : absl::StrCat(" of ", problems.PathOf(first->second.file));
    problems_.Add(place, absl::StrCat("duplicate step id '", id, "': the first is on line ",
                                      first->second.line, file, "; rename one"));
    return false;
  };
  std::set<int32_t> doubles;
  for (size_t i = 0; i < playbook.includes.size(); ++i) {
    const PlaybookInclude& include = playbook.includes[i];
    if (doubles.contains(include.parent) || !reserve(include.id, include.place)) {
      doubles.insert(static_cast<int32_t>(i));  // What stands in it is double too: say no more.
    }
    include_ids_.insert(include.id);
  }
  uint32_t index = 0;
  for (const PlaybookPhase& phase : playbook.phases) {
    for (const PlaybookStep& step : phase.steps) {
      const uint32_t own = index++;
      if (!step.id.has_value() || doubles.contains(step.include)) continue;
      if (reserve(step.id->text, step.id->place)) index_by_id_[step.id->text] = own;
    }
  }
}

void StepOrder::BeginPhase() {
  while (blocks_.size() > 1) LeaveBlock();
  std::vector<uint32_t> barrier;
  if (!blocks_.empty()) {
    const Block& before = blocks_.front();
    barrier = next_ > before.begin ? before.ends : before.entry;  // A phase without steps.
  }
  blocks_ = {{.include = -1, .entry = std::move(barrier), .ends = {}, .begin = next_}};
}

std::vector<uint32_t> StepOrder::Add(const PlaybookStep& step) {
  EnterBlocksOf(step);
  std::vector<uint32_t> said;
  if (step.needs.has_value()) {
    const std::string id = step.id.has_value() ? step.id->text.substr(step.scope.size()) : "";
    said = Explicit({.needs = *step.needs, .scope = step.scope, .id = id});
  }
  std::vector<uint32_t> needs = NeedsIn(step.needs.has_value() ? &said : nullptr);
  blocks_.back().ends.push_back(next_++);
  const size_t edges_before = std::exchange(edges_, edges_ + needs.size());
  if (edges_before <= kEdgesMax && edges_ > kEdgesMax) {
    problems_.Add(step.place, absl::StrCat("more than ", kEdgesMax,
                                           " dependencies between steps: put fewer parallel steps "
                                           "beside each other"));
  }
  return edges_ > kEdgesMax ? std::vector<uint32_t>{} : needs;
}

// What something in the innermost block needs, which says `said` (nullptr: nothing).
std::vector<uint32_t> StepOrder::NeedsIn(const std::vector<uint32_t>* said) {
  Block& block = blocks_.back();
  std::vector<uint32_t> needs = said != nullptr ? *said : block.ends;
  if (said == nullptr) {
    block.ends.clear();
  } else if (!needs.empty()) {
    const auto is_needed = [&](uint32_t end) {
      return std::binary_search(needs.begin(), needs.end(), end);
    };
    std::erase_if(block.ends, is_needed);
  }
  const bool after_own_block =
      std::any_of(needs.begin(), needs.end(), [&](uint32_t need) { return need >= block.begin; });
  return after_own_block ? needs : block.entry;  // What is before the block has ended with that.
}

void StepOrder::EnterBlocksOf(const PlaybookStep& step) {
  std::vector<int32_t> path;  // Of includes, innermost first.
  for (int32_t at = step.include; at >= 0;
       at = playbook_.includes[static_cast<size_t>(at)].parent) {
    path.push_back(at);
  }
  std::reverse(path.begin(), path.end());
  size_t common = 0;
  while (common < path.size() && common + 1 < blocks_.size() &&
         blocks_[common + 1].include == path[common]) {
    ++common;
  }
  while (blocks_.size() > common + 1) LeaveBlock();
  for (size_t i = common; i < path.size(); ++i) EnterInclude(path[i]);
}

void StepOrder::EnterInclude(int32_t index) {
  const PlaybookInclude& include = playbook_.includes[static_cast<size_t>(index)];
  std::vector<uint32_t> said;
  if (include.needs.has_value()) {
    said = Explicit({.needs = *include.needs,
                     .scope = include.scope,
                     .id = include.id.substr(include.scope.size())});
  }
  std::vector<uint32_t> entry = NeedsIn(include.needs.has_value() ? &said : nullptr);
  blocks_.push_back({.include = index, .entry = std::move(entry), .ends = {}, .begin = next_});
}

void StepOrder::LeaveBlock() {
  Block left = std::move(blocks_.back());
  blocks_.pop_back();
  std::vector<uint32_t>& ends = blocks_.back().ends;
  ends.insert(ends.end(), left.ends.begin(), left.ends.end());
  ends_by_include_[playbook_.includes[static_cast<size_t>(left.include)].id] = std::move(left.ends);
}

std::vector<uint32_t> StepOrder::Explicit(const Asker& asker) {
  std::vector<uint32_t> needs;
  for (const Located& need : asker.needs) AddNeed(need, asker, needs);
  std::sort(needs.begin(), needs.end());
  needs.erase(std::unique(needs.begin(), needs.end()), needs.end());
  return needs;
}

void StepOrder::AddNeed(const Located& need, const Asker& asker, std::vector<uint32_t>& needs) {
  const std::string id = absl::StrCat(asker.scope, need.text);
  const auto ended = ends_by_include_.find(id);
  if (ended != ends_by_include_.end()) {
    needs.insert(needs.end(), ended->second.begin(), ended->second.end());
    return;
  }
  const auto found = index_by_id_.find(id);
  if (found != index_by_id_.end() && found->second < next_) {
    needs.push_back(found->second);
  } else if (need.text == asker.id) {
    problems_.Add(need.place, absl::StrCat("step '", need.text, "' needs itself: remove it"));
  } else if (found != index_by_id_.end() || include_ids_.contains(id)) {
    problems_.Add(need.place,
                  absl::StrCat("step '", need.text, "' comes later: move it before '",
                               asker.id.empty() ? "this step" : asker.id, "', or remove the need"));
  } else {
    problems_.Add(need.place, absl::StrCat("unknown step ", Quoted(need.text),
                                           Suggest(need.text, IdsOf(asker.scope))));
  }
}

// Of steps and includes of one file, as it writes them, in order of the plan.
std::vector<std::string> StepOrder::IdsOf(const std::string& scope) const {
  std::vector<std::string> ids;
  for (const PlaybookPhase& phase : playbook_.phases) {
    for (const PlaybookStep& step : phase.steps) {
      if (step.id.has_value() && step.scope == scope) {
        ids.push_back(step.id->text.substr(scope.size()));
      }
    }
  }
  for (const PlaybookInclude& include : playbook_.includes) {
    if (include.scope == scope) ids.push_back(include.id.substr(scope.size()));
  }
  return ids;
}

}  // namespace orchestrator
