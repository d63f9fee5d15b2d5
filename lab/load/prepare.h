#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "lab/load/accounts.h"
#include "lab/load/gateways.h"
#include "lab/load/workload.h"

namespace lab {

struct PrepareProgress {
  uint64_t accounts = 0;
  uint64_t transfers = 0;  // Opening balances.
  uint64_t done = 0;       // Of accounts + transfers.
  absl::Duration elapsed;
};

// Creates all accounts of `space` and gives each its opening balance from TRUST. Repeating it
// changes nothing. `report` is called about every second, by the calling thread.
absl::Status Prepare(Gateways& gateways, const Workload& workload, const AccountSpace& space,
                     const std::function<void(const PrepareProgress&)>& report);

}  // namespace lab
