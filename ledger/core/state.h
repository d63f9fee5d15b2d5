// What a StateMachine consists of. Not for others.
#pragma once

#include <cstdint>

#include "ledger/core/account_executor.h"
#include "ledger/core/account_table.h"
#include "ledger/core/pending_table.h"
#include "ledger/core/running_totals.h"
#include "ledger/core/state_machine.h"
#include "ledger/core/transfer_executor.h"

namespace ledger {

static_assert(kAccountsMax == RowIndex::kRowsMax);

struct StateMachine::State {
  struct Counts {
    uint64_t accounts = 0;
    uint64_t details = 0;
    uint64_t pendings = 0;
    friend bool operator==(const Counts&, const Counts&) = default;
  };

  State(uint32_t shard, TransferStore& store, uint64_t accounts_max)
      : transfers(store),
        accounts(shard, accounts_max),
        account_executor(accounts, transfers, totals),
        transfer_executor(accounts, pendings, transfers, totals) {}

  TransferStore& transfers;
  AccountTable accounts;
  PendingTable pendings;
  RunningTotals totals;
  AccountExecutor account_executor;
  TransferExecutor transfer_executor;
  uint64_t last_timestamp_ns = 0;
  Counts to_load;  // As the image says that is being loaded.
};

}  // namespace ledger
