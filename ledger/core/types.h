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

struct AccountFlags {
  static constexpr uint16_t kLinked = 1 << 0;
  static constexpr uint16_t kDebitsMustNotExceedCredits = 1 << 1;
  static constexpr uint16_t kCreditsMustNotExceedDebits = 1 << 2;
  static constexpr uint16_t kKnown =
      kLinked | kDebitsMustNotExceedCredits | kCreditsMustNotExceedDebits;
};

struct TransferFlags {
  static constexpr uint16_t kLinked = 1 << 0;
  static constexpr uint16_t kKnown = kLinked;
};

// Amounts are minor units. Timestamps are Unix nanoseconds, unique and growing over all objects of
// a shard.
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
  friend bool operator==(const Account&, const Account&) = default;
};
static_assert(sizeof(Account) == 96 && std::is_trivially_copyable_v<Account>);

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

}  // namespace ledger
