#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/numeric/int128.h"
#include "base/huge_pages.h"
#include "base/id128.h"
#include "base/invariant.h"
#include "base/prefetch.h"

namespace ledger {

// From an id to the number of its row, at 5.6 to 6.9 bytes a row: a table of 32-bit slots, open
// addressing, in chunks that never move. The ids stand in the rows: `id_of(row)` gives them.
//
// A hash belongs to slot floor(hash * slots / 2^64), so slots are in the order of hashes and any
// number of slots will do. To grow, chunks are added behind, and what is there moves up from the
// highest hash down, a few slots with each insert. Meanwhile hashes from `boundary_` up stand as
// the new number of slots says, those below as the old one. Nothing is ever copied as a whole: no
// insert takes long and no second table is held.
//
// Not thread-safe.
class RowIndex {
 public:
  using Id = base::Id128;
  // 28 bits name the row, the other 4 spare most looks at rows of other ids.
  static constexpr uint64_t kRowsMax = (uint64_t{1} << 28) - 1;

  RowIndex() { AddChunks(); }

  uint64_t size() const { return size_; }
  uint64_t bytes() const { return chunks_.size() * kChunkSlots * sizeof(uint32_t); }

  template <typename IdOf>
  std::optional<uint32_t> Find(const Id& id, const IdOf& id_of) const {
    const uint64_t hash = HashOf(id);
    const uint32_t tag = TagOf(hash);
    for (uint64_t at = Home(hash); Slot(at) != kEmpty; ++at) {
      const uint32_t slot = Slot(at);
      if ((slot & kTagMask) == tag && id_of(RowOf(slot)) == id) return RowOf(slot);
    }
    return std::nullopt;
  }

  // `id` is not there; id_of(row) gives it already.
  template <typename IdOf>
  void Insert(const Id& id, uint32_t row, const IdOf& id_of) {
    INVARIANT(row < kRowsMax);
    const uint64_t hash = HashOf(id);
    Put(hash, TagOf(hash) | (row + 1));
    ++size_;
    if (boundary_ == 0 && size_ > slots_ / 25 * 18) BeginGrowth();
    if (boundary_ != 0) MoveSome(id_of);
  }

  // Room for so many without growing; only while it is empty.
  void Reserve(uint64_t rows) {
    INVARIANT(size_ == 0 && rows <= kRowsMax);
    slots_ = std::max(slots_, rows / 18 * 25 + 50);
    AddChunks();
  }

  // `id` is there.
  template <typename IdOf>
  void Erase(const Id& id, const IdOf& id_of) {
    const uint64_t hash = HashOf(id);
    uint64_t at = Home(hash);
    while ((Slot(at) & kTagMask) != TagOf(hash) || id_of(RowOf(Slot(at))) != id) {
      INVARIANT(Slot(at) != kEmpty);
      ++at;
    }
    Slot(at) = kEmpty;
    --size_;
    // What stood behind it may have been there only because its own slot was taken.
    uint64_t end = at + 1;
    while (Slot(end) != kEmpty) ++end;
    TakeOut(at + 1, end);
    PutBack(id_of);
  }

  // Two steps, each some time before the next, so that the memory is there when Find needs it.
  void PrefetchSlot(const Id& id) const { base::Prefetch(&Slot(Home(HashOf(id)))); }
  template <typename Prefetch>
  void PrefetchRow(const Id& id, const Prefetch& prefetch) const {
    const uint64_t hash = HashOf(id);
    const uint32_t tag = TagOf(hash);
    for (uint64_t at = Home(hash); Slot(at) != kEmpty; ++at) {
      if ((Slot(at) & kTagMask) == tag) return prefetch(RowOf(Slot(at)));
    }
  }

