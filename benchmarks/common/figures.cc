#include "benchmarks/common/figures.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace benchmarks {

nlohmann::json ToJson(const std::vector<Figure>& figures) {
  nlohmann::json array = nlohmann::json::array();
  const auto number = [](const std::optional<double>& value) {
    return value.has_value() ? nlohmann::json(*value) : nlohmann::json();
  };
  for (const Figure& figure : figures) {
    array.push_back({{"figure", figure.figure},
                     {"measured", figure.measured},
                     {"unit", figure.unit},
                     {"to_reach", number(figure.to_reach)},
                     {"limit", number(figure.limit)}});
  }
  return array;
}

std::string Grouped(uint64_t number) {
  if (number < 1'000) return absl::StrCat(number);
  return absl::StrCat(Grouped(number / 1'000), ",", absl::Dec(number % 1'000, absl::kZeroPad3));
}

double SecondsNow() { return absl::ToDoubleSeconds(base::SystemClock().MonotonicNow()); }

}  // namespace benchmarks
