#pragma once

#include <atomic>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace base {

// SIGINT and SIGTERM as something to wait for, or to look at in between: by themselves they end
// nothing any more, so that what was started is stopped and what was written is removed. Make it
// before any other thread starts: all threads then have the signals blocked, and keep them so. One
// at a time. Safe for any thread.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool happened() const { return flag_; }
  // The same, for work that knows of no signals.
  const std::atomic<bool>& flag() const { return flag_; }
  // Returns happened() once it is true, or after `timeout`.
  bool Await(absl::Duration timeout) const;
  // As if a signal had come.
  void Raise();

 private:
  absl::Notification happened_;
  std::atomic<bool> flag_ = false;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace base
