#include "orchestrator/plan/rules.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "orchestrator/playbook/suggest.h"

namespace orchestrator {
namespace {

std::string IdOf(const PlaybookStep& step) {
  return step.id.has_value() ? step.id->text : "(without id)";
}

class PeopleRules {
 public:
  PeopleRules(const Playbook& playbook, const Inventory& inventory, Problems& problems)
      : inventory_(inventory),
        author_(playbook.author.has_value() ? playbook.author->text : ""),
        problems_(problems) {
    for (const InventoryPerson& person : inventory.people) {
      all_roles_.insert(person.roles.begin(), person.roles.end());
      if (person.name.text == author_) continue;
      roles_.insert(person.roles.begin(), person.roles.end());
    }
  }

  void Check(const PlaybookStep& step) {
    if (step.approval.has_value()) CheckApproval(*step.approval);
    const size_t people = inventory_.people.size();
    if (!step.point_of_no_return || people == 0 || people >= 2) return;
    problems_.Add(step.place, absl::StrCat("step '", IdOf(step),
                                           "' is a point of no return, which two people complete, "
                                           "and the inventory has one: add another"));
  }

  void CheckAuthor(const Located& author) {
    std::vector<std::string> names;
    for (const InventoryPerson& person : inventory_.people) names.push_back(person.name.text);
    if (names.empty() || std::find(names.begin(), names.end(), author.text) != names.end()) return;
    problems_.Add(author.place,
                  absl::StrCat("author ", Quoted(author.text), " is none of the inventory's people",
                               Suggest(author.text, names)));
  }

 private:
  // People without the author who hold one of the roles.
  size_t CountApprovers(const Approval& approval) const {
    return static_cast<size_t>(std::count_if(
        inventory_.people.begin(), inventory_.people.end(), [&](const InventoryPerson& person) {
          const auto asked = [&](const Located& role) {
            return std::count(person.roles.begin(), person.roles.end(), role.text) > 0;
          };
          return person.name.text != author_ &&
                 std::any_of(approval.roles.begin(), approval.roles.end(), asked);
        }));
  }

  void CheckApproval(const Approval& approval) {
    if (inventory_.people.empty()) {
      problems_.Add(approval.place, "the inventory has no 'people', who could approve: add them");
      return;
    }
    for (const Located& role : approval.roles) {
      if (roles_.contains(role.text)) continue;
      problems_.Add(role.place,
                    all_roles_.contains(role.text)
                        ? absl::StrCat("only the author, ", author_, ", has the role '", role.text,
                                       "', and may not approve: give it to somebody else too")
                        : absl::StrCat("nobody in the inventory has the role ", Quoted(role.text),
                                       Suggest(role.text, {all_roles_.begin(), all_roles_.end()})));
    }
    const size_t approvers = CountApprovers(approval);
    if (approval.quorum <= approvers) return;
    problems_.Add(
        approval.place,
        absl::StrCat("'quorum' is ", approval.quorum, ", and people with one of the roles ",
                     author_.empty() ? "" : "besides the author ", "are ", approvers,
                     ": give the roles to more people, or ask for fewer"));
  }

  const Inventory& inventory_;
  const std::string author_;
  Problems& problems_;
  std::set<std::string> all_roles_;
  std::set<std::string> roles_;  // Without the author's.
};

}  // namespace

std::vector<uint32_t> WavesOf(const std::vector<WaveSize>& serial, uint32_t hosts) {
  std::vector<uint32_t> waves;
  if (serial.empty()) return waves;
  for (uint32_t left = hosts; left > 0; left -= waves.back()) {
    const WaveSize& size = serial[std::min(waves.size(), serial.size() - 1)];
    const uint64_t wanted =
        size.percent ? uint64_t{hosts} * size.number / 100 : uint64_t{size.number};
    waves.push_back(static_cast<uint32_t>(std::clamp<uint64_t>(wanted, 1, uint64_t{left})));
  }
  return waves;
}

void CheckNoReturn(const std::vector<const PlaybookStep*>& steps, const EndedBefore& ended,
                   Problems& problems) {
  const PlaybookStep* no_return = nullptr;
  for (uint32_t index = 0; index < steps.size(); ++index) {
    const PlaybookStep& step = *steps[index];
    if (step.point_of_no_return) {
      no_return = &step;
      if (const auto missing = ended.FirstMissing(index)) {
        problems.Add(step.place,
                     absl::StrCat("step '", IdOf(*steps[*missing]),
                                  "' may still run when the point of no return begins: add it to "
                                  "'needs'"));
      }
      if (step.rollback.has_value() && !step.rollback->empty()) {
        problems.Add(step.rollback->front().place,
                     "nothing goes back from a point of no return: remove 'rollback'");
      }
    }
    if (no_return == nullptr || step.on_failure != "rollback") continue;
    problems.Add(step.place,
                 absl::StrCat("step '", IdOf(step), "' cannot go back: '", IdOf(*no_return),
                              "' is the point of no return; write 'on_failure: hold', stop or "
                              "continue"));
  }
}

void CheckWindow(const Playbook& playbook, Problems& problems) {
  const PlaybookPhase* inside = nullptr;
  for (const PlaybookPhase& phase : playbook.phases) {
    if (!phase.before_window) {
      if (inside == nullptr) inside = &phase;
      continue;
    }
    const TextPlace place = phase.name.has_value() ? phase.name->place : TextPlace{};
    if (!playbook.window.has_value()) {
      problems.Add(place, "'before_window' needs a window: write 'window:' at the top");
    } else if (inside != nullptr) {
      problems.Add(place, absl::StrCat("a phase before the window comes after '",
                                       inside->name.has_value() ? inside->name->text : "",
                                       "', which waits for the window: move it before that, or "
                                       "remove 'before_window'"));
    }
  }
}

void CheckGiven(const Playbook& playbook, Problems& problems) {
  for (const PlaybookInclude& include : playbook.includes) {
    for (const Located& given : include.given) {
      if (include.vars->used(given.text)) continue;
      problems.Add(given.place,
                   absl::StrCat(Quoted(include.path), " does not use variable ", Quoted(given.text),
                                ": remove it, or correct its name"));
    }
  }
}

void CheckPeople(const Playbook& playbook, const Inventory& inventory,
                 const std::vector<const PlaybookStep*>& steps, Problems& problems) {
  PeopleRules rules(playbook, inventory, problems);
  if (playbook.author.has_value()) rules.CheckAuthor(*playbook.author);
  for (const PlaybookStep* step : steps) rules.Check(*step);
}

}  // namespace orchestrator
