#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "ledger/core/transfer_store.h"
#include "ledger/core/types.h"
#include "ledger/history/lazy_array.h"
#include "ledger/history/radix_sort.h"

namespace ledger {

struct BurntId {
  Id128 id;
  uint64_t number;  // 1, 2, 3, …: the shard's first, second, third burnt id.
};

// A stretch of newest transfers, in memory until it stands on the disk: rows in order of time,
// found by id, and by account with the help of an index that follows behind.
//
// One thread adds, finds by id and publishes. Any thread may read what was published; one of them
// indexes.
class Window {
 public:
  // Takes `transfers_max`, as many burnt ids, and what the batch that reaches it still holds. Takes
  // its time for one of millions: the memory that is hit at random is there then.
  explicit Window(uint32_t transfers_max);

  // --- The adding thread ---
  bool IsFull() const { return transfers_ >= transfers_max_ || burnt_.size() >= transfers_max_; }
  bool IsEmpty() const { return transfers_ == 0 && burnt_.empty(); }
  // Whether a transfer's id may be the one, as the ids' range says.
  bool MayHold(const Id128& id) const { return id_min_ <= id && id <= id_max_; }
  // A Find or an Add of the id comes soon.
  void Prefetch(const Id128& id) const;
  // Null when it is not there, for most ids after a look at two numbers.
  const Transfer* Find(const Id128& id) const;
  // The number it was burnt under.
  std::optional<uint64_t> FindBurnt(const Id128& id) const;
  // The post or void transfer that names `pending_id`.
  const Transfer* FindResolving(const Id128& pending_id) const;
  bool HasTimestamp(uint64_t timestamp_ns) const;
  uint64_t newest_ns() const { return transfers_ == 0 ? 0 : rows_[transfers_ - 1].timestamp_ns; }
  void Add(const Transfer& transfer);
  void AddBalances(const BalanceRow& row);
  void Burn(const BurntId& burnt);
  uint32_t transfers() const { return transfers_; }
  uint32_t balances() const { return balances_; }
  // Back to earlier counts, at or above what was published.
  void RollBack(uint32_t transfers, uint32_t balances);
  // What was added is there for all threads.
  void Publish();
  // Drops what was not published.
  void Forget();

  // --- Any thread ---
  absl::Span<const Transfer> published() const {
    return {rows_.data(), published_.load(std::memory_order_acquire)};
  }
  // Of the transfer of that time, published; empty when its accounts keep no history.
  absl::Span<const BalanceRow> BalancesAt(uint64_t timestamp_ns) const;
  // Rows of the account's transfers among the first `count`, in order.
  std::vector<uint32_t> RowsOfAccount(const Id128& account_id, uint32_t count) const;

  // --- The indexing thread ---
  // Indexes one more part of what was published; false when there was none.
  bool IndexSome();

  // --- Once nothing is added any more ---
  absl::Span<const BurntId> burnt() const { return burnt_; }
  // Empty as at first, with its memory kept. Once nobody reads any more.
  void Reset();

 private:
  static constexpr uint32_t kChunkRows = 1 << 14;

  uint64_t SlotOf(const Id128& id) const;
  void Drop(const Transfer& transfer);

  const uint32_t transfers_max_;
  LazyArray<Transfer> rows_;
  LazyArray<BalanceRow> balance_rows_;
  uint32_t transfers_ = 0;
  uint32_t balances_ = 0;
  Id128 id_min_ = {UINT64_MAX, UINT64_MAX};  // Of transfers that were added, as numbers.
  Id128 id_max_;
  // Found by hash and linear probing; the tag, of the hash too, spares most looks at other rows.
  struct Slot {
    uint32_t row_and_one;  // 0: free.
    uint32_t tag;
  };
  LazyArray<Slot> slots_;
  absl::flat_hash_map<Id128, uint32_t> resolving_;  // Pending id → row.
  std::vector<BurntId> burnt_;
  absl::flat_hash_map<Id128, uint64_t> burnt_numbers_;
  size_t burnt_published_ = 0;

  std::atomic<uint32_t> published_ = 0;
  std::atomic<uint32_t> balances_published_ = 0;

  // A chunk's accounts with their rows, by the account's `low`.
  std::vector<std::vector<KeyedRow>> chunks_;
  std::atomic<uint32_t> indexed_ = 0;
};

}  // namespace ledger
