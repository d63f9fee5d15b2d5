#pragma once

#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace ledger {

// What a call asks for and takes the disk, one after the other, on a thread of its own: gRPC's are
// not held up, and calls do not cost a thread each. Any thread.
class WorkQueue {
 public:
  static constexpr size_t kWaitingMax = 64;

  WorkQueue();
  ~WorkQueue();  // As Stop().
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // False when too much waits, or after Stop(): then it is not done.
  bool Run(std::function<void()> work);
  // Once all that waits is done.
  void Stop();

 private:
  void Loop();

  absl::Mutex mutex_;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace ledger
