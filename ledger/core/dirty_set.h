#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace ledger {

// Which of the numbers 0, 1, 2, … are marked: a bit each. Not thread-safe.
class DirtySet {
 public:
  uint64_t size() const { return size_; }
  uint64_t bytes() const { return words_.capacity() * sizeof(uint64_t); }

  void Mark(uint64_t number) {
    const uint64_t word = number / 64;
    if (word >= words_.size()) [[unlikely]]
      words_.resize(word + 1);
    const uint64_t bit = uint64_t{1} << number % 64;
    if ((words_[word] & bit) != 0) return;
    words_[word] |= bit;
    ++size_;
  }

  // Gives the marked numbers to take(number), lowest first, until that returns false; those that it
  // took are no longer marked.
  template <typename TakeOne>
  void Take(TakeOne take) {
    for (uint64_t word = 0; word < words_.size() && size_ > 0; ++word) {
      while (words_[word] != 0) {
        if (!take(word * 64 + static_cast<uint64_t>(std::countr_zero(words_[word])))) return;
        words_[word] &= words_[word] - 1;
        --size_;
      }
    }
  }

 private:
  std::vector<uint64_t> words_;
  uint64_t size_ = 0;
};

}  // namespace ledger
