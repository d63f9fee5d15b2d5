#include "orchestrator/forecast/quantiles.h"

#include <catch2/catch.hpp>

#include <algorithm>

namespace orchestrator {
namespace {

double P50(const Quantiles& quantiles) { return absl::ToDoubleSeconds(quantiles.P50()); }
double P90(const Quantiles& quantiles) { return absl::ToDoubleSeconds(quantiles.P90()); }

TEST_CASE("what is fixed takes just that", "[forecast]") {
  const Quantiles fixed = Quantiles::Fixed(absl::Minutes(30));
  CHECK(P50(fixed) == 1800);
  CHECK(P90(fixed) == 1800);
}

TEST_CASE("a distribution between two durations has them as P50 and P90", "[forecast]") {
  const Quantiles between =
      Quantiles::Between(absl::Seconds(10), absl::Seconds(20), absl::InfiniteDuration());
  CHECK(P50(between) == Approx(10).epsilon(0.01));
  CHECK(P90(between) == Approx(20).epsilon(0.03));
}

TEST_CASE("nothing of a distribution is longer than its longest", "[forecast]") {
  const Quantiles between =
      Quantiles::Between(absl::Seconds(10), absl::Seconds(20), absl::Seconds(21));
  CHECK(between.At(Quantiles::kCount - 1) == 21);
}

TEST_CASE("one sample is the median, and half of it more the P90", "[forecast]") {
  const Quantiles one = Quantiles::OfSamples({40});
  CHECK(P50(one) == Approx(40).epsilon(0.01));
  CHECK(P90(one) == Approx(60).epsilon(0.03));
}

TEST_CASE("many equal samples leave little spread", "[forecast]") {
  const Quantiles many = Quantiles::OfSamples(std::vector<double>(16, 40.0));
  CHECK(P50(many) == Approx(40).epsilon(0.01));
  CHECK(P90(many) == Approx(44.3).epsilon(0.02));
}

TEST_CASE("of many samples the last ones count", "[forecast]") {
  std::vector<double> seconds(20, 1.0);
  seconds.insert(seconds.end(), 16, 100.0);
  CHECK(Quantiles::OfSamples(seconds).At(0) > 50);
}

TEST_CASE("after some time the rest of the longer durations is left", "[forecast]") {
  // Half of the samples are over by then.
  const Quantiles left = Quantiles::OfSamples({1, 1, 101, 101}).After(absl::Seconds(50));
  CHECK(P50(left) == Approx(51).epsilon(0.05));
}

TEST_CASE("what takes longer than ever seen takes as long again at P90", "[forecast]") {
  const Quantiles left = Quantiles::OfSamples({1}).After(absl::Seconds(60));
  CHECK(P50(left) == Approx(30).epsilon(0.01));
  CHECK(P90(left) == Approx(60).epsilon(0.03));
}

TEST_CASE("quantiles ascend", "[forecast]") {
  const Quantiles quantiles = Quantiles::OfSamples({3, 1, 20, 4, 4});
  CHECK(std::is_sorted(quantiles.data(), quantiles.data() + Quantiles::kCount));
}

}  // namespace
}  // namespace orchestrator
