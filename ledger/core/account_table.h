#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "ledger/core/cow_rows.h"
#include "ledger/core/dirty_set.h"
#include "ledger/core/row_index.h"
#include "ledger/core/types.h"

namespace ledger {

// What every transfer needs of an account: one cache line.
struct alignas(64) AccountRow {
  Id128 id;
  uint64_t debits_pending;
  uint64_t debits_posted;
  uint64_t credits_pending;
  uint64_t credits_posted;
  uint64_t timestamp_ns;
  uint32_t ledger;
  uint16_t code;
  uint16_t flags;  // AccountFlags and, above them, the table's own.
};
static_assert(sizeof(AccountRow) == 64);

// What only some accounts have.
struct AccountDetails {
  Id128 user_data_128;
  uint64_t user_data_64;
  uint64_t balance_max;
  uint32_t user_data_32;
  uint32_t row;  // Of the account.
};
static_assert(sizeof(AccountDetails) == 40);

// Bits of AccountRow::flags that say what stands aside; no client sees them.
inline constexpr uint16_t kHasDetails = 1 << 15;
inline constexpr uint16_t kHasBalanceMax = 1 << 14;
static_assert((AccountFlags::kKnown & (kHasDetails | kHasBalanceMax)) == 0);

// The account with all its fields; `details` are its own, null when it has none.
Account FullAccount(const AccountRow& row, const AccountDetails* details);

// The accounts of a shard: rows in order of creation and so of time, found by id. User data and the
// largest balance stand aside, for accounts that have them. An account without takes 70 bytes (74
// with the tree of the state root, which stands elsewhere), and 75 at most while the index grows.
// What may have changed is marked, in buckets of rows. Part of StateMachine; not thread-safe.
class AccountTable {
 public:
  // At most `rows_max` accounts.
  AccountTable(uint32_t shard, uint64_t rows_max) : shard_(shard), rows_max_(rows_max) {}

  uint32_t shard() const { return shard_; }
  uint64_t size() const { return rows_.size(); }
  uint64_t rows_max() const { return rows_max_; }
  bool IsFull() const { return size() >= rows_max_; }
  // To change it.
  AccountRow& operator[](uint32_t row) {
    dirty_.Mark(row / kBucketRows);
    return rows_[row];
  }
  const AccountRow& operator[](uint32_t row) const { return rows_[row]; }
  // To change it unnoticed, as damage would.
  AccountRow& RawForLab(uint32_t row) { return rows_[row]; }
  // Null when it has none.
  const AccountDetails* DetailsOf(uint32_t row) const;
  // The account with all its fields.
  Account Full(uint32_t row) const { return FullAccount(rows_[row], DetailsOf(row)); }

  std::optional<uint32_t> Find(const Id128& id) const;
  bool HasTimestamp(uint64_t timestamp_ns) const;
  uint64_t newest_timestamp_ns() const {
    return size() == 0 ? 0 : std::as_const(rows_)[size() - 1].timestamp_ns;
  }
  // First the one, some events later the other, then Find.
  void PrefetchIndex(const Id128& id) const { index_.PrefetchSlot(id); }
  void PrefetchRow(const Id128& id) const;

  // An account of a new id, later than all others; not when IsFull().
  void Add(const Account& account);
  // Drops the newest until `size` are left.
  void RollBack(uint64_t size);

  bool HasBalanceMax(uint32_t row) const { return (rows_[row].flags & kHasBalanceMax) != 0; }
  uint64_t BalanceMax(uint32_t row) const;
  void SetBalanceMax(uint32_t row, uint64_t balance_max);

  // --- For the state root ---
  // Marked: buckets of rows of which one was changed or came since the mark was taken away.
  static constexpr uint32_t kBucketRows = 16;
  DirtySet& dirty() { return dirty_; }
  const DirtySet& dirty() const { return dirty_; }
  // Of a bucket, which is not empty; valid until the next change.
  absl::Span<const AccountRow> BucketRows(uint32_t bucket) const;

  // --- For snapshots ---
  // Pages of 4 KiB: after a freeze nearly every change of random accounts is the first to its page,
  // which is copied then, and needs memory that may have to be made.
  static constexpr size_t kPageRows = 64;
  using Rows = CowRows<AccountRow, kPageRows>;
  using Details = CowRows<AccountDetails, kPageRows>;
  Rows& rows() { return rows_; }
  Details& details() { return details_; }
  // That so many rows will be loaded; only while there are none.
  void Expect(uint64_t rows) { index_.Reserve(rows); }
  // Rows as they were frozen, in order, then details. DATA_LOSS when they cannot be that.
  absl::Status Load(absl::Span<const AccountRow> rows);
  absl::Status Load(absl::Span<const AccountDetails> details);

  // Memory of rows, index and what stands aside.
  uint64_t bytes() const;

 private:
  // Gives the account some when it has none.
  AccountDetails& DetailsFor(uint32_t row);
  const Id128& IdOf(uint32_t row) const { return rows_[row].id; }

  uint32_t shard_;
  uint64_t rows_max_;
  Rows rows_;
  RowIndex index_;
  Details details_;
  absl::flat_hash_map<uint32_t, uint32_t> details_of_;  // Row → its details' number.
  DirtySet dirty_;
};

}  // namespace ledger
