#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "ledger/core/chunked_vector.h"
#include "ledger/core/row_index.h"
#include "ledger/core/row_list.h"
#include "ledger/core/transfer_filter.h"
#include "ledger/core/transfer_store.h"
#include "ledger/core/types.h"

namespace ledger {

// Every transfer ever made, in memory; and the queries over them. Queries are in order of time and
// look at all within the time range until `limit` of them match; nothing for filters that make no
// sense (limit 0, neither side, min > max, times above kTimestampMaxNs, account 0 or max).
class MemoryTransferStore final : public TransferStore {
 public:
  void Prefetch(const Id128& id) override { index_.PrefetchSlot(id); }
  FoundTransfer Find(const Id128& id) override;
  bool HasTimestamp(uint64_t timestamp_ns) override;
  Resolution ResolutionOf(const Id128& pending_id) override;
  void Add(const Transfer& transfer) override;
  void Burn(const Id128& id, uint64_t timestamp_ns) override;
  void AddBalances(const BalanceRow& row) override { balances_.push_back(row); }
  Mark Now() const override { return {rows_.size(), balances_.size()}; }
  void RollBack(const Mark& mark) override;
  void EndBatch(uint64_t record_ns) override;

  std::vector<Transfer> AccountTransfers(const TransferFilter& filter) const;
  // Of an account with `history`; nothing for others.
  std::vector<BalanceRow> AccountBalances(const TransferFilter& filter) const;
  std::vector<Transfer> QueryTransfers(const QueryFilter& filter) const;

 private:
  struct AccountHistory {
    Id128 id;
    RowList transfers;
    RowList balances;
  };

  uint32_t FirstNotBefore(uint64_t timestamp_ns) const;
  const AccountHistory* HistoryOf(const Id128& account_id) const;
  // Its number; makes one when there is none.
  uint32_t HistoryFor(const Id128& account_id);
  void ListTransfers();

  ChunkedVector<Transfer> rows_;  // In order of time.
  ChunkedVector<BalanceRow> balances_;
  RowIndex index_;
  absl::flat_hash_set<Id128> burnt_;
  absl::flat_hash_map<Id128, Resolution> resolutions_;

  // Of what was there at the end of the last batch.
  uint64_t transfers_listed_ = 0;
  uint64_t balances_listed_ = 0;
  std::deque<AccountHistory> histories_;
  RowIndex histories_index_;
  std::vector<uint32_t> sides_;  // Of the batch that ends: histories, debit and credit in turn.
};

}  // namespace ledger
