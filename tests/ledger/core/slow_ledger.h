#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "ledger/core/state_machine.h"

namespace ledger {

// The ledger as obviously as it can be written: maps, a copy of everything before each chain, and
// statuses as a list of what holds, in order of precedence. What StateMachine is checked against.
class SlowLedger {
 public:
  explicit SlowLedger(uint32_t shard) : shard_(shard) {}

  std::vector<EventResult> CreateAccounts(const std::vector<Account>& batch, uint64_t timestamp_ns);
  std::vector<EventResult> CreateTransfers(const std::vector<Transfer>& batch,
                                           uint64_t timestamp_ns);
  std::vector<Transfer> AccountTransfers(const TransferFilter& filter) const;
  // ledger/FORMAT.md, "State root".
  base::Hash256 StateRoot() const;

  const std::map<Id128, Account>& accounts() const { return accounts_; }
  const std::map<Id128, Transfer>& transfers() const { return transfers_; }

 private:
  template <typename Event>
  std::vector<EventResult> Execute(const std::vector<Event>& batch, uint64_t timestamp_ns);
  uint32_t Create(const Account& event, uint64_t timestamp_ns);
  uint32_t Create(const Transfer& event, uint64_t timestamp_ns);
  TransferStatus Check(const Transfer& event) const;

  uint32_t shard_;
  std::map<Id128, Account> accounts_;
  std::map<Id128, Transfer> transfers_;
  std::set<Id128> burnt_;
};

}  // namespace ledger
