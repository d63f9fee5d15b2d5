// Between the messages of the client API and the rows of the ledger.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "hamisha/ledger/v1/ledger.pb.h"
#include "ledger/core/transfer_filter.h"
#include "ledger/core/transfer_store.h"
#include "ledger/core/types.h"

namespace ledger {

// Rows as the client sent them. INVALID_ARGUMENT for what no row can hold and for batches that are
// empty or too long; all else is the state machine's to judge.
absl::StatusOr<std::vector<Account>> ToRows(
    const ::hamisha::ledger::v1::CreateAccountsRequest& request);
absl::StatusOr<std::vector<Transfer>> ToRows(
    const ::hamisha::ledger::v1::CreateTransfersRequest& request);
absl::StatusOr<std::vector<BalanceLimit>> ToRows(
    const ::hamisha::ledger::v1::SetBalanceLimitsRequest& request);

absl::StatusOr<std::vector<Id128>> ToIds(const ::hamisha::ledger::v1::LookupRequest& request);
absl::StatusOr<TransferFilter> ToFilter(const ::hamisha::ledger::v1::AccountFilter& filter);

void ToMessage(const Id128& id, ::hamisha::ledger::v1::Id& message);
void ToMessage(const Account& row, ::hamisha::ledger::v1::Account& message);
void ToMessage(const Transfer& row, ::hamisha::ledger::v1::Transfer& message);
void ToMessage(const BalanceRow& row, ::hamisha::ledger::v1::AccountBalance& message);

}  // namespace ledger
