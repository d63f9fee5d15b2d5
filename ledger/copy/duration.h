#pragma once

#include <google/protobuf/duration.pb.h>

#include "absl/time/time.h"

namespace ledger {

inline google::protobuf::Duration ToProto(absl::Duration duration) {
  constexpr int64_t kNsPerSecond = 1'000'000'000;
  google::protobuf::Duration message;
  message.set_seconds(absl::ToInt64Nanoseconds(duration) / kNsPerSecond);
  message.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration) % kNsPerSecond));
  return message;
}

inline absl::Duration FromProto(const google::protobuf::Duration& message) {
  return absl::Seconds(message.seconds()) + absl::Nanoseconds(message.nanos());
}

}  // namespace ledger
