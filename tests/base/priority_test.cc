#include "base/priority.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

namespace base {
namespace {

// As ionice(1) tells it: 3 is "idle".
int64_t DiskClass() { return ::syscall(SYS_ioprio_get, 1, 0) >> 13; }

TEST_CASE("a thread that gives way leaves the others as they are", "[priority]") {
  const int before = ::getpriority(PRIO_PROCESS, 0);
  const int64_t disk_before = DiskClass();
  int nice = 0;
  int64_t disk_class = 0;
  std::thread([&] {
    LowerPriority(19);
    LowerDiskPriority();
    nice = ::getpriority(PRIO_PROCESS, 0);
    disk_class = DiskClass();
  }).join();
  CHECK(nice == 19);
  CHECK(disk_class == 3);
  CHECK(::getpriority(PRIO_PROCESS, 0) == before);
  CHECK(DiskClass() == disk_before);
}

TEST_CASE("a thread that runs when others leave a processor is alone in that", "[priority]") {
  const int before = ::sched_getscheduler(0);
  int policy = before;
  std::thread([&] {
    RunWhenIdle();
    policy = ::sched_getscheduler(0);
  }).join();
  CHECK(policy == SCHED_IDLE);
  CHECK(::sched_getscheduler(0) == before);
}

}  // namespace
}  // namespace base
