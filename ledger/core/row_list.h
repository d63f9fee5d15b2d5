#pragma once

#include <bit>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/prefetch.h"

namespace ledger {

// A growing list of row numbers, in blocks of 4, 8, 16, …: an append never copies what is there,
// the i-th is found in constant time, and an empty list is small. Not thread-safe.
class RowList {
 public:
  uint32_t size() const { return size_; }

  uint32_t operator[](uint32_t index) const {
    const Place place = PlaceOf(index);
    return blocks_[place.block][place.offset];
  }

  // Two steps, each some time before the next, so that the memory is there when Append needs it.
  void PrefetchBlock() const {
    const Place place = PlaceOf(size_);
    if (place.block < blocks_.size()) base::Prefetch(&blocks_[place.block]);
  }
  void PrefetchEnd() const {
    const Place place = PlaceOf(size_);
    if (place.block < blocks_.size()) base::Prefetch(&blocks_[place.block][place.offset]);
  }

  void Append(uint32_t row) {
    const Place place = PlaceOf(size_);
    if (place.block == blocks_.size()) {
      blocks_.push_back(std::make_unique_for_overwrite<uint32_t[]>(kFirst << place.block));
    }
    blocks_[place.block][place.offset] = row;
    ++size_;
  }

 private:
  struct Place {
    uint32_t block;
    uint64_t offset;
  };
  static constexpr uint64_t kFirst = 4;

  // Blocks before the b-th hold kFirst * (2^b - 1) rows.
  static Place PlaceOf(uint32_t index) {
    const uint64_t blocks_floor = std::bit_floor(index / kFirst + 1);
    return {static_cast<uint32_t>(std::countr_zero(blocks_floor)),
            index - kFirst * (blocks_floor - 1)};
  }

  std::vector<std::unique_ptr<uint32_t[]>> blocks_;
  uint32_t size_ = 0;
};

}  // namespace ledger
