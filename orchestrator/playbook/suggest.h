#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace orchestrator {

// How many letters must be inserted, removed, replaced or swapped with their neighbour to get from
// one to the other.
size_t EditDistance(absl::string_view a, absl::string_view b);

// The end of a message about a name that is not among `known`: ": did you mean 'seal'?" when one is
// near, else ": write one of seal, open"; "" when nothing is known.
std::string Suggest(absl::string_view wrong, const std::vector<std::string>& known);

// Text from a file made fit for a message: quoted, control characters escaped, shortened.
std::string Quoted(absl::string_view text);

}  // namespace orchestrator
