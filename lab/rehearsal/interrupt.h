#pragma once

#include <atomic>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace lab {

// SIGINT and SIGTERM as something to wait for. Make it before any other thread starts: all threads
// then have the signals blocked. One at a time. Safe for any thread.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool happened() const { return happened_.HasBeenNotified(); }
  // Returns happened() once it is true, or after `timeout`.
  bool Await(absl::Duration timeout) const;
  // As if a signal had come.
  void Raise();

 private:
  absl::Notification happened_;
  std::atomic<bool> raised_ = false;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace lab
