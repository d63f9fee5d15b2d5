#include "ledger/core/status.h"

#include <algorithm>
#include <iterator>

#include "base/invariant.h"

namespace ledger {
namespace {

template <typename Status>
struct Name {
  Status status;
  absl::string_view name;
};

template <typename Status, size_t kSize>
absl::string_view NameOf(const Name<Status> (&names)[kSize], Status status) {
  const auto* const found =
      std::find_if(std::begin(names), std::end(names),
                   [status](const Name<Status>& entry) { return entry.status == status; });
  INVARIANT(found != std::end(names));
  return found->name;
}

constexpr Name<AccountStatus> kAccountNames[] = {
    {AccountStatus::kOk, "ok"},
    {AccountStatus::kLinkedEventFailed, "linked_event_failed"},
    {AccountStatus::kLinkedEventChainOpen, "linked_event_chain_open"},
    {AccountStatus::kTimestampMustBeZero, "timestamp_must_be_zero"},
    {AccountStatus::kReservedField, "reserved_field"},
    {AccountStatus::kReservedFlag, "reserved_flag"},
    {AccountStatus::kIdMustNotBeZero, "id_must_not_be_zero"},
    {AccountStatus::kIdMustNotBeIntMax, "id_must_not_be_int_max"},
    {AccountStatus::kFlagsAreMutuallyExclusive, "flags_are_mutually_exclusive"},
    {AccountStatus::kDebitsPendingMustBeZero, "debits_pending_must_be_zero"},
    {AccountStatus::kDebitsPostedMustBeZero, "debits_posted_must_be_zero"},
    {AccountStatus::kCreditsPendingMustBeZero, "credits_pending_must_be_zero"},
    {AccountStatus::kCreditsPostedMustBeZero, "credits_posted_must_be_zero"},
    {AccountStatus::kLedgerMustNotBeZero, "ledger_must_not_be_zero"},
    {AccountStatus::kCodeMustNotBeZero, "code_must_not_be_zero"},
    {AccountStatus::kExistsWithDifferentFlags, "exists_with_different_flags"},
    {AccountStatus::kExistsWithDifferentUserData128, "exists_with_different_user_data_128"},
    {AccountStatus::kExistsWithDifferentUserData64, "exists_with_different_user_data_64"},
    {AccountStatus::kExistsWithDifferentUserData32, "exists_with_different_user_data_32"},
    {AccountStatus::kExistsWithDifferentLedger, "exists_with_different_ledger"},
    {AccountStatus::kExistsWithDifferentCode, "exists_with_different_code"},
    {AccountStatus::kExists, "exists"},
    {AccountStatus::kImportedEventExpected, "imported_event_expected"},
    {AccountStatus::kImportedEventNotExpected, "imported_event_not_expected"},
    {AccountStatus::kImportedEventTimestampOutOfRange, "imported_event_timestamp_out_of_range"},
    {AccountStatus::kImportedEventTimestampMustNotAdvance,
     "imported_event_timestamp_must_not_advance"},
    {AccountStatus::kImportedEventTimestampMustNotRegress,
     "imported_event_timestamp_must_not_regress"},
    {AccountStatus::kAccountOfAnotherShard, "account_of_another_shard"},
    {AccountStatus::kTooManyAccounts, "too_many_accounts"},
};

constexpr Name<TransferStatus> kTransferNames[] = {
    {TransferStatus::kOk, "ok"},
    {TransferStatus::kLinkedEventFailed, "linked_event_failed"},
    {TransferStatus::kLinkedEventChainOpen, "linked_event_chain_open"},
    {TransferStatus::kTimestampMustBeZero, "timestamp_must_be_zero"},
    {TransferStatus::kReservedFlag, "reserved_flag"},
    {TransferStatus::kIdMustNotBeZero, "id_must_not_be_zero"},
    {TransferStatus::kIdMustNotBeIntMax, "id_must_not_be_int_max"},
    {TransferStatus::kFlagsAreMutuallyExclusive, "flags_are_mutually_exclusive"},
    {TransferStatus::kDebitAccountIdMustNotBeZero, "debit_account_id_must_not_be_zero"},
    {TransferStatus::kDebitAccountIdMustNotBeIntMax, "debit_account_id_must_not_be_int_max"},
    {TransferStatus::kCreditAccountIdMustNotBeZero, "credit_account_id_must_not_be_zero"},
    {TransferStatus::kCreditAccountIdMustNotBeIntMax, "credit_account_id_must_not_be_int_max"},
    {TransferStatus::kAccountsMustBeDifferent, "accounts_must_be_different"},
    {TransferStatus::kPendingIdMustBeZero, "pending_id_must_be_zero"},
    {TransferStatus::kPendingIdMustNotBeZero, "pending_id_must_not_be_zero"},
    {TransferStatus::kPendingIdMustNotBeIntMax, "pending_id_must_not_be_int_max"},
    {TransferStatus::kPendingIdMustBeDifferent, "pending_id_must_be_different"},
    {TransferStatus::kTimeoutReservedForPendingTransfer, "timeout_reserved_for_pending_transfer"},
    {TransferStatus::kLedgerMustNotBeZero, "ledger_must_not_be_zero"},
    {TransferStatus::kCodeMustNotBeZero, "code_must_not_be_zero"},
    {TransferStatus::kDebitAccountNotFound, "debit_account_not_found"},
    {TransferStatus::kCreditAccountNotFound, "credit_account_not_found"},
    {TransferStatus::kAccountsMustHaveTheSameLedger, "accounts_must_have_the_same_ledger"},
    {TransferStatus::kTransferMustHaveTheSameLedgerAsAccounts,
     "transfer_must_have_the_same_ledger_as_accounts"},
    {TransferStatus::kPendingTransferNotFound, "pending_transfer_not_found"},
    {TransferStatus::kPendingTransferNotPending, "pending_transfer_not_pending"},
    {TransferStatus::kPendingTransferHasDifferentDebitAccountId,
     "pending_transfer_has_different_debit_account_id"},
    {TransferStatus::kPendingTransferHasDifferentCreditAccountId,
     "pending_transfer_has_different_credit_account_id"},
    {TransferStatus::kPendingTransferHasDifferentLedger, "pending_transfer_has_different_ledger"},
    {TransferStatus::kPendingTransferHasDifferentCode, "pending_transfer_has_different_code"},
    {TransferStatus::kExceedsPendingTransferAmount, "exceeds_pending_transfer_amount"},
    {TransferStatus::kPendingTransferHasDifferentAmount, "pending_transfer_has_different_amount"},
    {TransferStatus::kPendingTransferAlreadyPosted, "pending_transfer_already_posted"},
    {TransferStatus::kPendingTransferAlreadyVoided, "pending_transfer_already_voided"},
    {TransferStatus::kPendingTransferExpired, "pending_transfer_expired"},
    {TransferStatus::kExistsWithDifferentFlags, "exists_with_different_flags"},
    {TransferStatus::kExistsWithDifferentDebitAccountId, "exists_with_different_debit_account_id"},
    {TransferStatus::kExistsWithDifferentCreditAccountId,
     "exists_with_different_credit_account_id"},
    {TransferStatus::kExistsWithDifferentAmount, "exists_with_different_amount"},
    {TransferStatus::kExistsWithDifferentPendingId, "exists_with_different_pending_id"},
    {TransferStatus::kExistsWithDifferentUserData128, "exists_with_different_user_data_128"},
    {TransferStatus::kExistsWithDifferentUserData64, "exists_with_different_user_data_64"},
    {TransferStatus::kExistsWithDifferentUserData32, "exists_with_different_user_data_32"},
    {TransferStatus::kExistsWithDifferentTimeout, "exists_with_different_timeout"},
    {TransferStatus::kExistsWithDifferentCode, "exists_with_different_code"},
    {TransferStatus::kExists, "exists"},
    {TransferStatus::kOverflowsDebitsPending, "overflows_debits_pending"},
    {TransferStatus::kOverflowsCreditsPending, "overflows_credits_pending"},
    {TransferStatus::kOverflowsDebitsPosted, "overflows_debits_posted"},
    {TransferStatus::kOverflowsCreditsPosted, "overflows_credits_posted"},
    {TransferStatus::kOverflowsDebits, "overflows_debits"},
    {TransferStatus::kOverflowsCredits, "overflows_credits"},
    {TransferStatus::kOverflowsTimeout, "overflows_timeout"},
    {TransferStatus::kExceedsCredits, "exceeds_credits"},
    {TransferStatus::kExceedsDebits, "exceeds_debits"},
    {TransferStatus::kImportedEventExpected, "imported_event_expected"},
    {TransferStatus::kImportedEventNotExpected, "imported_event_not_expected"},
    {TransferStatus::kImportedEventTimestampOutOfRange, "imported_event_timestamp_out_of_range"},
    {TransferStatus::kImportedEventTimestampMustNotAdvance,
     "imported_event_timestamp_must_not_advance"},
    {TransferStatus::kImportedEventTimestampMustNotRegress,
     "imported_event_timestamp_must_not_regress"},
    {TransferStatus::kImportedEventTimestampMustPostdateDebitAccount,
     "imported_event_timestamp_must_postdate_debit_account"},
    {TransferStatus::kImportedEventTimestampMustPostdateCreditAccount,
     "imported_event_timestamp_must_postdate_credit_account"},
    {TransferStatus::kClosingTransferMustBePending, "closing_transfer_must_be_pending"},
    {TransferStatus::kDebitAccountAlreadyClosed, "debit_account_already_closed"},
    {TransferStatus::kCreditAccountAlreadyClosed, "credit_account_already_closed"},
    {TransferStatus::kExistsWithDifferentLedger, "exists_with_different_ledger"},
    {TransferStatus::kIdAlreadyFailed, "id_already_failed"},
    {TransferStatus::kAccountsOnDifferentShards, "accounts_on_different_shards"},
    {TransferStatus::kAccountOfAnotherShard, "account_of_another_shard"},
    {TransferStatus::kExceedsDebitAccountBalanceMax, "exceeds_debit_account_balance_max"},
    {TransferStatus::kExceedsCreditAccountBalanceMax, "exceeds_credit_account_balance_max"},
    {TransferStatus::kPostOrVoidMustNameAnAccount, "post_or_void_must_name_an_account"},
};

constexpr Name<BalanceLimitStatus> kBalanceLimitNames[] = {
    {BalanceLimitStatus::kOk, "ok"},
    {BalanceLimitStatus::kAccountNotFound, "account_not_found"},
    {BalanceLimitStatus::kAccountOfAnotherShard, "account_of_another_shard"},
};

}  // namespace

absl::string_view ToString(AccountStatus status) { return NameOf(kAccountNames, status); }
absl::string_view ToString(TransferStatus status) { return NameOf(kTransferNames, status); }
absl::string_view ToString(BalanceLimitStatus status) { return NameOf(kBalanceLimitNames, status); }

}  // namespace ledger
