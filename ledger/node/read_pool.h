#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace ledger {

// A few threads for what waits for the disk, so that neither writing nor gRPC does. Any thread.
class ReadPool {
 public:
  // `waiting_max`: reads beyond the ones under way.
  ReadPool(size_t threads, size_t waiting_max);
  ~ReadPool();  // As Stop().

  // RESOURCE_EXHAUSTED when too many wait, UNAVAILABLE after Stop(): then `read` is not run.
  absl::Status Submit(std::function<void()> read);
  // Runs what was submitted, then ends the threads.
  void Stop();

 private:
  void Loop();

  const size_t waiting_max_;
  absl::Mutex mutex_;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace ledger
