#pragma once

#include <atomic>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"

namespace benchmarks {

// Load at a source whose replica follows it from the first record on, then all state roots of both
// logs held against each other.
struct LongRun {
  std::string folder;
  uint64_t accounts = 1'000'000;
  double rate = 6'000;
  double minutes = 10;
};
absl::StatusOr<nlohmann::json> CompareRoots(const LongRun& run, const std::atomic<bool>& stop);

}  // namespace benchmarks
