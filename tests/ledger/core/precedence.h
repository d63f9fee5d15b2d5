// Which of two statuses wins when an event deserves both. For every pair of a list in order of
// precedence: an event that violates both rules is told the first.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace ledger {

template <typename Scenario>
struct Violation {
  std::string status;
  // What it needs to be so: "id" → "0". Two that need different things of one aspect cannot meet,
  // and are skipped: that is the reason, and the only one but the next.
  std::map<std::string, std::string> needs;
  // Changes a valid scenario by as little as it takes.
  std::function<void(Scenario&)> apply;
  // Of `exists…`: how many fields of the event are compared before its own. Where the other
  // violation changes one of those, the event is told of that field.
  int fields_before = -1;
};

// "debit_account_id" of "debit_account_id=0"; all that stands in `flags` is one field.
inline std::string FieldOf(const std::string& aspect) { return aspect.substr(0, aspect.find(':')); }

template <typename Scenario>
bool CanMeet(const Violation<Scenario>& one, const Violation<Scenario>& other,
             const std::vector<std::string>& compared) {
  for (const auto& [aspect, value] : one.needs) {
    const auto its = other.needs.find(aspect);
    if (its != other.needs.end() && its->second != value) return false;
  }
  if (one.fields_before < 0 || other.fields_before >= 0) return true;
  return std::none_of(other.needs.begin(), other.needs.end(), [&](const auto& need) {
    const auto field = std::find(compared.begin(), compared.end(), FieldOf(need.first));
    const auto same = one.needs.find(need.first);
    const bool is_shared = same != one.needs.end();
    return !is_shared && field - compared.begin() < one.fields_before;
  });
}

// `run` executes a scenario and gives the event's status; `valid` makes a scenario that is fine.
// How many pairs met.
template <typename Scenario>
int CheckPrecedence(const std::vector<Violation<Scenario>>& violations,
                    const std::vector<std::string>& compared,
                    const std::function<Scenario()>& valid,
                    const std::function<std::string(Scenario&)>& run) {
  int met = 0;
  Scenario fine = valid();
  CHECK(run(fine) == "ok");
  for (size_t i = 0; i < violations.size(); ++i) {
    Scenario alone = valid();
    violations[i].apply(alone);
    CHECK(run(alone) == violations[i].status);
    for (size_t j = i + 1; j < violations.size(); ++j) {
      if (!CanMeet(violations[i], violations[j], compared)) continue;
      CAPTURE(violations[i].status, violations[j].status);
      Scenario both = valid();
      violations[j].apply(both);
      violations[i].apply(both);
      CHECK(run(both) == violations[i].status);
      ++met;
    }
  }
  return met;
}

}  // namespace ledger
