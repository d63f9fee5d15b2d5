#pragma once

#include <cstdint>
#include <vector>

namespace lab {

// Counts values in buckets of at most 1/64 of their size, so that percentiles of a long run take
// little memory. Not thread-safe.
class Histogram {
 public:
  void Add(uint64_t value);
  void Merge(const Histogram& other);
  void Clear();

  uint64_t count() const { return count_; }
  uint64_t max() const { return max_; }  // Exact; 0 when empty.
  // The smallest value that `share` (0..1) of all values do not exceed, at most 1/64 above it; 0
  // when empty.
  uint64_t Percentile(double share) const;

 private:
  std::vector<uint64_t> buckets_;
  uint64_t count_ = 0;
  uint64_t max_ = 0;
};

}  // namespace lab
