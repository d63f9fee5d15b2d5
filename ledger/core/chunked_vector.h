#pragma once

#include <bit>
#include <cstddef>
#include <type_traits>
#include <vector>

#include "base/huge_pages.h"
#include "base/invariant.h"

namespace ledger {

// Rows that never move: grows a chunk at a time, so an append never copies what is there. Not
// thread-safe.
template <typename T>
requires std::is_trivially_copyable_v<T>
class ChunkedVector {
 public:
  static constexpr size_t kChunkRows = std::bit_floor(base::kHugePageBytes / sizeof(T));

  // There will be many rows: memory comes in whole chunks from the first one on, which nobody waits
  // for (base::AllocateHugePage). Before the first row.
  void ExpectMany() { is_large_ = true; }

  size_t size() const { return size_; }
  T& operator[](size_t row) { return rows_[row / kChunkRows][row % kChunkRows]; }
  const T& operator[](size_t row) const { return rows_[row / kChunkRows][row % kChunkRows]; }

  void push_back(const T& value) {
    if (size_ == rows_.size() * kChunkRows) AddChunk();
    (*this)[size_] = value;
    ++size_;
  }

  // Drops the last row; its chunk is kept.
  void pop_back() {
    INVARIANT(size_ > 0);
    --size_;
  }

 private:
  // The first chunk takes memory only as it fills: most ledgers of a test are small.
  void AddChunk() {
    chunks_.push_back(base::AllocateHugePage(is_large_ || !chunks_.empty()));
    rows_.push_back(static_cast<T*>(chunks_.back().get()));
  }

  std::vector<base::HugePage> chunks_;
  std::vector<T*> rows_;
  size_t size_ = 0;
  bool is_large_ = false;
};

}  // namespace ledger
