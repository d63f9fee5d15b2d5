#pragma once

#include <cstdint>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "lab/load/random.h"

namespace simulation {

// Everything that is left to chance comes from one generator: a seed is a whole world.
class Dice : public lab::Random {
 public:
  explicit Dice(uint64_t seed) : lab::Random(seed, 0) {}

  bool Chance(double probability) { return Unit() < probability; }
  absl::Duration Between(absl::Duration low, absl::Duration high) {
    return low + absl::Nanoseconds(
                     Below(static_cast<uint64_t>(absl::ToInt64Nanoseconds(high - low)) + 1));
  }
};

// One life of a process. What was to happen in an earlier one never does.
struct Life {
  bool is_up = true;
  uint32_t number = 1;

  void End() {
    is_up = false;
    ++number;
  }
};

// The simulated clock: actions in order of time, those of one moment in the order they were asked
// for. Not thread-safe.
class Scheduler {
 public:
  using Action = absl::AnyInvocable<void()>;

  absl::Duration now() const { return absl::Nanoseconds(now_ns_); }
  uint64_t ran() const { return ran_; }

  // In `delay` from now. Nothing happens when `life`, if given, has ended by then; it must outlive
  // the scheduler's use.
  void After(absl::Duration delay, Action action, const Life* life = nullptr);

  // Moves on to the next action and does it. False when nothing is left.
  bool RunNext();

 private:
  struct Entry {
    int64_t time_ns;
    uint64_t sequence;
    uint32_t slot;
    // The heap's top is the largest.
    friend bool operator<(const Entry& a, const Entry& b) {
      return a.time_ns != b.time_ns ? a.time_ns > b.time_ns : a.sequence > b.sequence;
    }
  };
  struct Slot {
    Action action;
    const Life* life;
    uint32_t life_number;
  };

  int64_t now_ns_ = 0;
  uint64_t sequence_ = 0;
  uint64_t ran_ = 0;
  std::vector<Entry> heap_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;
};

}  // namespace simulation
