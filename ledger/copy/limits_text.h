// Limits of copies as operators write and read them.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "hamisha/ledger/v1/copy.pb.h"

namespace ledger {

// "50MB/s", "1.5 GB/s", "800kB", "0": bytes a second; only 0 goes without a unit. INVALID_ARGUMENT
// says how to write it.
absl::StatusOr<uint64_t> ParseRate(absl::string_view text);

// "22:00-06:00@10MB/s", without a rate: nothing is sent. `zone`: "+03:00", "Z".
absl::StatusOr<::hamisha::ledger::v1::QuietHours> ParseQuietHours(absl::string_view text,
                                                                  absl::string_view zone);

// A line each.
std::string ToText(const ::hamisha::ledger::v1::CopyLimits& limits);

}  // namespace ledger
