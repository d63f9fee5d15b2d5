#include "benchmarks/common/interrupt.h"

#include <csignal>
#include <ctime>

namespace benchmarks {
namespace {

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
  watcher_ = std::thread([this] { Watch(); });
}

Interrupt::~Interrupt() {
  ending_ = true;
  watcher_.join();
}

void Interrupt::Watch() {
  constexpr timespec kLook = {.tv_sec = 0, .tv_nsec = 50'000'000};
  const sigset_t signals = Signals();
  while (!ending_) {
    if (::sigtimedwait(&signals, nullptr, &kLook) > 0) asked_ = true;
  }
}

}  // namespace benchmarks
