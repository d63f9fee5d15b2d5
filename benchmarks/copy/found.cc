#include "benchmarks/copy/found.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "benchmarks/common/figures.h"

namespace benchmarks {
namespace {

double P99Milliseconds(const lab::Histogram& latency_us) {
  return static_cast<double>(latency_us.Percentile(0.99)) / 1e3;
}

// proc_stat(5): the eighth figure of the first line, in clock ticks, of all processors.
uint64_t StolenTicks() {
  std::ifstream stat("/proc/stat");
  std::string name;
  stat >> name;
  uint64_t ticks = 0;
  for (int i = 0; i < 8; ++i) stat >> ticks;
  return stat ? ticks : 0;
}

}  // namespace

double StolenTime::Share() {
  const uint64_t ticks = StolenTicks();
  const double now_s = SecondsNow();
  const double stolen_s =
      static_cast<double>(ticks - ticks_) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  const double share = stolen_s / std::max(now_s - since_s_, 1e-3);
  ticks_ = ticks;
  since_s_ = now_s;
  return share;
}

void Found::Add(const lab::Histogram& second_us, double stolen_share) {
  latency_us_.Merge(second_us);
  if (stolen_share < kUndisturbed) undisturbed_us_.Merge(second_us);
  p99_by_second_ms_.push_back(P99Milliseconds(second_us));
  stolen_by_second_.push_back(stolen_share);
}

double Found::p99_ms() const { return P99Milliseconds(latency_us_); }

double Found::undisturbed_p99_ms() const { return P99Milliseconds(undisturbed_us_); }

double Found::median_second_ms() const {
  if (p99_by_second_ms_.empty()) return 0;
  std::vector<double> sorted = p99_by_second_ms_;
  std::sort(sorted.begin(), sorted.end());
  return sorted[sorted.size() / 2];
}

nlohmann::json Found::ToJson() const {
  return {{"customers", customers()},
          {"p99_ms", p99_ms()},
          {"p99_by_second_ms", p99_by_second_ms_},
          {"p99_of_median_second_ms", median_second_ms()},
          {"stolen_by_second", stolen_by_second_},
          {"undisturbed_customers", undisturbed_customers()},
          {"undisturbed_p99_ms", undisturbed_p99_ms()}};
}

}  // namespace benchmarks
