#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace base {

// Does what takes the disk, one after the other, on a thread of its own: who asks for it is not
// held up, and does not cost a thread each. Any thread.
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

  // Not absl::Mutex: the thread sanitizer knows that one only in a library built with it.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;  // This and what follows: guarded by mutex_.
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace base
