#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace orchestrator {

// What a signature about a step of a run must carry: 32 hexadecimal digits. `salt` is the run's
// own, made by chance when it begins, and `asked` when people were last asked about the step: to
// approve what has been rejected, failed and is asked again needs a new signature. For acts about
// the whole run `step` is "". Pure.
std::string NonceOf(absl::string_view salt, absl::string_view step, absl::Time asked);

}  // namespace orchestrator
