#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace orchestrator {

// The time by which something must have happened, for any number of things. Nothing of it takes
// time in proportion to their number.
template <typename Id>
class Deadlines {
 public:
  // Replaces that of the same id.
  void Set(const Id& id, absl::Time time) {
    const auto [known, is_new] = times_.emplace(id, time);
    if (!is_new) {
      order_.erase({known->second, id});
      known->second = time;
    }
    order_.emplace(time, id);
  }

  void Erase(const Id& id) {
    const auto known = times_.find(id);
    if (known == times_.end()) return;
    order_.erase({known->second, id});
    times_.erase(known);
  }

  void Clear() {
    times_.clear();
    order_.clear();
  }

  // InfiniteFuture without any.
  absl::Time Next() const {
    return order_.empty() ? absl::InfiniteFuture() : order_.begin()->first;
  }

  // Those whose time has come, in order of their ids; they are erased.
  std::vector<Id> TakeDue(absl::Time now) {
    std::vector<Id> due;
    for (; Next() <= now && !order_.empty(); order_.erase(order_.begin())) {
      due.push_back(order_.begin()->second);
      times_.erase(due.back());
    }
    std::sort(due.begin(), due.end());
    return due;
  }

 private:
  std::map<Id, absl::Time> times_;
  std::set<std::pair<absl::Time, Id>> order_;
};

}  // namespace orchestrator
