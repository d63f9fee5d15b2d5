#include "base/locks.h"

#include "absl/synchronization/mutex.h"

namespace base {

void DoNotLookForDeadlocks() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

}  // namespace base
