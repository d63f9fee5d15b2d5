#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/invariant.h"

namespace ledger {

// Rows that never move: grows a chunk at a time, so an append never copies what is there. Not
// thread-safe.
template <typename T, size_t kChunkRows = 4096>
class ChunkedVector {
 public:
  size_t size() const { return size_; }
  T& operator[](size_t row) { return chunks_[row / kChunkRows][row % kChunkRows]; }
  const T& operator[](size_t row) const { return chunks_[row / kChunkRows][row % kChunkRows]; }

  void push_back(T value) {
    if (size_ == chunks_.size() * kChunkRows) {
      chunks_.push_back(std::make_unique_for_overwrite<T[]>(kChunkRows));
    }
    ++size_;
    (*this)[size_ - 1] = std::move(value);
  }

  // Drops the last row; its chunk is kept.
  void pop_back() requires std::is_trivially_copyable_v<T> {
    INVARIANT(size_ > 0);
    --size_;
  }

 private:
  std::vector<std::unique_ptr<T[]>> chunks_;
  size_t size_ = 0;
};

}  // namespace ledger
