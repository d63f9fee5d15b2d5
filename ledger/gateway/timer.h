#pragma once

#include <functional>
#include <map>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace ledger {

// One thread that runs short functions when their time has come. Safe for any thread.
class Timer {
 public:
  explicit Timer(const base::Clock& clock);  // The clock must outlive it.
  ~Timer();

  // Runs `what` on the timer's thread once `clock.MonotonicNow()` has reached `when`; after Stop()
  // on the calling thread, at once. Call it with no lock held that `what` takes.
  void At(absl::Duration when, std::function<void()> what);

  // Runs what still waits, without waiting for its time, and ends the thread. May be repeated.
  void Stop();

 private:
  void Run();

  const base::Clock& clock_;
  absl::Mutex mutex_;
  absl::CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::multimap<absl::Duration, std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;  // Last: it uses the rest.
};

}  // namespace ledger
