#include "base/interrupt.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <thread>

namespace base {
namespace {

TEST_CASE("a signal ends nothing, it wakes who waits and is seen by who looks", "[interrupt]") {
  const int signal = GENERATE(SIGINT, SIGTERM);
  const Interrupt interrupt;
  CHECK_FALSE(interrupt.happened());
  CHECK_FALSE(interrupt.flag());
  REQUIRE(::kill(::getpid(), signal) == 0);
  CHECK(interrupt.Await(absl::InfiniteDuration()));
  CHECK(interrupt.happened());
  CHECK(interrupt.flag());
}

TEST_CASE("an interrupt can be raised from within, more than once", "[interrupt]") {
  Interrupt interrupt;
  std::thread other([&interrupt] { interrupt.Raise(); });
  CHECK(interrupt.Await(absl::InfiniteDuration()));
  other.join();
  interrupt.Raise();
  CHECK(interrupt.happened());
}

TEST_CASE("without an interrupt the wait ends in time", "[interrupt]") {
  const Interrupt interrupt;
  CHECK_FALSE(interrupt.Await(absl::ZeroDuration()));
}

}  // namespace
}  // namespace base
