#pragma once

#include <cstddef>
#include <deque>
#include <string>

#include "absl/strings/str_cat.h"
#include "simulation/scheduler.h"

namespace simulation {

// The newest things that happened, in words. Costs nothing while it is off: a world that went wrong
// is played again with it on.
class Trace {
 public:
  explicit Trace(const Scheduler& scheduler) : scheduler_(scheduler) {}

  void TurnOn(size_t lines_max) { lines_max_ = lines_max; }
  bool is_on() const { return lines_max_ > 0; }

  template <typename... Parts>
  void Note(const Parts&... parts) {
    if (is_on()) Add(absl::StrCat(absl::FormatDuration(scheduler_.now()), " ", parts...));
  }

  const std::deque<std::string>& lines() const { return lines_; }

 private:
  void Add(std::string line) {
    lines_.push_back(std::move(line));
    if (lines_.size() > lines_max_) lines_.pop_front();
  }

  const Scheduler& scheduler_;
  size_t lines_max_ = 0;
  std::deque<std::string> lines_;
};

}  // namespace simulation
