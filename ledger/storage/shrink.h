#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "base/file_system.h"

namespace ledger {

// What goes on between two steps of giving a large file up; an error ends it.
using Pause = std::function<absl::Status()>;

// Removes a file that nobody uses any more, a large one in steps: a file system that gives the
// blocks of gigabytes back at once makes every sync wait meanwhile. One with another name only
// loses this one. After an error the rest of it is still there.
absl::Status RemoveInSteps(base::FileSystem& files, const std::string& path, const Pause& pause);

}  // namespace ledger
