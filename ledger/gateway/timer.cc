#include "ledger/gateway/timer.h"

#include <utility>

namespace ledger {

Timer::Timer(const base::Clock& clock) : clock_(clock), thread_([this] { Run(); }) {}

Timer::~Timer() { Stop(); }

void Timer::At(absl::Duration when, std::function<void()> what) {
  {
    absl::MutexLock lock(&mutex_);
    if (!stopped_) {
      const auto added = waiting_.emplace(when, std::move(what));
      if (added == waiting_.begin()) changed_.Signal();
      return;
    }
  }
  what();
}

void Timer::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
    changed_.Signal();
  }
  if (thread_.joinable()) thread_.join();
}

void Timer::Run() {
  while (true) {
    std::function<void()> what;
    {
      absl::MutexLock lock(&mutex_);
      while (!stopped_) {
        if (waiting_.empty()) {
          changed_.Wait(&mutex_);
          continue;
        }
        const absl::Duration left = waiting_.begin()->first - clock_.MonotonicNow();
        if (left <= absl::ZeroDuration()) break;
        changed_.WaitWithTimeout(&mutex_, left);
      }
      if (waiting_.empty()) return;  // Stopped.
      what = std::move(waiting_.begin()->second);
      waiting_.erase(waiting_.begin());
    }
    what();
  }
}

}  // namespace ledger
