#include "ledger/core/account_executor.h"

#include <optional>
#include <utility>

namespace ledger {
namespace {

using Status = AccountStatus;

constexpr uint16_t kLimits =
    AccountFlags::kDebitsMustNotExceedCredits | AccountFlags::kCreditsMustNotExceedDebits;

// What stands before the existence check.
Status CheckIdentity(const Account& event, const Slot& slot, uint32_t shard) {
  const Status status = CheckTimestamp<Status, AccountFlags>(event, slot);
  if (status != Status::kOk) return status;
  if (event.reserved != 0) return Status::kReservedField;
  if ((event.flags & ~AccountFlags::kKnown) != 0) return Status::kReservedFlag;
  if (event.id.IsZero()) return Status::kIdMustNotBeZero;
  if (event.id.IsMax()) return Status::kIdMustNotBeIntMax;
  if (ShardOfAccount(event.id) != shard) return Status::kAccountOfAnotherShard;
  return Status::kOk;
}

// Not compared: what the ledger changes (balances, balance_max) or gives (the time).
Status CheckExisting(const Account& event, const Account& stored) {
  if (event.flags != stored.flags) return Status::kExistsWithDifferentFlags;
  if (event.user_data_128 != stored.user_data_128) return Status::kExistsWithDifferentUserData128;
  if (event.user_data_64 != stored.user_data_64) return Status::kExistsWithDifferentUserData64;
  if (event.user_data_32 != stored.user_data_32) return Status::kExistsWithDifferentUserData32;
  if (event.ledger != stored.ledger) return Status::kExistsWithDifferentLedger;
  if (event.code != stored.code) return Status::kExistsWithDifferentCode;
  return Status::kExists;
}

Status CheckFields(const Account& event) {
  if ((event.flags & kLimits) == kLimits) return Status::kFlagsAreMutuallyExclusive;
  if (event.debits_pending != 0) return Status::kDebitsPendingMustBeZero;
  if (event.debits_posted != 0) return Status::kDebitsPostedMustBeZero;
  if (event.credits_pending != 0) return Status::kCreditsPendingMustBeZero;
  if (event.credits_posted != 0) return Status::kCreditsPostedMustBeZero;
  if (event.ledger == 0) return Status::kLedgerMustNotBeZero;
  if (event.code == 0) return Status::kCodeMustNotBeZero;
  return Status::kOk;
}

}  // namespace

AccountStatus AccountExecutor::Execute(const Account& event, const Slot& slot) {
  Status status = CheckIdentity(event, slot, accounts_.shard());
  if (status != Status::kOk) return status;
  if (const auto row = accounts_.Find(event.id)) return CheckExisting(event, accounts_.Full(*row));
  status = CheckFields(event);
  if (status != Status::kOk) return status;
  Account account = event;
  if ((event.flags & AccountFlags::kImported) == 0) {
    account.timestamp_ns = slot.timestamp_ns;
  } else if (event.timestamp_ns <= accounts_.newest_timestamp_ns() ||
             transfers_.HasTimestamp(event.timestamp_ns)) {
    return Status::kImportedEventTimestampMustNotRegress;
  }
  if (accounts_.IsFull()) return Status::kTooManyAccounts;
  accounts_.Add(account);
  totals_.AddAccount(std::as_const(accounts_)[static_cast<uint32_t>(accounts_.size() - 1)]);
  return Status::kOk;
}

void AccountExecutor::RollBackChain() {
  for (uint64_t row = accounts_before_; row < accounts_.size(); ++row) {
    totals_.RemoveAccount(std::as_const(accounts_)[static_cast<uint32_t>(row)]);
  }
  accounts_.RollBack(accounts_before_);
}

}  // namespace ledger
