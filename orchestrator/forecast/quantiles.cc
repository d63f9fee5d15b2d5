#include "orchestrator/forecast/quantiles.h"

#include <algorithm>
#include <cmath>

#include "base/invariant.h"

namespace orchestrator {
namespace {

constexpr size_t kSamplesMax = 16;
constexpr size_t kPointsMin = 256;     // So many points stand for all samples together.
constexpr double kP90Normal = 1.2816;  // The P90 of the standard normal distribution.
constexpr double kSpread = 0.3164;     // ln(1.5) / kP90Normal: P90 = 1.5 × P50.

// The standard normal distribution's quantile, by halving: it is only used to make tables.
double Normal(double probability) {
  double low = -6;
  double high = 6;
  for (int i = 0; i < 50; ++i) {
    const double middle = (low + high) / 2;
    const double below = std::erfc(-middle / std::sqrt(2.0)) / 2;
    (below < probability ? low : high) = middle;
  }
  return low;
}

// `count` equally likely values of the standard normal distribution.
std::vector<double> NormalPoints(size_t count) {
  std::vector<double> points;
  for (size_t i = 0; i < count; ++i) {
    points.push_back(Normal((static_cast<double>(i) + 0.5) / static_cast<double>(count)));
  }
  return points;
}

const std::vector<double>& PointsFor(size_t samples) {
  static const std::vector<std::vector<double>> tables = [] {
    std::vector<std::vector<double>> by_samples(1);
    for (size_t n = 1; n <= kSamplesMax; ++n) {
      by_samples.push_back(NormalPoints((kPointsMin + n - 1) / n));
    }
    return by_samples;
  }();
  return tables[samples];
}

}  // namespace

Quantiles Quantiles::Fixed(absl::Duration duration) {
  Quantiles quantiles;
  quantiles.seconds_.fill(static_cast<float>(absl::ToDoubleSeconds(duration)));
  return quantiles;
}

Quantiles Quantiles::Between(absl::Duration p50, absl::Duration p90, absl::Duration longest) {
  INVARIANT(p50 > absl::ZeroDuration() && p90 >= p50);
  static const std::vector<double> points = NormalPoints(kCount);
  const double spread = std::log(absl::FDivDuration(p90, p50)) / kP90Normal;
  const double most = absl::ToDoubleSeconds(longest);
  Quantiles quantiles;
  for (size_t i = 0; i < kCount; ++i) {
    const double seconds = absl::ToDoubleSeconds(p50) * std::exp(spread * points[i]);
    quantiles.seconds_[i] = static_cast<float>(std::min(seconds, most));
  }
  return quantiles;
}

Quantiles Quantiles::OfSamples(const std::vector<double>& seconds) {
  INVARIANT(!seconds.empty());
  const size_t count = std::min(seconds.size(), kSamplesMax);
  const std::vector<double>& points = PointsFor(count);
  const double spread = kSpread / std::sqrt(static_cast<double>(count));
  std::vector<double> factors;
  factors.reserve(points.size());
  for (const double point : points) factors.push_back(std::exp(spread * point));
  std::vector<float> all;
  all.reserve(count * points.size());
  for (size_t i = seconds.size() - count; i < seconds.size(); ++i) {
    for (const double factor : factors) all.push_back(static_cast<float>(seconds[i] * factor));
  }
  std::sort(all.begin(), all.end());
  Quantiles quantiles;
  for (size_t i = 0; i < kCount; ++i) {
    quantiles.seconds_[i] = all[(2 * i + 1) * all.size() / (2 * kCount)];
  }
  return quantiles;
}

Quantiles Quantiles::After(absl::Duration elapsed) const {
  if (elapsed <= absl::ZeroDuration()) return *this;
  const auto passed = static_cast<float>(absl::ToDoubleSeconds(elapsed));
  const auto first = std::upper_bound(seconds_.begin(), seconds_.end(), passed);
  if (first == seconds_.end()) {
    return Between(elapsed / 2, elapsed, absl::InfiniteDuration());
  }
  const auto left = static_cast<size_t>(seconds_.end() - first);
  const auto skipped = kCount - left;
  Quantiles quantiles;
  for (size_t i = 0; i < kCount; ++i) {
    quantiles.seconds_[i] = seconds_[skipped + i * left / kCount] - passed;
  }
  return quantiles;
}

Quantiles Quantiles::Times(double factor) const {
  Quantiles quantiles;
  for (size_t i = 0; i < kCount; ++i) {
    quantiles.seconds_[i] = static_cast<float>(static_cast<double>(seconds_[i]) * factor);
  }
  return quantiles;
}

absl::Duration Quantiles::DurationAt(double probability) const {
  const double place = probability * kCount - 0.5;
  const auto below = static_cast<size_t>(place);
  const double part = place - static_cast<double>(below);
  const double seconds = static_cast<double>(seconds_[below]) * (1 - part) +
                         static_cast<double>(seconds_[below + 1]) * part;
  return absl::Seconds(seconds);
}

}  // namespace orchestrator
