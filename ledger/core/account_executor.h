#pragma once

#include <cstdint>

#include "ledger/core/account_table.h"
#include "ledger/core/running_totals.h"
#include "ledger/core/slot.h"
#include "ledger/core/status.h"
#include "ledger/core/transfer_store.h"
#include "ledger/core/types.h"

namespace ledger {

// Creates accounts by the rules of docs/ledger.md. Part of StateMachine.
class AccountExecutor {
 public:
  // All outlive it.
  AccountExecutor(AccountTable& accounts, TransferStore& transfers, RunningTotals& totals)
      : accounts_(accounts), transfers_(transfers), totals_(totals) {}

  AccountStatus Execute(const Account& event, const Slot& slot);

  void BeginChain() { accounts_before_ = accounts_.size(); }
  void RollBackChain();
  void EndChain() {}

  void PrefetchFar(const Account& event) const { accounts_.PrefetchIndex(event.id); }
  void PrefetchNear(const Account& event) const { accounts_.PrefetchRow(event.id); }

 private:
  AccountTable& accounts_;
  TransferStore& transfers_;
  RunningTotals& totals_;
  uint64_t accounts_before_ = 0;
};

}  // namespace ledger
