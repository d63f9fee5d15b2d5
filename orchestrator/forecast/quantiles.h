#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "absl/time/time.h"

namespace orchestrator {

// How long something takes, as 64 equally likely durations in seconds, ascending: drawing is one
// look into the table. P50 and P90 are read off between them.
//
// Spread: where one duration is all that is known it is the median of a log-normal distribution
// with P90 = 1.5 × P50. Of n samples each is spread likewise, but by 1/√n of it (in the exponent),
// and all count the same.
class Quantiles {
 public:
  static constexpr size_t kCount = 64;

  Quantiles() { seconds_.fill(0); }
  static Quantiles Fixed(absl::Duration duration);
  // Log-normal; p90 >= p50 > 0. Nothing of it is longer than `longest`.
  static Quantiles Between(absl::Duration p50, absl::Duration p90, absl::Duration longest);
  // Of samples in seconds, at least one; 16 at most are looked at: the last ones.
  static Quantiles OfSamples(const std::vector<double>& seconds);

  // What is left after `elapsed`: the durations that are longer, less what has passed. When none of
  // them is, it takes longer than was ever seen: then another half of what has passed is the
  // median, and all of it again the P90.
  Quantiles After(absl::Duration elapsed) const;
  Quantiles Times(double factor) const;

  float At(size_t index) const { return seconds_[index]; }
  const float* data() const { return seconds_.data(); }
  absl::Duration P50() const { return DurationAt(0.5); }
  absl::Duration P90() const { return DurationAt(0.9); }
  bool empty() const { return seconds_.back() <= 0; }  // Takes no time.

 private:
  absl::Duration DurationAt(double probability) const;

  std::array<float, kCount> seconds_;
};

}  // namespace orchestrator
