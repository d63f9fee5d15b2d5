#pragma once

#include <atomic>
#include <thread>

namespace benchmarks {

// From its construction on, Ctrl-C and SIGTERM end nothing by themselves: they set a flag that long
// work looks at, so that what was started is stopped and what was written is removed. Construct it
// before any other thread.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  const std::atomic<bool>& asked() const { return asked_; }

 private:
  void Watch();

  std::atomic<bool> asked_ = false;
  std::atomic<bool> ending_ = false;
  std::thread watcher_;
};

}  // namespace benchmarks
