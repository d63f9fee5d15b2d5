#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "base/hash.h"
#include "ledger/core/status.h"
#include "ledger/core/types.h"

namespace ledger {

struct EventResult {
  uint32_t index;  // In the batch.
  uint32_t code;   // AccountStatus or TransferStatus.
  friend bool operator==(const EventResult&, const EventResult&) = default;
};

struct TransferFilter {
  Id128 account_id;
  uint64_t timestamp_min_ns = 0;  // Inclusive.
  uint64_t timestamp_max_ns = 0;  // Inclusive; 0: no limit.
  uint32_t limit = kBatchEventsMax;
  uint16_t code = 0;  // 0: any.
  bool debits = true;
  bool credits = true;
  bool reversed = false;
};

// Sums over all accounts of one currency, modulo 2^64.
struct CurrencyTotals {
  uint32_t ledger;
  uint64_t debits_posted;
  uint64_t credits_posted;
  uint64_t debits_pending;
  uint64_t credits_pending;
  friend bool operator==(const CurrencyTotals&, const CurrencyTotals&) = default;
};

struct Totals {
  uint64_t accounts = 0;
  uint64_t transfers = 0;
  std::vector<CurrencyTotals> currencies;  // By `ledger`.
  friend bool operator==(const Totals&, const Totals&) = default;
};

// The ledger of one shard, in memory. Pure: the same batches with the same timestamps give the
// same state and results, on any machine. Not thread-safe.
class StateMachine {
 public:
  explicit StateMachine(uint32_t shard);
  ~StateMachine();
  StateMachine(StateMachine&&) noexcept;
  StateMachine& operator=(StateMachine&&) noexcept;

  // Executes a batch of at most kBatchEventsMax events; results only of those that did not
  // succeed, by index. Event i of n gets the time timestamp_ns - n + i + 1: the caller keeps
  // timestamp_ns - n at or above last_timestamp_ns().
  std::vector<EventResult> CreateAccounts(absl::Span<const Account> batch, uint64_t timestamp_ns);
  std::vector<EventResult> CreateTransfers(absl::Span<const Transfer> batch, uint64_t timestamp_ns);

  // Of the last batch; 0 before the first.
  uint64_t last_timestamp_ns() const;

  // Valid until the next Create; null when there is none.
  const Account* FindAccount(const Id128& id) const;
  const Transfer* FindTransfer(const Id128& id) const;
  // In order of time. Finding the first takes O(log n) of the account's transfers; all within the
  // time range are looked at until `limit` of them match.
  std::vector<Transfer> AccountTransfers(const TransferFilter& filter) const;

  // SHA-256 over all canonical rows, however they were inserted: ledger/FORMAT.md, "State root".
  // From scratch; takes time in proportion to the number of accounts.
  base::Hash256 StateRoot() const;

  // Per currency debits equal credits, unless the state was damaged.
  Totals ComputeTotals() const;
  uint64_t account_count() const;
  uint64_t transfer_count() const;

  // A lab fault: changes the lowest bit of the first account's credits. Nothing without accounts.
  std::optional<Id128> FlipBitForLab();

 private:
  // Checks a batch's size and time; the time before its first event's.
  uint64_t BeginBatch(size_t events, uint64_t timestamp_ns);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ledger
