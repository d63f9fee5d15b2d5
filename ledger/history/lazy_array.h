#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <new>
#include <type_traits>

#include "base/huge_pages.h"

namespace ledger {

// A fixed number of zeroed rows that use memory only as far as they were touched, in huge pages
// where the machine has them, and never move. Rows are one thread's to write; others may read those
// that they were told of.
template <typename T>
class LazyArray {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  explicit LazyArray(size_t rows) : size_(rows), bytes_(rows * sizeof(T)) {
    constexpr int kNoFile = -1;
    mapping_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, kNoFile, 0);
    if (mapping_ == MAP_FAILED) throw std::bad_alloc();
    // Advice only: without it there are more, smaller pages.
    if (bytes_ >= base::kHugePageBytes) ::madvise(mapping_, bytes_, MADV_HUGEPAGE);
  }
  ~LazyArray() { ::munmap(mapping_, bytes_); }
  // All its memory is there from now on, so that nobody waits for it later: some 2 ms a huge page.
  // Before it is used. By touching: advice to the machine would keep all threads from mapping.
  void TouchAll() {
    constexpr size_t kPageBytes = 4'096;
    auto* const bytes = static_cast<volatile char*>(mapping_);
    for (size_t at = 0; at < bytes_; at += kPageBytes) bytes[at] = 0;
  }
  // The memory of rows that are used soon is there from now on, whatever others do with it
  // meanwhile. For a part of some 2 MiB at a time: it keeps other threads from mapping as long as
  // it takes.
  void MakeReady(size_t first, size_t count) {
    const auto page = static_cast<size_t>(::getpagesize());
    const size_t begin = std::min(first * sizeof(T), bytes_) / page * page;
    const size_t end = std::min((first + count) * sizeof(T), bytes_);
    if (begin >= end) return;
    // Advice only: who touches it first waits for it otherwise.
    ::madvise(static_cast<char*>(mapping_) + begin, end - begin, MADV_POPULATE_WRITE);
  }
  LazyArray(const LazyArray&) = delete;
  LazyArray& operator=(const LazyArray&) = delete;

  size_t size() const { return size_; }
  T* data() { return static_cast<T*>(mapping_); }
  const T* data() const { return static_cast<const T*>(mapping_); }
  T& operator[](size_t row) { return data()[row]; }
  const T& operator[](size_t row) const { return data()[row]; }

 private:
  const size_t size_;
  const size_t bytes_;
  void* mapping_;
};

}  // namespace ledger
