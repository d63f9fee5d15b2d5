#include "base/interrupt.h"

#include <csignal>
#include <ctime>

namespace base {
namespace {

constexpr timespec kLookEvery = {.tv_sec = 0, .tv_nsec = 50'000'000};

sigset_t Signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

Interrupt::Interrupt() {
  const sigset_t signals = Signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  thread_ = std::thread([this, signals] {
    while (!stopping_) {
      if (::sigtimedwait(&signals, nullptr, &kLookEvery) > 0) Raise();
    }
  });
}

Interrupt::~Interrupt() {
  stopping_ = true;
  thread_.join();
}

bool Interrupt::Await(absl::Duration timeout) const {
  return happened_.WaitForNotificationWithTimeout(timeout);
}

void Interrupt::Raise() {
  if (!flag_.exchange(true)) happened_.Notify();
}

}  // namespace base
