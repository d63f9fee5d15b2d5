#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "ledger/core/account_table.h"
#include "ledger/core/pending_table.h"
#include "ledger/core/running_totals.h"
#include "ledger/core/slot.h"
#include "ledger/core/status.h"
#include "ledger/core/transfer_store.h"
#include "ledger/core/types.h"

namespace ledger {

// Creates transfers by the rules of docs/ledger.md, and releases those that expire. Part of
// StateMachine.
class TransferExecutor {
 public:
  // What it remembers between batches.
  struct Facts {
    uint64_t transfers = 0;
    uint64_t newest_ns = 0;
    uint64_t burnt = 0;
    base::Hash256 burnt_hash{};
  };

  // All outlive it.
  TransferExecutor(AccountTable& accounts, PendingTable& pendings, TransferStore& transfers,
                   RunningTotals& totals)
      : accounts_(accounts), pendings_(pendings), transfers_(transfers), totals_(totals) {}

  TransferStatus Execute(const Transfer& event, const Slot& slot);

  // What happens in a chain can be undone as a whole; burnt ids stay burnt.
  void BeginChain();
  void RollBackChain();
  void EndChain();

  // Releases what expires at or before the time, in order of expiry, then of creation; at most
  // kBatchEventsMax, so that no record takes long. Not within a chain.
  void ReleaseExpired(uint64_t until_ns);

  void PrefetchFar(const Transfer& event) const;
  void PrefetchNear(const Transfer& event) const;

  Facts facts() const { return {marks_.count, marks_.newest_ns, burnt_count_, burnt_hash_}; }
  void Load(const Facts& facts) {
    marks_ = {.count = facts.transfers, .newest_ns = facts.newest_ns};
    burnt_count_ = facts.burnt;
    burnt_hash_ = facts.burnt_hash;
  }

  uint64_t transfer_count() const { return marks_.count; }
  uint64_t newest_timestamp_ns() const { return marks_.newest_ns; }
  uint64_t burnt_count() const { return burnt_count_; }
  // ledger/FORMAT.md, "State root".
  const base::Hash256& burnt_hash() const { return burnt_hash_; }

 private:
  struct Marks {
    uint64_t count = 0;
    uint64_t newest_ns = 0;
  };
  // A pending that was opened, or closed, within the chain.
  struct PendingChange {
    uint64_t timestamp_ns;
    std::optional<OpenPending> closed;
  };

  TransferStatus CheckExisting(const Transfer& event, const Transfer& stored);
  TransferStatus Create(const Transfer& event, const Slot& slot);
  TransferStatus CheckImported(const Transfer& event, const AccountRow& debit,
                               const AccountRow& credit) const;
  TransferStatus CheckMoney(const Transfer& transfer, uint32_t debit_row,
                            uint32_t credit_row) const;
  TransferStatus CreateResolution(const Transfer& event, const Slot& slot);
  TransferStatus CheckOpen(const Transfer& pending, const Slot& slot);
  bool Regresses(uint64_t timestamp_ns) const;

  void Post(uint64_t amount, AccountRow& debit, AccountRow& credit);
  void Reserve(const Transfer& transfer, uint32_t debit_row, uint32_t credit_row);
  // Gives back what the pending reserved; `reopens` what it closed.
  void Release(const OpenPending& pending, bool reopens);
  void Keep(const Transfer& transfer, uint32_t debit_row, uint32_t credit_row);
  void KeepBalances(const Transfer& transfer, uint32_t row);
  void Burn(const Id128& id, uint64_t timestamp_ns);
  // Remembers an account as it is, before it changes.
  void Remember(uint32_t row);

  AccountTable& accounts_;
  PendingTable& pendings_;
  TransferStore& transfers_;
  RunningTotals& totals_;
  Marks marks_;
  uint64_t burnt_count_ = 0;
  base::Hash256 burnt_hash_{};
  base::Sha256 sha_;

  bool is_in_chain_ = false;
  Marks marks_before_;
  TransferStore::Mark store_before_;
  std::vector<std::pair<uint32_t, AccountRow>> rows_before_;
  std::vector<PendingChange> pending_changes_;
};

}  // namespace ledger
