// What a transfer is checked for against fields alone: no state, no effects. In order of precedence
// (docs/ledger.md); TransferExecutor asks in turn.
#pragma once

#include <cstdint>

#include "ledger/core/account_table.h"
#include "ledger/core/slot.h"
#include "ledger/core/status.h"
#include "ledger/core/types.h"

namespace ledger {

// A post or void of a pending transfer; all others are plain.
constexpr bool IsResolution(const Transfer& transfer) {
  return (transfer.flags &
          (TransferFlags::kPostPendingTransfer | TransferFlags::kVoidPendingTransfer)) != 0;
}
constexpr bool Has(const Transfer& transfer, uint16_t flag) { return (transfer.flags & flag) != 0; }

// Whether a failure with this status burns the transfer's id.
bool IsTransient(TransferStatus status);

// What stands before the existence check.
TransferStatus CheckIdentity(const Transfer& event, const Slot& slot);

// What a repeat of a stored transfer is told. `pending` is what a stored post or void resolved.
TransferStatus CheckExistingPlain(const Transfer& event, const Transfer& stored);
TransferStatus CheckExistingResolution(const Transfer& event, const Transfer& stored,
                                       const Transfer& pending);

// The fields of a plain transfer, and of a post or void.
TransferStatus CheckPlain(const Transfer& event, uint32_t shard);
TransferStatus CheckResolution(const Transfer& event);

// A post or void against the transfer that it names.
TransferStatus CheckAgainstPending(const Transfer& event, const Transfer& pending);
// How much a post or void that passed moves, and what its record says.
Transfer Resolve(const Transfer& event, const Transfer& pending);

// A plain transfer against its accounts.
TransferStatus CheckLedgers(const Transfer& event, const AccountRow& debit,
                            const AccountRow& credit);
TransferStatus CheckClosed(const AccountRow& debit, const AccountRow& credit);
uint64_t CutToBalance(const Transfer& event, const AccountRow& debit, const AccountRow& credit);
// `transfer` has its cut amount and its time.
TransferStatus CheckOverflows(const Transfer& transfer, const AccountRow& debit,
                              const AccountRow& credit);
TransferStatus CheckLimits(const Transfer& transfer, const AccountRow& debit,
                           const AccountRow& credit);
// Whether the transfer would take the account above its largest balance: docs/ledger.md, "Largest
// balance".
bool ExceedsMaxOfDebit(const Transfer& transfer, const AccountRow& debit, uint64_t balance_max);
bool ExceedsMaxOfCredit(const Transfer& transfer, const AccountRow& credit, uint64_t balance_max);

// When a pending transfer expires; 0: never.
uint64_t ExpiryOf(const Transfer& pending);

}  // namespace ledger
