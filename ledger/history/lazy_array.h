#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

namespace ledger {

// Room for a fixed number of rows that uses memory only as far as it was touched, and whose rows
// never move. What was not assigned must not be read. Rows are one thread's to write; others may
// read those that they were told of.
template <typename T>
class LazyArray {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  explicit LazyArray(size_t rows)
      : rows_(static_cast<T*>(std::aligned_alloc(kPageBytes, RoundUp(rows * sizeof(T))))) {
    if (rows_ == nullptr) throw std::bad_alloc();
  }
  T& operator[](size_t row) { return rows_.get()[row]; }
  const T& operator[](size_t row) const { return rows_.get()[row]; }
  const T* data() const { return rows_.get(); }

 private:
  static constexpr size_t kPageBytes = 4'096;
  static constexpr size_t RoundUp(size_t bytes) {
    return (bytes + kPageBytes) / kPageBytes * kPageBytes;
  }
  struct Free {
    void operator()(T* rows) const { std::free(rows); }
  };
  std::unique_ptr<T, Free> rows_;
};

}  // namespace ledger
