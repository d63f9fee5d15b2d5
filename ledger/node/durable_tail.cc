#include "ledger/node/durable_tail.h"

#include <utility>

namespace ledger {

void DurableTail::Set(View view) {
  const absl::MutexLock lock(&mutex_);
  view.closed = view_.closed;
  position_ = view.position;
  bytes_ = view.bytes;
  timestamp_ns_ = view.timestamp_ns;
  view_ = std::move(view);
  changed_.SignalAll();
}

void DurableTail::Close() {
  const absl::MutexLock lock(&mutex_);
  view_.closed = true;
  changed_.SignalAll();
}

void DurableTail::Wake() {
  const absl::MutexLock lock(&mutex_);
  changed_.SignalAll();
}

DurableTail::View DurableTail::Get() const {
  const absl::MutexLock lock(&mutex_);
  return view_;
}

DurableTail::View DurableTail::Await(uint64_t position, uint64_t certificate_position,
                                     const std::atomic<bool>& cancelled, absl::Duration timeout) {
  const absl::MutexLock lock(&mutex_);
  while (!view_.closed && !cancelled && view_.position <= position &&
         view_.certificate_position == certificate_position) {
    if (changed_.WaitWithTimeout(&mutex_, timeout)) break;
  }
  return view_;
}

}  // namespace ledger
