#pragma once

#include <compare>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace orchestrator {

// A decimal number, exact whatever its size: positions and sums do not fit a double.
class Decimal {
 public:
  // "1204", "-0.5": digits, at most one point with digits on both sides, at most 64 letters.
  static std::optional<Decimal> Parse(absl::string_view text);

  friend bool operator==(const Decimal& a, const Decimal& b) = default;
  friend std::strong_ordering operator<=>(const Decimal& a, const Decimal& b);

 private:
  bool negative_ = false;  // Never of zero.
  std::string whole_;      // Without leading zeros: "" for less than one.
  std::string fraction_;   // Without trailing zeros.
};

// "150ms", "1h30m", "-2s": finite, with units.
std::optional<absl::Duration> ParseFiniteDuration(absl::string_view text);

}  // namespace orchestrator
