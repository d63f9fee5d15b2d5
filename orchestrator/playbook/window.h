#pragma once

#include "absl/time/time.h"

namespace orchestrator {

// The maintenance window, as the playbook has it.
struct Window {
  absl::Time start;
  absl::Time end;                   // After start.
  absl::Duration rollback_reserve;  // Kept free at its end for going back; shorter than the window.
};

}  // namespace orchestrator
