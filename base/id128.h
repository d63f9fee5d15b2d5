#pragma once

#include <compare>
#include <cstdint>

#include "absl/strings/str_format.h"

namespace base {

// A 128-bit id as clients know it: high * 2^64 + low. 0 and the largest value name nothing.
struct Id128 {
  uint64_t high = 0;
  uint64_t low = 0;

  friend auto operator<=>(const Id128&, const Id128&) = default;  // NOLINT(modernize-use-nullptr)
  bool IsZero() const { return high == 0 && low == 0; }
  bool IsMax() const { return high == UINT64_MAX && low == UINT64_MAX; }

  template <typename H>
  friend H AbslHashValue(H h, const Id128& id) {
    return H::combine(std::move(h), id.high, id.low);
  }
};

// 32 hexadecimal digits.
inline std::string ToString(const Id128& id) {
  return absl::StrFormat("%016x%016x", id.high, id.low);
}

}  // namespace base
