#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "lab/load/checker.h"
#include "lab/load/gateways.h"

namespace lab {

struct CheckResult {
  Verdict verdict;
  bool outcomes_complete = false;  // The run ended in order, and all it wrote is there.
  uint64_t histories = 0;          // Accounts whose whole history was read.
};

// No other load may have run on the platform since: its money would look like a duplicate.
//
// Looks up through the gateways all that the run in `folder` wrote down, and all balances; and
// reads the histories of a sample of accounts, the hottest among them. Memory: a few bytes an
// account, plus one history. `progress` is told now and then how many rows are done.
absl::StatusOr<CheckResult> Check(Gateways& gateways, const std::string& folder,
                                  base::FileSystem& files,
                                  const std::function<void(uint64_t)>& progress);

}  // namespace lab
