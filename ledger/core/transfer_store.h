#pragma once

#include <cstdint>

#include "ledger/core/types.h"

namespace ledger {

// What became of a pending transfer by a transfer that names it.
enum class Resolution : uint8_t { kNone, kPosted, kVoided };

struct FoundTransfer {
  const Transfer* transfer = nullptr;  // Valid until the next call of the store.
  bool failed = false;                 // The id is burnt.
};

// The four balances of an account with `history`, after the transfer of that time.
struct BalanceRow {
  Id128 account_id;
  uint64_t timestamp_ns = 0;
  uint64_t debits_pending = 0;
  uint64_t debits_posted = 0;
  uint64_t credits_pending = 0;
  uint64_t credits_posted = 0;
  friend bool operator==(const BalanceRow&, const BalanceRow&) = default;
};

// How far a shard's ledger has come, as a store counts it.
struct Reached {
  uint64_t newest_ns = 0;  // The newest transfer's time.
  uint64_t transfers = 0;
  uint64_t burnt = 0;
};

// How the state machine keeps and finds transfers: all that grows with history, so that it may
// stand on disk. Which implementation serves changes no result. Not thread-safe.
class TransferStore {
 public:
  // How much had been added.
  struct Mark {
    uint64_t transfers = 0;
    uint64_t balances = 0;
  };

  virtual ~TransferStore() = default;

  // A Find of the id comes soon.
  virtual void Prefetch(const Id128& id) = 0;
  virtual FoundTransfer Find(const Id128& id) = 0;
  // Whether there is a transfer of exactly this time.
  virtual bool HasTimestamp(uint64_t timestamp_ns) = 0;
  // By the post and void transfers that were added.
  virtual Resolution ResolutionOf(const Id128& pending_id) = 0;

  // A transfer of a new id, later than all before.
  virtual void Add(const Transfer& transfer) = 0;
  // From now on the id is found as failed, whatever is rolled back.
  virtual void Burn(const Id128& id, uint64_t timestamp_ns) = 0;
  // One transfer gives up to two rows, debit account first.
  virtual void AddBalances(const BalanceRow& row) = 0;

  virtual Mark Now() const = 0;
  // Undoes what was added since the mark, which is of this batch.
  virtual void RollBack(const Mark& mark) = 0;
  // What was added can no longer be undone: it is the record of that time.
  virtual void EndBatch(uint64_t record_ns) = 0;
};

}  // namespace ledger
