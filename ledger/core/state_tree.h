#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "base/hash.h"
#include "ledger/core/account_table.h"
#include "ledger/core/chunked_vector.h"
#include "ledger/core/state_image.h"
#include "ledger/core/types.h"

namespace ledger {

// What a state root holds beside accounts and open pending transfers.
struct RootFacts {
  uint64_t shard = 0;
  uint64_t accounts = 0;
  uint64_t transfers = 0;
  uint64_t pendings = 0;
  uint64_t burnt = 0;
  uint64_t newest_transfer_ns = 0;
  base::Hash256 burnt_hash{};
};
static_assert(sizeof(RootFacts) == 80 && std::is_trivially_copyable_v<RootFacts>);

// Copies of what changed in a ledger's state since the last ones were taken.
struct DirtyState {
  RootFacts facts;  // Of the state as a whole.
  // False when more had changed than was wanted: the rest comes with the next.
  bool is_all = false;
  std::vector<uint32_t> buckets;        // Of accounts, growing, with
  std::vector<AccountRow> rows;         // all rows of these in order, and
  std::vector<AccountDetails> details;  // the details of those that have some, in order.
  std::vector<uint16_t> pending_buckets;
  std::vector<uint32_t> pending_counts;    // Rows of each of these,
  std::vector<PendingFacts> pending_rows;  // which follow here, by time.

  void Clear();
};

// Hashes of the tree, a part of them, by which two nodes find where their states differ. Accounts
// lie in ranges and chunks as a challenge's do (ledger/core/challenge.h); open pending transfers in
// their buckets, of which 256 make a chunk.
struct TreeDigests {
  struct Table {
    std::vector<base::Hash256> ranges;
    std::vector<base::Hash256> chunks;
  };
  Table accounts;
  Table pendings;
};

// The hashes that the state root is made of, but for those of single accounts: ledger/FORMAT.md,
// "State root". Takes 4 bytes an account, and up to 11 MB for pending transfers. Pure; one thread
// at a time.
class StateTree {
 public:
  // While much is hashed, `breathe` is called a few times a millisecond.
  explicit StateTree(std::function<void()> breathe = [] {});

  // Hashes again what changed, and what is above it. Each later than the one before it.
  void Update(const DirtyState& dirty);

  // The state root as of the last update, if that was all: until then it is of no state.
  base::Hash256 Root() const;
  const RootFacts& facts() const { return facts_; }
  // What the root is made of in front of those of accounts and pending transfers.
  static constexpr size_t kRootPrefixBytes = 16 + sizeof(RootFacts);
  std::string RootPrefix() const;
  base::Hash256 AccountsRoot() const;
  base::Hash256 PendingsRoot() const;
  // As of the last update, as the root. Copies an eighth of a byte an account, and 2 MB.
  TreeDigests Digests() const;

  // The tree of the accounts: level 0 has a hash for each bucket, the highest one hash.
  size_t levels() const { return levels_.size(); }
  uint64_t nodes(size_t level) const { return levels_[level].size(); }
  const base::Hash256& node(size_t level, uint64_t index) const { return levels_[level][index]; }

 private:
  using Level = ChunkedVector<base::Hash256>;

  void UpdateAccounts(const DirtyState& dirty);
  // Hashes the parents of what changed at `level`, and leaves their numbers in `changed`.
  void UpdateAbove(size_t level, std::vector<uint32_t>& changed);
  void UpdatePendings(const DirtyState& dirty);
  // The nodes of the accounts' tree that each have so many rows below them.
  std::vector<base::Hash256> NodesOver(uint64_t rows) const;
  std::vector<base::Hash256> PendingNodes(size_t height) const;
  const base::Hash256& PendingNode(uint32_t number, size_t height) const;
  void SetPendingNode(uint32_t number, size_t height, const base::Hash256& hash);

  const std::function<void()> breathe_;
  RootFacts facts_;
  std::vector<Level> levels_;
  // By the number that a node has when the root is 1 and n's children are 2n and 2n + 1. Who has
  // nothing below is not there, and has the hash of its height.
  absl::flat_hash_map<uint32_t, base::Hash256> pending_nodes_;
  std::vector<base::Hash256> empty_;  // By height.
};

// What `Update` makes of the rows of one bucket; `details` begin with the first one's that has
// some, and lose those that were used.
base::Hash256 HashOfBucket(absl::Span<const AccountRow> rows,
                           absl::Span<const AccountDetails>& details);

}  // namespace ledger
