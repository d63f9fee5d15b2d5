#pragma once

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/types/span.h"
#include "ledger/core/account_table.h"
#include "ledger/core/chunked_vector.h"
#include "ledger/core/row_list.h"
#include "ledger/core/state_machine.h"
#include "ledger/core/types.h"

namespace ledger {

// The transfers of a shard: rows in order of creation and so of time, found by id and by account;
// and the ids that failed for good. Part of StateMachine.
class TransferTable {
 public:
  // `accounts` outlives the table.
  explicit TransferTable(AccountTable& accounts) : accounts_(accounts) {}

  // Creates one transfer, moves its amount and answers its TransferStatus.
  uint32_t Execute(const Transfer& event, uint64_t timestamp_ns);
  // Undoes the newest transfers of this batch until `size` rows are left. Burnt ids stay burnt.
  void RollBack(size_t size);
  void Prefetch(const Transfer& event) const;
  // Ends a batch: what it made can no longer be undone and is listed with its accounts.
  void Commit();

  size_t size() const { return rows_.size(); }
  const Transfer* Find(const Id128& id) const;
  std::vector<Transfer> OfAccount(const TransferFilter& filter) const;
  // In order. Kept between calls; only what is new is sorted.
  absl::Span<const Id128> BurntIds() const;

 private:
  struct Sides {
    uint32_t debit_row;
    uint32_t credit_row;
  };
  uint32_t Post(const Transfer& event, uint64_t timestamp_ns);
  void Burn(const Id128& id);
  uint32_t FirstNotBefore(const RowList& rows, uint64_t timestamp_ns) const;

  AccountTable& accounts_;
  ChunkedVector<Transfer> rows_;
  absl::flat_hash_map<Id128, uint32_t> rows_by_id_;
  std::vector<Sides> uncommitted_;          // Of the newest rows: what a rollback needs.
  ChunkedVector<RowList, 512> by_account_;  // By row of the account; may be shorter than accounts_.
  absl::flat_hash_set<Id128> burnt_;
  mutable std::vector<Id128> burnt_sorted_;
  mutable std::vector<Id128> burnt_unsorted_;
};

}  // namespace ledger
