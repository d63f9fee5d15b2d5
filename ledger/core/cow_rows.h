#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "base/huge_pages.h"
#include "base/invariant.h"
#include "ledger/core/chunked_vector.h"

namespace ledger {

// Rows in pages that can be frozen: another thread then reads them as they were at that moment,
// while this one goes on. A frozen page is copied before its first change (copy on write), so
// freezing takes time in proportion to the number of pages, 2 ns each, and a change at most that
// of copying a page. Several moments may be frozen at the same time; a page that two
// of them hold is copied once. Pages come out of huge ones and are used again.
//
// A reference that was taken before Freeze() must not be used to change a row after it.
template <typename T, size_t kPageRows>
class CowRows {
  static_assert(std::is_trivially_copyable_v<T>);
  static constexpr size_t kPagesPerHuge = base::kHugePageBytes / (kPageRows * sizeof(T));
  static_assert(kPagesPerHuge > 0);
  // So many that what is noted of them would keep the caller waiting for memory.
  static constexpr uint64_t kManyPages = 4'096;

 public:
  // What was frozen. Reads need no lock; valid until it is thawed.
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
    ChunkedVector<const T*> pages_;
    uint64_t size_ = 0;
    uint64_t number_ = 0;
  };

  uint64_t size() const { return size_; }
  const T& operator[](uint64_t row) const { return pages_[row / kPageRows][row % kPageRows]; }
  // To change it.
  T& operator[](uint64_t row) {
    if (row < frozen_size_) [[unlikely]]
      KeepFrozen(row / kPageRows);
    return pages_[row / kPageRows][row % kPageRows];
  }

  void push_back(const T& value) {
    if (size_ == pages_.size() * kPageRows) {
      pages_.push_back(NewPage());
      born_.push_back(freezes_);
    }
    // A row behind what is frozen: its page need not be copied for it.
    pages_[size_ / kPageRows][size_ % kPageRows] = value;
    ++size_;
  }
  // Drops the last row, which is not frozen.
  void pop_back() {
    INVARIANT(size_ > frozen_size_);
    --size_;
  }

  Frozen Freeze() {
    Frozen frozen;
    frozen.size_ = size_;
    frozen.number_ = ++freezes_;
    const uint64_t pages = (size_ + kPageRows - 1) / kPageRows;
    if (pages > kManyPages) {
      frozen.pages_.ExpectMany();
      kept_.ExpectMany();
      free_.ExpectMany();
    }
    for (uint64_t page = 0; page < pages; ++page) frozen.pages_.push_back(pages_[page]);
    views_.push_back({frozen.number_, size_});
    ViewsChanged();
    return frozen;
  }
  // Nobody reads `frozen` any more.
  void Thaw(const Frozen& frozen) {
    const auto view = std::find_if(views_.begin(), views_.end(),
                                   [&](const View& one) { return one.number == frozen.number_; });
    INVARIANT(view != views_.end());
    views_.erase(view);
    ViewsChanged();
    size_t used = 0;
    for (size_t i = 0; i < kept_.size(); ++i) {
      const Kept kept = kept_[i];
      const bool is_seen = std::any_of(views_.begin(), views_.end(), [&](const View& one) {
        return kept.born < one.number && one.number <= kept.died;
      });
      if (is_seen) {
        kept_[used++] = kept;
      } else {
        free_.push_back(kept.page);
      }
    }
    while (kept_.size() > used) kept_.pop_back();
  }

  // Memory in use, with copies and what waits to be used again.
  uint64_t bytes() const { return handed_out_ * kPageRows * sizeof(T); }

 private:
  // Freezes are numbered from 1. A page that came when `born` of them had been holds what those
  // after it see, up to the `died`-th.
  struct View {
    uint64_t number;
    uint64_t size;
  };
  struct Kept {
    T* page;
    uint64_t born;
    uint64_t died;
  };

  void ViewsChanged() {
    frozen_size_ = 0;
    newest_view_ = 0;
    for (const View& view : views_) {
      frozen_size_ = std::max(frozen_size_, view.size);
      newest_view_ = std::max(newest_view_, view.number);
    }
  }

  T* NewPage() {
    if (free_.size() > 0) {
      T* const page = free_[free_.size() - 1];
      free_.pop_back();
      return page;
    }
    // The first takes memory only as it fills: most ledgers of a test are small.
    if (handed_out_ % kPagesPerHuge == 0) huge_.push_back(base::AllocateHugePage(!huge_.empty()));
    T* const rows = static_cast<T*>(huge_.back().get());
    return rows + handed_out_++ % kPagesPerHuge * kPageRows;
  }

  void KeepFrozen(uint64_t page) {
    if (born_[page] >= newest_view_) return;
    T* const copy = NewPage();
    // All of it: rows behind the frozen ones are in use too.
    const uint64_t rows = std::min<uint64_t>(kPageRows, size_ - page * kPageRows);
    std::copy_n(pages_[page], rows, copy);
    kept_.push_back({std::exchange(pages_[page], copy), born_[page], freezes_});
    born_[page] = freezes_;
  }

  std::vector<base::HugePage> huge_;
  uint64_t handed_out_ = 0;  // Pages of them.
  ChunkedVector<T*> free_;
  std::vector<T*> pages_;
  std::vector<uint64_t> born_;  // Of `pages_`.
  uint64_t size_ = 0;
  uint64_t freezes_ = 0;
  std::vector<View> views_;   // What is frozen now.
  uint64_t frozen_size_ = 0;  // The largest of theirs; 0: nothing is frozen.
  uint64_t newest_view_ = 0;  // Their highest number.
  ChunkedVector<Kept> kept_;  // That only views still use.
};

}  // namespace ledger
