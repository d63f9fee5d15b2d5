#include "agents/runtime/call.h"

#include "absl/strings/str_cat.h"

namespace agents {

bool IsRefusal(const absl::Status& status) {
  return absl::IsFailedPrecondition(status) || absl::IsInvalidArgument(status) ||
         absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status) ||
         absl::IsUnimplemented(status) || absl::IsNotFound(status) || absl::IsOutOfRange(status);
}

hamisha::agent::v1::OrderResult MutationError(absl::string_view doing, const absl::Status& status) {
  if (IsRefusal(status)) return Failed(absl::StrCat(doing, ": ", status.message()));
  return Unknown(absl::StrCat(doing, ": no answer (", status.message(),
                              "), so it may have happened or not: probe it"));
}

hamisha::agent::v1::OrderResult ReadError(absl::string_view doing, const absl::Status& status) {
  if (IsRefusal(status)) return Failed(absl::StrCat(doing, ": ", status.message()));
  return Failed(absl::StrCat(doing, ": no answer (", status.message(),
                             "): see that the server's program runs and can be reached"));
}

std::string WithThousands(uint64_t number) {
  std::string digits = absl::StrCat(number);
  for (size_t place = digits.size(); place > 3;) {
    place -= 3;
    digits.insert(place, 1, ',');
  }
  return digits;
}

}  // namespace agents
