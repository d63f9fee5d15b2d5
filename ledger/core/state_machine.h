#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/hash.h"
#include "ledger/core/state_image.h"
#include "ledger/core/status.h"
#include "ledger/core/transfer_store.h"
#include "ledger/core/types.h"

namespace ledger {

// Of one shard; every further one is refused. All nodes of a shard must agree on it, as on all that
// decides what becomes of an event.
inline constexpr uint64_t kAccountsMax = (uint64_t{1} << 28) - 1;
struct DirtyState;  // ledger/core/state_tree.h
struct RootFacts;

struct EventResult {
  uint32_t index;  // In the batch.
  uint32_t code;   // AccountStatus, TransferStatus or BalanceLimitStatus.
  friend bool operator==(const EventResult&, const EventResult&) = default;
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

// The ledger of one shard: accounts and open pending transfers in memory, all other transfers in a
// store. Pure: the same batches with the same timestamps give the same state and results, on any
// machine, over any store. Not thread-safe.
class StateMachine {
 public:
  // The store, which is empty and outlives it, is its alone to change. Another `accounts_max` makes
  // another ledger of the same log: only for tests.
  StateMachine(uint32_t shard, TransferStore& transfers, uint64_t accounts_max = kAccountsMax);
  ~StateMachine();
  StateMachine(StateMachine&&) noexcept;
  StateMachine& operator=(StateMachine&&) noexcept;

  // Executes a batch of at most kBatchEventsMax events; results only of those that did not
  // succeed, by index. Event i of n gets the time timestamp_ns - n + i + 1: the caller keeps
  // timestamp_ns - n at or above last_timestamp_ns(). Before the first event, pending transfers
  // that expire at or before timestamp_ns - n are released, up to kBatchEventsMax of them. A batch
  // without events does only that.
  std::vector<EventResult> CreateAccounts(absl::Span<const Account> batch, uint64_t timestamp_ns);
  std::vector<EventResult> CreateTransfers(absl::Span<const Transfer> batch, uint64_t timestamp_ns);
  std::vector<EventResult> SetBalanceLimits(absl::Span<const BalanceLimit> batch,
                                            uint64_t timestamp_ns);

  // Of the last batch; 0 before the first.
  uint64_t last_timestamp_ns() const;
  // When the next pending transfer expires that is not yet released.
  std::optional<uint64_t> next_expiry_ns() const;
  // When the last of those that are open and expire does.
  std::optional<uint64_t> last_expiry_ns() const;

  std::optional<Account> FindAccount(const Id128& id) const;
  // Its place in the order of creation, from 0.
  std::optional<uint64_t> FindRow(const Id128& id) const;
  // Valid until the next call; null when there is none.
  const Transfer* FindTransfer(const Id128& id) const;

  // --- The state root: ledger/FORMAT.md ---
  // Copies what changed since it was last taken into `dirty`, up to about rows_max rows of it; a
  // StateTree (ledger/core/state_tree.h) that was given all in turn has the root.
  void TakeDirty(uint64_t rows_max, DirtyState& dirty);
  // About how many rows it would copy; 0 when nothing changed.
  uint64_t dirty_rows() const;
  RootFacts root_facts() const;
  // From scratch, of all rows; takes time in proportion to the number of accounts.
  base::Hash256 StateRoot() const;

  // Kept at every batch, behind each of which debits equal credits per currency (INVARIANT).
  Totals totals() const;
  // From scratch: other sums than the kept ones mean that the state was damaged.
  Totals ComputeTotals() const;
  Reached reached() const;
  uint64_t account_count() const;
  uint64_t transfer_count() const;
  uint64_t pending_count() const;  // Open ones.
  // Open pending transfers behind that of the time (0: all), in an order that does not change, at
  // most so many.
  std::vector<PendingFacts> OpenPendings(uint64_t after_timestamp_ns, size_t limit) const;
  // Memory of all accounts.
  uint64_t account_bytes() const;

  // --- Snapshots ---
  // What it holds now, between two batches. Takes little time; until it is thawed each first change
  // of a page of accounts copies it. Several moments may be frozen at the same time.
  std::unique_ptr<StateImage> Freeze();
  // Nobody reads the image, which is this ledger's, any more.
  void Thaw(std::unique_ptr<StateImage> image);
  // The content of an image into an empty ledger, in order; then LoadDone(). DATA_LOSS when it
  // cannot be one. The store must hold the transfers already.
  absl::Status Load(uint32_t section, absl::string_view bytes);
  absl::Status LoadDone();

  // --- Faults of a lab: rows change unnoticed, as in damaged memory. The accounts, or none ---
  // The lowest bit of an account's credits, by default of the first one's; `is_noticed`: the state
  // root takes note of it, as when a program was at fault.
  std::vector<Id128> FlipBitForLab(bool is_noticed = false, const Id128& account = {});
  // The balances of the first two accounts of a currency that differ.
  std::vector<Id128> ExchangeBalancesForLab();
  // What a posted transfer did, once more.
  std::vector<Id128> ApplyTwiceForLab(const Id128& transfer);

 private:
  // Checks a batch's size and time, and releases what has expired; the time before its first
  // event's.
  uint64_t BeginBatch(size_t events, uint64_t timestamp_ns);

  struct State;
  class Image;
  std::unique_ptr<State> state_;
};

}  // namespace ledger
