// What every benchmark reports beside its own numbers; README.md of the benchmarks has the
// convention.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace benchmarks {

struct Figure {
  std::string figure;  // As the table prints it.
  double measured = 0;
  std::string unit;  // "transfers/s", "ms": also says which way is better.
  std::optional<double> to_reach = std::nullopt;  // What we promise; none: for comparison only.
  std::optional<double> limit = std::nullopt;     // What the disk or one core gave in the same run.
};

// The array that belongs under "figures".
nlohmann::json ToJson(const std::vector<Figure>& figures);

// For people: 8190 as "8,190".
std::string Grouped(uint64_t number);

// Seconds since an arbitrary start.
double SecondsNow();

}  // namespace benchmarks
