#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "lab/load/histogram.h"

namespace benchmarks {

// What the host of this virtual machine gave to others while our threads wanted it.
class StolenTime {
 public:
  StolenTime() { Share(); }
  // Of one processor, since the last call; 0 where the kernel does not say.
  double Share();

 private:
  uint64_t ticks_ = 0;
  double since_s_ = 0;
};

// What customers found: all together, and each second by itself, for one pause of the disk or of
// the machine, as shared ones have, is in the former only; and all of the seconds of which the host
// took less than kUndisturbed of a processor. Not thread-safe.
class Found {
 public:
  static constexpr double kUndisturbed = 0.05;

  void Add(const lab::Histogram& second_us, double stolen_share);

  uint64_t customers() const { return latency_us_.count(); }
  double p99_ms() const;
  double median_second_ms() const;
  uint64_t undisturbed_customers() const { return undisturbed_us_.count(); }
  double undisturbed_p99_ms() const;
  nlohmann::json ToJson() const;

 private:
  lab::Histogram latency_us_;
  lab::Histogram undisturbed_us_;
  std::vector<double> p99_by_second_ms_;
  std::vector<double> stolen_by_second_;
};

}  // namespace benchmarks
