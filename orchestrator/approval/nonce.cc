#include "orchestrator/approval/nonce.h"

#include "absl/strings/str_cat.h"
#include "base/hash.h"

namespace orchestrator {

std::string NonceOf(absl::string_view salt, absl::string_view step, absl::Time asked) {
  // Neither the salt nor a step's id has a line end.
  const std::string text =
      absl::StrCat("hamisha-nonce-v1\n", salt, "\n", step, "\n", absl::ToUnixNanos(asked));
  return base::ToHex(base::Sha256Of(text)).substr(0, 32);
}

}  // namespace orchestrator
