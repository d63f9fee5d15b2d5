#include "ledger/core/transfer_rules.h"

#include <algorithm>
#include <limits>

namespace ledger {
namespace {

using Status = TransferStatus;
using Flags = TransferFlags;

constexpr uint64_t kAmountMax = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr uint16_t kBalancing = Flags::kBalancingDebit | Flags::kBalancingCredit;
constexpr uint16_t kClosing = Flags::kClosingDebit | Flags::kClosingCredit;

bool Overflows(uint64_t left, uint64_t right) { return left > kAmountMax - right; }

// Whether pending + posted + amount overflows; posted + amount does not.
bool SumOverflows(uint64_t pending, uint64_t posted, uint64_t amount) {
  return Overflows(pending, posted + amount);
}

uint64_t LessOrZero(uint64_t left, uint64_t right) { return left > right ? left - right : 0; }

// Fields that are compared after the amount.
Status CheckExistingRest(const Transfer& event, const Transfer& stored) {
  if (event.user_data_128 != stored.user_data_128) return Status::kExistsWithDifferentUserData128;
  if (event.user_data_64 != stored.user_data_64) return Status::kExistsWithDifferentUserData64;
  if (event.user_data_32 != stored.user_data_32) return Status::kExistsWithDifferentUserData32;
  if (event.ledger != stored.ledger) return Status::kExistsWithDifferentLedger;
  if (event.code != stored.code) return Status::kExistsWithDifferentCode;
  return Status::kExists;
}

Status CheckExistingAccounts(const Transfer& event, const Transfer& stored) {
  if (event.pending_id != stored.pending_id) return Status::kExistsWithDifferentPendingId;
  if (event.timeout_s != stored.timeout_s) return Status::kExistsWithDifferentTimeout;
  if (event.debit_account_id != stored.debit_account_id) {
    return Status::kExistsWithDifferentDebitAccountId;
  }
  if (event.credit_account_id != stored.credit_account_id) {
    return Status::kExistsWithDifferentCreditAccountId;
  }
  return Status::kOk;
}

Status CheckShards(const Transfer& event, uint32_t shard) {
  const uint32_t debit_shard = ShardOfAccount(event.debit_account_id);
  const uint32_t credit_shard = ShardOfAccount(event.credit_account_id);
  if (debit_shard != credit_shard) return Status::kAccountsOnDifferentShards;
  return debit_shard == shard ? Status::kOk : Status::kAccountOfAnotherShard;
}

// The event with all that it left open filled in as its record has it.
Transfer Filled(const Transfer& event, const Transfer& pending) {
  Transfer filled = event;
  if (event.debit_account_id.IsZero()) filled.debit_account_id = pending.debit_account_id;
  if (event.credit_account_id.IsZero()) filled.credit_account_id = pending.credit_account_id;
  if (event.ledger == 0) filled.ledger = pending.ledger;
  if (event.code == 0) filled.code = pending.code;
  if (event.user_data_128.IsZero()) filled.user_data_128 = pending.user_data_128;
  if (event.user_data_64 == 0) filled.user_data_64 = pending.user_data_64;
  if (event.user_data_32 == 0) filled.user_data_32 = pending.user_data_32;
  const uint64_t all = Has(event, Flags::kPostPendingTransfer) ? kAmountMax : 0;
  if (event.amount == all) filled.amount = pending.amount;
  return filled;
}

}  // namespace

bool IsTransient(TransferStatus status) {
  switch (static_cast<uint32_t>(status)) {
    case static_cast<uint32_t>(Status::kDebitAccountNotFound):
    case static_cast<uint32_t>(Status::kCreditAccountNotFound):
    case static_cast<uint32_t>(Status::kPendingTransferNotFound):
    case static_cast<uint32_t>(Status::kDebitAccountAlreadyClosed):
    case static_cast<uint32_t>(Status::kCreditAccountAlreadyClosed):
    case static_cast<uint32_t>(Status::kExceedsCredits):
    case static_cast<uint32_t>(Status::kExceedsDebits):
    case static_cast<uint32_t>(Status::kExceedsDebitAccountBalanceMax):
    case static_cast<uint32_t>(Status::kExceedsCreditAccountBalanceMax): return true;
    default: return false;
  }
}

TransferStatus CheckIdentity(const Transfer& event, const Slot& slot) {
  const Status status = CheckTimestamp<Status, Flags>(event, slot);
  if (status != Status::kOk) return status;
  if ((event.flags & ~Flags::kKnown) != 0 || event.reserved != 0) return Status::kReservedFlag;
  if (event.id.IsZero()) return Status::kIdMustNotBeZero;
  if (event.id.IsMax()) return Status::kIdMustNotBeIntMax;
  return Status::kOk;
}

TransferStatus CheckExistingPlain(const Transfer& event, const Transfer& stored) {
  if (event.flags != stored.flags) return Status::kExistsWithDifferentFlags;
  const Status status = CheckExistingAccounts(event, stored);
  if (status != Status::kOk) return status;
  // The stored amount of a balancing transfer is what its limit was cut to.
  const bool is_amount_fine =
      Has(event, kBalancing) ? event.amount >= stored.amount : event.amount == stored.amount;
  if (!is_amount_fine) return Status::kExistsWithDifferentAmount;
  return CheckExistingRest(event, stored);
}

TransferStatus CheckExistingResolution(const Transfer& event, const Transfer& stored,
                                       const Transfer& pending) {
  if (event.flags != stored.flags) return Status::kExistsWithDifferentFlags;
  if (event.pending_id != stored.pending_id) return Status::kExistsWithDifferentPendingId;
  const Transfer filled = Filled(event, pending);
  const Status status = CheckExistingAccounts(filled, stored);
  if (status != Status::kOk) return status;
  if (filled.amount != stored.amount) return Status::kExistsWithDifferentAmount;
  return CheckExistingRest(filled, stored);
}

TransferStatus CheckPlain(const Transfer& event, uint32_t shard) {
  if (event.debit_account_id.IsZero()) return Status::kDebitAccountIdMustNotBeZero;
  if (event.debit_account_id.IsMax()) return Status::kDebitAccountIdMustNotBeIntMax;
  if (event.credit_account_id.IsZero()) return Status::kCreditAccountIdMustNotBeZero;
  if (event.credit_account_id.IsMax()) return Status::kCreditAccountIdMustNotBeIntMax;
  if (event.debit_account_id == event.credit_account_id) return Status::kAccountsMustBeDifferent;
  if (const Status status = CheckShards(event, shard); status != Status::kOk) return status;
  if (!event.pending_id.IsZero()) return Status::kPendingIdMustBeZero;
  if (!Has(event, Flags::kPending)) {
    if (event.timeout_s != 0) return Status::kTimeoutReservedForPendingTransfer;
    if (Has(event, kClosing)) return Status::kClosingTransferMustBePending;
  }
  if (event.ledger == 0) return Status::kLedgerMustNotBeZero;
  if (event.code == 0) return Status::kCodeMustNotBeZero;
  return Status::kOk;
}

TransferStatus CheckResolution(const Transfer& event) {
  const bool is_both =
      Has(event, Flags::kPostPendingTransfer) && Has(event, Flags::kVoidPendingTransfer);
  if (is_both || Has(event, Flags::kPending | kBalancing | kClosing)) {
    return Status::kFlagsAreMutuallyExclusive;
  }
  if (event.pending_id.IsZero()) return Status::kPendingIdMustNotBeZero;
  if (event.pending_id.IsMax()) return Status::kPendingIdMustNotBeIntMax;
  if (event.pending_id == event.id) return Status::kPendingIdMustBeDifferent;
  if (event.timeout_s != 0) return Status::kTimeoutReservedForPendingTransfer;
  return Status::kOk;
}

TransferStatus CheckAgainstPending(const Transfer& event, const Transfer& pending) {
  if (!Has(pending, Flags::kPending)) return Status::kPendingTransferNotPending;
  const Transfer filled = Filled(event, pending);
  if (filled.debit_account_id != pending.debit_account_id) {
    return Status::kPendingTransferHasDifferentDebitAccountId;
  }
  if (filled.credit_account_id != pending.credit_account_id) {
    return Status::kPendingTransferHasDifferentCreditAccountId;
  }
  if (filled.ledger != pending.ledger) return Status::kPendingTransferHasDifferentLedger;
  if (filled.code != pending.code) return Status::kPendingTransferHasDifferentCode;
  if (filled.amount > pending.amount) return Status::kExceedsPendingTransferAmount;
  if (Has(event, Flags::kVoidPendingTransfer) && filled.amount < pending.amount) {
    return Status::kPendingTransferHasDifferentAmount;
  }
  return Status::kOk;
}

Transfer Resolve(const Transfer& event, const Transfer& pending) { return Filled(event, pending); }

TransferStatus CheckLedgers(const Transfer& event, const AccountRow& debit,
                            const AccountRow& credit) {
  if (debit.ledger != credit.ledger) return Status::kAccountsMustHaveTheSameLedger;
  if (event.ledger != debit.ledger) return Status::kTransferMustHaveTheSameLedgerAsAccounts;
  return Status::kOk;
}

TransferStatus CheckClosed(const AccountRow& debit, const AccountRow& credit) {
  if ((debit.flags & AccountFlags::kClosed) != 0) return Status::kDebitAccountAlreadyClosed;
  if ((credit.flags & AccountFlags::kClosed) != 0) return Status::kCreditAccountAlreadyClosed;
  return Status::kOk;
}

uint64_t CutToBalance(const Transfer& event, const AccountRow& debit, const AccountRow& credit) {
  uint64_t amount = event.amount;
  if (Has(event, Flags::kBalancingDebit)) {
    amount = std::min(amount,
                      LessOrZero(debit.credits_posted, debit.debits_posted + debit.debits_pending));
  }
  if (Has(event, Flags::kBalancingCredit)) {
    amount = std::min(
        amount, LessOrZero(credit.debits_posted, credit.credits_posted + credit.credits_pending));
  }
  return amount;
}

TransferStatus CheckOverflows(const Transfer& transfer, const AccountRow& debit,
                              const AccountRow& credit) {
  const uint64_t amount = transfer.amount;
  if (Has(transfer, Flags::kPending)) {
    if (Overflows(debit.debits_pending, amount)) return Status::kOverflowsDebitsPending;
    if (Overflows(credit.credits_pending, amount)) return Status::kOverflowsCreditsPending;
  }
  if (Overflows(debit.debits_posted, amount)) return Status::kOverflowsDebitsPosted;
  if (Overflows(credit.credits_posted, amount)) return Status::kOverflowsCreditsPosted;
  if (SumOverflows(debit.debits_pending, debit.debits_posted, amount)) {
    return Status::kOverflowsDebits;
  }
  if (SumOverflows(credit.credits_pending, credit.credits_posted, amount)) {
    return Status::kOverflowsCredits;
  }
  const uint64_t timeout_ns = transfer.timeout_s * kNsPerSecond;
  if (timeout_ns != 0 && (transfer.timestamp_ns > kTimestampMaxNs ||
                          timeout_ns > kTimestampMaxNs - transfer.timestamp_ns)) {
    return Status::kOverflowsTimeout;
  }
  return Status::kOk;
}

TransferStatus CheckLimits(const Transfer& transfer, const AccountRow& debit,
                           const AccountRow& credit) {
  if ((debit.flags & AccountFlags::kDebitsMustNotExceedCredits) != 0 &&
      debit.debits_pending + debit.debits_posted + transfer.amount > debit.credits_posted) {
    return Status::kExceedsCredits;
  }
  if ((credit.flags & AccountFlags::kCreditsMustNotExceedDebits) != 0 &&
      credit.credits_pending + credit.credits_posted + transfer.amount > credit.debits_posted) {
    return Status::kExceedsDebits;
  }
  return Status::kOk;
}

// In both the sum of the account's side and the amount is known not to overflow.
bool ExceedsMaxOfDebit(const Transfer& transfer, const AccountRow& debit, uint64_t balance_max) {
  if ((debit.flags & AccountFlags::kCreditsMustNotExceedDebits) == 0) return false;
  if (balance_max == 0 || transfer.amount == 0) return false;
  const uint64_t debits = debit.debits_posted + debit.debits_pending + transfer.amount;
  return LessOrZero(debits, debit.credits_posted) > balance_max;
}

bool ExceedsMaxOfCredit(const Transfer& transfer, const AccountRow& credit, uint64_t balance_max) {
  if ((credit.flags & AccountFlags::kCreditsMustNotExceedDebits) != 0) return false;
  if (balance_max == 0 || transfer.amount == 0) return false;
  const uint64_t credits = credit.credits_posted + credit.credits_pending + transfer.amount;
  return LessOrZero(credits, credit.debits_posted) > balance_max;
}

uint64_t ExpiryOf(const Transfer& pending) {
  return pending.timeout_s == 0 ? 0 : pending.timestamp_ns + pending.timeout_s * kNsPerSecond;
}

}  // namespace ledger
