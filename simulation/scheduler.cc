#include "simulation/scheduler.h"

#include <algorithm>
#include <utility>

#include "base/invariant.h"

namespace simulation {

void Scheduler::After(absl::Duration delay, Action action, const Life* life) {
  const int64_t delay_ns = std::max<int64_t>(absl::ToInt64Nanoseconds(delay), 0);
  INVARIANT(delay_ns < INT64_MAX - now_ns_);
  uint32_t slot = static_cast<uint32_t>(slots_.size());
  if (free_slots_.empty()) {
    slots_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  slots_[slot] = {std::move(action), life, life == nullptr ? 0 : life->number};
  heap_.push_back({now_ns_ + delay_ns, ++sequence_, slot});
  std::push_heap(heap_.begin(), heap_.end());
}

bool Scheduler::RunNext() {
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end());
    const Entry next = heap_.back();
    heap_.pop_back();
    Slot slot = std::move(slots_[next.slot]);
    free_slots_.push_back(next.slot);
    if (slot.life != nullptr && slot.life->number != slot.life_number) continue;
    now_ns_ = next.time_ns;
    ++ran_;
    slot.action();
    return true;
  }
  return false;
}

}  // namespace simulation
