#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "base/invariant.h"

namespace ledger {

// Rows in pages that can be frozen: another thread then reads them as they were at that moment,
// while this one goes on. A frozen page is copied before its first change (copy on write), so
// freezing takes time in proportion to the number of pages, some 0.1 ms for a GiB, and a change
// at most that of copying a page.
//
// A reference that was taken before Freeze() must not be used to change a row after it.
template <typename T, size_t kPageRows>
class CowRows {
  static_assert(std::is_trivially_copyable_v<T>);
  struct FreePage {
    void operator()(T* rows) const { std::free(rows); }
  };
  using Page = std::unique_ptr<T, FreePage>;

 public:
  // What was frozen. Reads need no lock; to be destroyed before the rows.
  class Frozen {
   public:
    uint64_t size() const { return size_; }
    size_t pages() const { return pages_.size(); }
    absl::Span<const T> page(size_t number) const {
      const uint64_t first = uint64_t{number} * kPageRows;
      return {pages_[number], static_cast<size_t>(std::min<uint64_t>(kPageRows, size_ - first))};
    }

   private:
    friend class CowRows;
    std::vector<const T*> pages_;
    uint64_t size_ = 0;
  };
  // Pages that only what was frozen still used. Destroying them takes time.
  using Garbage = std::vector<Page>;

  uint64_t size() const { return size_; }
  const T& operator[](uint64_t row) const { return pages_[row / kPageRows].get()[row % kPageRows]; }
  // To change it.
  T& operator[](uint64_t row) {
    if (row < frozen_size_) [[unlikely]] KeepFrozen(row / kPageRows);
    return pages_[row / kPageRows].get()[row % kPageRows];
  }

  void push_back(const T& value) {
    if (size_ == pages_.size() * kPageRows) pages_.push_back(NewPage());
    // A row behind what is frozen: its page need not be copied for it.
    pages_[size_ / kPageRows].get()[size_ % kPageRows] = value;
    ++size_;
  }
  // Drops the last row, which is not frozen.
  void pop_back() {
    INVARIANT(size_ > frozen_size_);
    --size_;
  }

  // At most one at a time.
  Frozen Freeze() {
    INVARIANT(frozen_size_ == 0);
    Frozen frozen;
    frozen.size_ = size_;
    frozen.pages_.reserve(pages_.size());
    for (const Page& page : pages_) frozen.pages_.push_back(page.get());
    frozen.pages_.resize((size_ + kPageRows - 1) / kPageRows);
    frozen_size_ = size_;
    is_copied_.assign(pages_.size(), false);
    return frozen;
  }
  // Nobody reads what was frozen any more.
  Garbage Thaw() {
    frozen_size_ = 0;
    return std::exchange(kept_, {});
  }
  uint64_t bytes() const { return (pages_.size() + kept_.size()) * kPageRows * sizeof(T); }

 private:
  static Page NewPage() {
    constexpr size_t kAlignment = 64;
    T* const rows = static_cast<T*>(std::aligned_alloc(kAlignment, kPageRows * sizeof(T)));
    if (rows == nullptr) throw std::bad_alloc();
    return Page(rows);
  }

  void KeepFrozen(uint64_t page) {
    if (is_copied_[page]) return;
    is_copied_[page] = true;
    Page copy = NewPage();
    // All of it: rows behind the frozen ones are in use too.
    const uint64_t rows = std::min<uint64_t>(kPageRows, size_ - page * kPageRows);
    std::copy_n(pages_[page].get(), rows, copy.get());
    kept_.push_back(std::exchange(pages_[page], std::move(copy)));
  }

  std::vector<Page> pages_;
  uint64_t size_ = 0;
  uint64_t frozen_size_ = 0;  // 0: nothing is frozen.
  std::vector<bool> is_copied_;
  Garbage kept_;
};

}  // namespace ledger
