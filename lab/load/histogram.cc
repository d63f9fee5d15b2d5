#include "lab/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace lab {
namespace {

constexpr int kSubBits = 6;  // 64 buckets for each power of two.
constexpr uint64_t kSub = 1 << kSubBits;

size_t BucketOf(uint64_t value) {
  if (value < kSub) return value;
  const auto shift = static_cast<int>(std::bit_width(value)) - 1 - kSubBits;
  return (static_cast<uint64_t>(shift) + 1) * kSub + ((value >> shift) - kSub);
}

uint64_t UpperOf(size_t bucket) {
  if (bucket < kSub) return bucket;
  const uint64_t shift = bucket / kSub - 1;
  return ((bucket % kSub + kSub + 1) << shift) - 1;
}

}  // namespace

void Histogram::Add(uint64_t value) {
  const size_t bucket = BucketOf(value);
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  ++buckets_[bucket];
  ++count_;
  max_ = std::max(max_, value);
}

void Histogram::Merge(const Histogram& other) {
  if (other.buckets_.size() > buckets_.size()) buckets_.resize(other.buckets_.size());
  for (size_t bucket = 0; bucket < other.buckets_.size(); ++bucket) {
    buckets_[bucket] += other.buckets_[bucket];
  }
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

void Histogram::Clear() {
  std::fill(buckets_.begin(), buckets_.end(), 0);
  count_ = 0;
  max_ = 0;
}

uint64_t Histogram::Percentile(double share) const {
  const auto wanted =
      std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_))));
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen >= wanted) return std::min(UpperOf(bucket), max_);
  }
  return max_;
}

}  // namespace lab