 private:
  static constexpr uint32_t kEmpty = 0;  // Else tag, row + 1.
  static constexpr uint32_t kTagMask = 0xF0000000;
  static constexpr uint64_t kChunkSlots = base::kHugePageBytes / sizeof(uint32_t);
  static constexpr uint64_t kSlotsFirst = 256;
  static constexpr uint64_t kMovedAtOnce = 16;  // So growing ends long before the next one begins.

  // Even: so below the largest value, which stands for "all are below".
  static uint64_t HashOf(const Id& id) {
    return Mix(id.low ^ Mix(id.high + 0x9E3779B97F4A7C15)) & ~uint64_t{1};
  }
  static uint64_t Mix(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
    return x ^ (x >> 31);
  }
  static uint32_t TagOf(uint64_t hash) { return static_cast<uint32_t>(hash << 27) & kTagMask; }
  static uint32_t RowOf(uint32_t slot) { return (slot & ~kTagMask) - 1; }
  static uint64_t Place(uint64_t hash, uint64_t slots) {
    return absl::Uint128High64(absl::uint128(hash) * slots);
  }

  uint64_t Home(uint64_t hash) const {
    return Place(hash, hash >= boundary_ ? slots_ : slots_old_);
  }
  uint32_t& Slot(uint64_t at) { return slots_at_[at / kChunkSlots][at % kChunkSlots]; }
  const uint32_t& Slot(uint64_t at) const { return slots_at_[at / kChunkSlots][at % kChunkSlots]; }

  // Room for all slots, and an empty one at the end where every search stops.
  void AddChunks() {
    while (chunks_.size() * kChunkSlots <= slots_) AddChunk();
  }
  void AddChunk() {
    chunks_.push_back(base::AllocateHugePage(!chunks_.empty()));
    slots_at_.push_back(static_cast<uint32_t*>(chunks_.back().get()));
  }

  void Put(uint64_t hash, uint32_t slot) {
    uint64_t at = Home(hash);
    while (Slot(at) != kEmpty) ++at;
    Slot(at) = slot;
    if (at + 1 == chunks_.size() * kChunkSlots) AddChunk();
  }

  void BeginGrowth() {
    slots_old_ = slots_;
    slots_ += slots_ / 4;
    boundary_ = UINT64_MAX;
    AddChunks();
  }

  // Moves the boundary down by some slots. What is taken out lies between two empty slots, so no
  // search ever ends before it should.
  template <typename IdOf>
  void MoveSome(const IdOf& id_of) {
    const uint64_t first_moved = Place(boundary_, slots_old_);
    uint64_t end = first_moved;
    while (Slot(end) != kEmpty) ++end;
    uint64_t begin = first_moved - std::min(first_moved, kMovedAtOnce);
    while (begin > 0 && Slot(begin - 1) != kEmpty) --begin;
    TakeOut(begin, end);
    // The lowest hash whose old place is `begin` or behind it.
    const absl::uint128 hash = (absl::MakeUint128(begin, 0) + (slots_old_ - 1)) / slots_old_;
    boundary_ = absl::Uint128Low64(hash);
    PutBack(id_of);
  }

  void TakeOut(uint64_t begin, uint64_t end) {
    for (uint64_t at = begin; at < end; ++at) {
      if (Slot(at) != kEmpty) taken_.push_back(Slot(at));
      Slot(at) = kEmpty;
    }
  }
  template <typename IdOf>
  void PutBack(const IdOf& id_of) {
    for (const uint32_t slot : taken_) base::Prefetch(&id_of(RowOf(slot)));
    for (const uint32_t slot : taken_) Put(HashOf(id_of(RowOf(slot))), slot);
    taken_.clear();
  }

  std::vector<base::HugePage> chunks_;
  std::vector<uint32_t*> slots_at_;
  uint64_t size_ = 0;
  uint64_t slots_ = kSlotsFirst;
  uint64_t slots_old_ = 0;
  uint64_t boundary_ = 0;  // 0: not growing.
  std::vector<uint32_t> taken_;
};

}  // namespace ledger
