// What queries of transfers ask for.
#pragma once

#include <cstdint>

#include "ledger/core/types.h"

namespace ledger {

// Conditions all hold; 0 means any.
struct TransferFilter {
  Id128 account_id;
  uint64_t timestamp_min_ns = 0;  // Inclusive.
  uint64_t timestamp_max_ns = 0;  // Inclusive.
  uint32_t limit = kBatchEventsMax;
  uint16_t code = 0;
  bool debits = true;
  bool credits = true;
  bool reversed = false;
  Id128 user_data_128 = {};
  uint64_t user_data_64 = 0;
  uint32_t user_data_32 = 0;
};

// The same over all transfers of the shard, by currency instead of account.
struct QueryFilter {
  uint64_t timestamp_min_ns = 0;
  uint64_t timestamp_max_ns = 0;
  uint32_t limit = kBatchEventsMax;
  uint32_t ledger = 0;
  uint16_t code = 0;
  bool reversed = false;
  Id128 user_data_128 = {};
  uint64_t user_data_64 = 0;
  uint32_t user_data_32 = 0;
};

// Whether a filter can find anything at all: one that makes no sense finds nothing.
template <typename Filter>
bool IsSound(const Filter& filter) {
  const uint64_t max_ns = filter.timestamp_max_ns;
  return filter.limit != 0 && filter.timestamp_min_ns <= kTimestampMaxNs &&
         max_ns <= kTimestampMaxNs && (max_ns == 0 || filter.timestamp_min_ns <= max_ns);
}

inline bool IsSoundForAccount(const TransferFilter& filter) {
  return IsSound(filter) && (filter.debits || filter.credits) && !filter.account_id.IsZero() &&
         !filter.account_id.IsMax();
}

template <typename Filter>
bool Matches(const Transfer& transfer, const Filter& filter) {
  return (filter.code == 0 || filter.code == transfer.code) &&
         (filter.user_data_128.IsZero() || filter.user_data_128 == transfer.user_data_128) &&
         (filter.user_data_64 == 0 || filter.user_data_64 == transfer.user_data_64) &&
         (filter.user_data_32 == 0 || filter.user_data_32 == transfer.user_data_32);
}

inline bool IsSide(const Transfer& transfer, const TransferFilter& filter) {
  return (filter.debits && transfer.debit_account_id == filter.account_id) ||
         (filter.credits && transfer.credit_account_id == filter.account_id);
}

}  // namespace ledger
