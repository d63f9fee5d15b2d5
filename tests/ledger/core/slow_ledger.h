#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "ledger/core/memory_transfer_store.h"
#include "ledger/core/state_machine.h"

namespace ledger {

// The ledger as obviously as it can be written: maps, a copy of everything before each chain,
// highest times looked for when they are needed, sums that cannot overflow, and statuses as a list
// of what holds, in order of precedence. What StateMachine is checked against.
class SlowLedger {
 public:
  explicit SlowLedger(uint32_t shard) : shard_(shard) {}

  std::vector<EventResult> CreateAccounts(const std::vector<Account>& batch, uint64_t timestamp_ns);
  std::vector<EventResult> CreateTransfers(const std::vector<Transfer>& batch,
                                           uint64_t timestamp_ns);
  std::vector<EventResult> SetBalanceLimits(const std::vector<BalanceLimit>& batch,
                                            uint64_t timestamp_ns);
  std::optional<uint64_t> NextExpiry() const;
  std::vector<Transfer> AccountTransfers(const TransferFilter& filter) const;
  std::vector<BalanceRow> AccountBalances(const TransferFilter& filter) const;
  std::vector<Transfer> QueryTransfers(const QueryFilter& filter) const;
  // ledger/FORMAT.md, "State root".
  base::Hash256 StateRoot() const;

  const std::map<Id128, Account>& accounts() const { return state_.accounts; }
  const std::map<Id128, Transfer>& transfers() const { return state_.transfers; }

 private:
  enum class Fate { kOpen, kPosted, kVoided, kExpired };
  // What a broken chain takes back.
  struct State {
    std::map<Id128, Account> accounts;
    std::map<Id128, Transfer> transfers;
    std::map<Id128, Fate> fates;  // Of pending transfers.
    std::vector<BalanceRow> balances;
  };
  // The times of an event.
  struct At {
    uint64_t slot;
    uint64_t batch;
    bool is_imported;  // The batch.
  };

  template <typename Event>
  std::vector<EventResult> Execute(const std::vector<Event>& batch, uint64_t timestamp_ns);
  void Expire(uint64_t until_ns);
  uint32_t Create(const Account& event, const At& at);
  uint32_t Create(const Transfer& event, const At& at);

  TransferStatus Check(const Transfer& event, const At& at) const;
  TransferStatus CheckExists(const Transfer& event) const;
  TransferStatus CheckPlain(const Transfer& event, const At& at) const;
  TransferStatus CheckMoney(const Transfer& event, uint64_t time) const;
  TransferStatus CheckResolution(const Transfer& event, const At& at) const;
  // The transfer as it is stored: cut, or filled in from the pending one.
  Transfer Stored(const Transfer& event, const At& at) const;
  void Move(const Transfer& transfer);
  void NoteBalances(const Transfer& transfer);

  Account AccountOf(const Id128& id) const;
  Transfer TransferOf(const Id128& id) const;
  bool IsTimeOfAccount(uint64_t time) const;
  bool IsTimeOfTransfer(uint64_t time) const;
  uint64_t NewestAccount() const;
  uint64_t NewestTransfer() const;
  bool IsBurnt(const Id128& id) const;

  uint32_t shard_;
  State state_;
  std::vector<std::pair<Id128, uint64_t>> burnt_;  // Ids and times, as they came.
};

}  // namespace ledger
