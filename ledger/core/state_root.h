#pragma once

#include "base/hash.h"
#include "ledger/core/account_table.h"
#include "ledger/core/pending_table.h"
#include "ledger/core/transfer_executor.h"

namespace ledger {

// ledger/FORMAT.md, "State root".
base::Hash256 ComputeStateRoot(const AccountTable& accounts, const PendingTable& pendings,
                               const TransferExecutor& transfers);

}  // namespace ledger
