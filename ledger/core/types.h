// What the ledger keeps: fixed layouts, so that a batch goes to the log as it stands in memory.
// ledger/FORMAT.md gives the bytes. Little-endian machines only.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include "base/id128.h"

namespace ledger {

using base::Id128;

static_assert(std::endian::native == std::endian::little);

inline constexpr uint32_t kBatchEventsMax = 8'190;

// The shard that an account lives on stands in its id. Transfers live with their accounts.
constexpr uint32_t ShardOfAccount(const Id128& id) { return static_cast<uint32_t>(id.high >> 48); }

// The newest time that anything may have or expire at.
inline constexpr uint64_t kTimestampMaxNs = (uint64_t{1} << 63) - 1;

struct AccountFlags {
  static constexpr uint16_t kLinked = 1 << 0;
  static constexpr uint16_t kDebitsMustNotExceedCredits = 1 << 1;
  static constexpr uint16_t kCreditsMustNotExceedDebits = 1 << 2;
  static constexpr uint16_t kHistory = 1 << 3;
  static constexpr uint16_t kImported = 1 << 4;
  static constexpr uint16_t kClosed = 1 << 5;
  static constexpr uint16_t kKnown = (1 << 6) - 1;
};

struct TransferFlags {
  static constexpr uint16_t kLinked = 1 << 0;
  static constexpr uint16_t kPending = 1 << 1;
  static constexpr uint16_t kPostPendingTransfer = 1 << 2;
  static constexpr uint16_t kVoidPendingTransfer = 1 << 3;
  static constexpr uint16_t kBalancingDebit = 1 << 4;
  static constexpr uint16_t kBalancingCredit = 1 << 5;
  static constexpr uint16_t kClosingDebit = 1 << 6;
  static constexpr uint16_t kClosingCredit = 1 << 7;
  static constexpr uint16_t kImported = 1 << 8;
  static constexpr uint16_t kKnown = (1 << 9) - 1;
};

// Amounts are minor units. Timestamps are Unix nanoseconds, unique over all objects of a shard and
// growing over its accounts, and over its transfers.
struct Account {
  Id128 id;
  uint64_t debits_pending = 0;
  uint64_t debits_posted = 0;
  uint64_t credits_pending = 0;
  uint64_t credits_posted = 0;
  Id128 user_data_128;
  uint64_t user_data_64 = 0;
  uint32_t user_data_32 = 0;
  uint32_t ledger = 0;
  uint64_t timestamp_ns = 0;
  uint16_t code = 0;
  uint16_t flags = 0;
  uint32_t reserved = 0;
  uint64_t balance_max = 0;  // 0: none. A BalanceLimit changes it.
  friend bool operator==(const Account&, const Account&) = default;
};
static_assert(sizeof(Account) == 104 && std::is_trivially_copyable_v<Account>);

struct Transfer {
  Id128 id;
  Id128 debit_account_id;
  Id128 credit_account_id;
  uint64_t amount = 0;
  uint64_t timestamp_ns = 0;
  Id128 pending_id;
  Id128 user_data_128;
  uint64_t user_data_64 = 0;
  uint32_t user_data_32 = 0;
  uint32_t timeout_s = 0;
  uint32_t ledger = 0;
  uint16_t code = 0;
  uint16_t flags = 0;
  uint64_t reserved = 0;
  friend bool operator==(const Transfer&, const Transfer&) = default;
};
static_assert(sizeof(Transfer) == 128 && std::is_trivially_copyable_v<Transfer>);

// Sets an account's largest balance.
struct BalanceLimit {
  Id128 account_id;
  uint64_t balance_max = 0;  // 0: none.
  friend bool operator==(const BalanceLimit&, const BalanceLimit&) = default;
};
static_assert(sizeof(BalanceLimit) == 24 && std::is_trivially_copyable_v<BalanceLimit>);

}  // namespace ledger
