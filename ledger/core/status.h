// Statuses of events, with the names and numbers that users of such ledgers know. The order of
// checks is that of docs/ledger.md.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace ledger {

enum class AccountStatus : uint32_t {
  kOk = 0,
  kLinkedEventFailed = 1,
  kLinkedEventChainOpen = 2,
  kTimestampMustBeZero = 3,
  kReservedField = 4,
  kReservedFlag = 5,
  kIdMustNotBeZero = 6,
  kIdMustNotBeIntMax = 7,
  kFlagsAreMutuallyExclusive = 8,
  kDebitsPendingMustBeZero = 9,
  kDebitsPostedMustBeZero = 10,
  kCreditsPendingMustBeZero = 11,
  kCreditsPostedMustBeZero = 12,
  kLedgerMustNotBeZero = 13,
  kCodeMustNotBeZero = 14,
  kExistsWithDifferentFlags = 15,
  kExistsWithDifferentUserData128 = 16,
  kExistsWithDifferentUserData64 = 17,
  kExistsWithDifferentUserData32 = 18,
  kExistsWithDifferentLedger = 19,
  kExistsWithDifferentCode = 20,
  kExists = 21,
  kImportedEventExpected = 22,
  kImportedEventNotExpected = 23,
  kImportedEventTimestampOutOfRange = 24,
  kImportedEventTimestampMustNotAdvance = 25,
  kImportedEventTimestampMustNotRegress = 26,
  // Ours, from 1000.
  kAccountOfAnotherShard = 1000,  // The shard in the id is not this node's.
  kTooManyAccounts = 1001,        // The shard has kAccountsMax.
};

enum class TransferStatus : uint32_t {
  kOk = 0,
  kLinkedEventFailed = 1,
  kLinkedEventChainOpen = 2,
  kTimestampMustBeZero = 3,
  kReservedFlag = 4,
  kIdMustNotBeZero = 5,
  kIdMustNotBeIntMax = 6,
  kFlagsAreMutuallyExclusive = 7,
  kDebitAccountIdMustNotBeZero = 8,
  kDebitAccountIdMustNotBeIntMax = 9,
  kCreditAccountIdMustNotBeZero = 10,
  kCreditAccountIdMustNotBeIntMax = 11,
  kAccountsMustBeDifferent = 12,
  kPendingIdMustBeZero = 13,
  kPendingIdMustNotBeZero = 14,
  kPendingIdMustNotBeIntMax = 15,
  kPendingIdMustBeDifferent = 16,
  kTimeoutReservedForPendingTransfer = 17,
  kLedgerMustNotBeZero = 19,
  kCodeMustNotBeZero = 20,
  kDebitAccountNotFound = 21,
  kCreditAccountNotFound = 22,
  kAccountsMustHaveTheSameLedger = 23,
  kTransferMustHaveTheSameLedgerAsAccounts = 24,
  kPendingTransferNotFound = 25,
  kPendingTransferNotPending = 26,
  kPendingTransferHasDifferentDebitAccountId = 27,
  kPendingTransferHasDifferentCreditAccountId = 28,
  kPendingTransferHasDifferentLedger = 29,
  kPendingTransferHasDifferentCode = 30,
  kExceedsPendingTransferAmount = 31,
  kPendingTransferHasDifferentAmount = 32,
  kPendingTransferAlreadyPosted = 33,
  kPendingTransferAlreadyVoided = 34,
  kPendingTransferExpired = 35,
  kExistsWithDifferentFlags = 36,
  kExistsWithDifferentDebitAccountId = 37,
  kExistsWithDifferentCreditAccountId = 38,
  kExistsWithDifferentAmount = 39,
  kExistsWithDifferentPendingId = 40,
  kExistsWithDifferentUserData128 = 41,
  kExistsWithDifferentUserData64 = 42,
  kExistsWithDifferentUserData32 = 43,
  kExistsWithDifferentTimeout = 44,
  kExistsWithDifferentCode = 45,
  kExists = 46,
  kOverflowsDebitsPending = 47,
  kOverflowsCreditsPending = 48,
  kOverflowsDebitsPosted = 49,
  kOverflowsCreditsPosted = 50,
  kOverflowsDebits = 51,
  kOverflowsCredits = 52,
  kOverflowsTimeout = 53,
  kExceedsCredits = 54,
  kExceedsDebits = 55,
  kImportedEventExpected = 56,
  kImportedEventNotExpected = 57,
  kImportedEventTimestampOutOfRange = 58,
  kImportedEventTimestampMustNotAdvance = 59,
  kImportedEventTimestampMustNotRegress = 60,
  kImportedEventTimestampMustPostdateDebitAccount = 61,
  kImportedEventTimestampMustPostdateCreditAccount = 62,
  kClosingTransferMustBePending = 64,
  kDebitAccountAlreadyClosed = 65,
  kCreditAccountAlreadyClosed = 66,
  kExistsWithDifferentLedger = 67,
  kIdAlreadyFailed = 68,
  // Ours, from 1000.
  kAccountsOnDifferentShards = 1000,  // One transfer, or one linked chain, cannot span shards.
  kAccountOfAnotherShard = 1001,      // The shard in the account ids is not this node's.
  kExceedsDebitAccountBalanceMax = 1002,
  kExceedsCreditAccountBalanceMax = 1003,
  // A gateway's: a post or void with account ids of 0 does not say which shard it belongs to.
  kPostOrVoidMustNameAnAccount = 1004,
};

enum class BalanceLimitStatus : uint32_t {
  kOk = 0,
  kAccountNotFound = 1,
  kAccountOfAnotherShard = 1000,
};

// "exceeds_credits"
absl::string_view ToString(AccountStatus status);
absl::string_view ToString(TransferStatus status);
absl::string_view ToString(BalanceLimitStatus status);

}  // namespace ledger
