#pragma once

#include <string>

#include "absl/status/status.h"
#include "base/file_system.h"

namespace ledger {

// At a start, before anything in the node's data folder is opened: when a copy came in whole, makes
// it the node's snapshot and history, and the log one that begins behind it. Nothing happens
// without one. After an error or a crash at any point the next call goes on. `DATA_LOSS` when what
// says that it is whole is damaged.
absl::Status FinishCopy(base::FileSystem& files, const std::string& data_dir);

// Removes what is left of a copy in a node that has records: it is of no use to it.
absl::Status RemoveIncoming(base::FileSystem& files, const std::string& data_dir);

}  // namespace ledger
