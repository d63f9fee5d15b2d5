#include "ledger/core/status.h"

#include "base/invariant.h"

namespace ledger {

absl::string_view ToString(AccountStatus status) {
  switch (status) {
    case AccountStatus::kOk: return "ok";
    case AccountStatus::kLinkedEventFailed: return "linked_event_failed";
    case AccountStatus::kLinkedEventChainOpen: return "linked_event_chain_open";
    case AccountStatus::kTimestampMustBeZero: return "timestamp_must_be_zero";
    case AccountStatus::kReservedField: return "reserved_field";
    case AccountStatus::kReservedFlag: return "reserved_flag";
    case AccountStatus::kIdMustNotBeZero: return "id_must_not_be_zero";
    case AccountStatus::kIdMustNotBeIntMax: return "id_must_not_be_int_max";
    case AccountStatus::kFlagsAreMutuallyExclusive: return "flags_are_mutually_exclusive";
    case AccountStatus::kDebitsPendingMustBeZero: return "debits_pending_must_be_zero";
    case AccountStatus::kDebitsPostedMustBeZero: return "debits_posted_must_be_zero";
    case AccountStatus::kCreditsPendingMustBeZero: return "credits_pending_must_be_zero";
    case AccountStatus::kCreditsPostedMustBeZero: return "credits_posted_must_be_zero";
    case AccountStatus::kLedgerMustNotBeZero: return "ledger_must_not_be_zero";
    case AccountStatus::kCodeMustNotBeZero: return "code_must_not_be_zero";
    case AccountStatus::kExistsWithDifferentFlags: return "exists_with_different_flags";
    case AccountStatus::kExistsWithDifferentUserData128:
      return "exists_with_different_user_data_128";
    case AccountStatus::kExistsWithDifferentUserData64: return "exists_with_different_user_data_64";
    case AccountStatus::kExistsWithDifferentUserData32: return "exists_with_different_user_data_32";
    case AccountStatus::kExistsWithDifferentLedger: return "exists_with_different_ledger";
    case AccountStatus::kExistsWithDifferentCode: return "exists_with_different_code";
    case AccountStatus::kExists: return "exists";
    case AccountStatus::kAccountOfAnotherShard: return "account_of_another_shard";
  }
  UNREACHABLE();
}

absl::string_view ToString(TransferStatus status) {
  switch (status) {
    case TransferStatus::kOk: return "ok";
    case TransferStatus::kLinkedEventFailed: return "linked_event_failed";
    case TransferStatus::kLinkedEventChainOpen: return "linked_event_chain_open";
    case TransferStatus::kTimestampMustBeZero: return "timestamp_must_be_zero";
    case TransferStatus::kReservedFlag: return "reserved_flag";
    case TransferStatus::kIdMustNotBeZero: return "id_must_not_be_zero";
    case TransferStatus::kIdMustNotBeIntMax: return "id_must_not_be_int_max";
    case TransferStatus::kFlagsAreMutuallyExclusive: return "flags_are_mutually_exclusive";
    case TransferStatus::kDebitAccountIdMustNotBeZero: return "debit_account_id_must_not_be_zero";
    case TransferStatus::kDebitAccountIdMustNotBeIntMax:
      return "debit_account_id_must_not_be_int_max";
    case TransferStatus::kCreditAccountIdMustNotBeZero: return "credit_account_id_must_not_be_zero";
    case TransferStatus::kCreditAccountIdMustNotBeIntMax:
      return "credit_account_id_must_not_be_int_max";
    case TransferStatus::kAccountsMustBeDifferent: return "accounts_must_be_different";
    case TransferStatus::kPendingIdMustBeZero: return "pending_id_must_be_zero";
    case TransferStatus::kTimeoutReservedForPendingTransfer:
      return "timeout_reserved_for_pending_transfer";
    case TransferStatus::kLedgerMustNotBeZero: return "ledger_must_not_be_zero";
    case TransferStatus::kCodeMustNotBeZero: return "code_must_not_be_zero";
    case TransferStatus::kDebitAccountNotFound: return "debit_account_not_found";
    case TransferStatus::kCreditAccountNotFound: return "credit_account_not_found";
    case TransferStatus::kAccountsMustHaveTheSameLedger:
      return "accounts_must_have_the_same_ledger";
    case TransferStatus::kTransferMustHaveTheSameLedgerAsAccounts:
      return "transfer_must_have_the_same_ledger_as_accounts";
    case TransferStatus::kExistsWithDifferentFlags: return "exists_with_different_flags";
    case TransferStatus::kExistsWithDifferentDebitAccountId:
      return "exists_with_different_debit_account_id";
    case TransferStatus::kExistsWithDifferentCreditAccountId:
      return "exists_with_different_credit_account_id";
    case TransferStatus::kExistsWithDifferentAmount: return "exists_with_different_amount";
    case TransferStatus::kExistsWithDifferentPendingId: return "exists_with_different_pending_id";
    case TransferStatus::kExistsWithDifferentUserData128:
      return "exists_with_different_user_data_128";
    case TransferStatus::kExistsWithDifferentUserData64:
      return "exists_with_different_user_data_64";
    case TransferStatus::kExistsWithDifferentUserData32:
      return "exists_with_different_user_data_32";
    case TransferStatus::kExistsWithDifferentTimeout: return "exists_with_different_timeout";
    case TransferStatus::kExistsWithDifferentCode: return "exists_with_different_code";
    case TransferStatus::kExists: return "exists";
    case TransferStatus::kOverflowsDebitsPosted: return "overflows_debits_posted";
    case TransferStatus::kOverflowsCreditsPosted: return "overflows_credits_posted";
    case TransferStatus::kOverflowsDebits: return "overflows_debits";
    case TransferStatus::kOverflowsCredits: return "overflows_credits";
    case TransferStatus::kExceedsCredits: return "exceeds_credits";
    case TransferStatus::kExceedsDebits: return "exceeds_debits";
    case TransferStatus::kExistsWithDifferentLedger: return "exists_with_different_ledger";
    case TransferStatus::kIdAlreadyFailed: return "id_already_failed";
    case TransferStatus::kAccountsOnDifferentShards: return "accounts_on_different_shards";
    case TransferStatus::kAccountOfAnotherShard: return "account_of_another_shard";
  }
  UNREACHABLE();
}

}  // namespace ledger
