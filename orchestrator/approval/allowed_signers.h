#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "orchestrator/plan/plan.h"

namespace orchestrator {

// INVALID_ARGUMENT unless it is what a public key file of OpenSSH has: type, base64 and, perhaps, a
// comment, on one line. Pure.
absl::Status CheckKey(absl::string_view key);

// The file that `ssh-keygen -Y verify -f` takes: a line for each of the people who has a key, good
// for approvals only. INVALID_ARGUMENT names the first whose key, or name, is none. Pure.
absl::StatusOr<std::string> AllowedSigners(const std::vector<Person>& people);

}  // namespace orchestrator
