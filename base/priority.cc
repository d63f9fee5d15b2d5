#include "base/priority.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace base {
namespace {

// linux/ioprio.h, which is not C++.
constexpr int kWhoProcess = 1;
constexpr int kClassShift = 13;
constexpr int kIdleClass = 3;

}  // namespace

// On Linux a thread is what `nice` counts, and 0 names the calling one. That it gives way is never
// refused.
void LowerPriority(int nice) { ::setpriority(PRIO_PROCESS, 0, nice); }

void RunWhenIdle() {
  const sched_param none{};
  ::sched_setscheduler(0, SCHED_IDLE, &none);
}

void LowerDiskPriority() { ::syscall(SYS_ioprio_set, kWhoProcess, 0, kIdleClass << kClassShift); }

}  // namespace base
