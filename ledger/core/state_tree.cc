#include "ledger/core/state_tree.h"

#include <array>
#include <bit>
#include <utility>

#include "base/invariant.h"
#include "ledger/core/challenge.h"
#include "ledger/core/merkle.h"
#include "ledger/core/pending_table.h"

namespace ledger {
namespace {

constexpr char kRootPrefix[16] = "hamisha.state.3";
// Some 0.3 ms of hashing each.
constexpr size_t kBucketsABreath = 64;
constexpr size_t kNodesABreath = 1'024;
constexpr size_t kPendingHeight = std::countr_zero(PendingTable::kBuckets);

template <typename Row>
absl::string_view AsBytes(absl::Span<const Row> rows) {
  return {reinterpret_cast<const char*>(rows.data()), rows.size() * sizeof(Row)};
}

template <typename T>
void Resize(ChunkedVector<T>& rows, uint64_t size) {
  INVARIANT(size >= rows.size());  // Accounts never go.
  while (rows.size() < size) rows.push_back({});
}

}  // namespace

void DirtyState::Clear() {
  facts = {};
  is_all = false;
  buckets.clear();
  rows.clear();
  details.clear();
  pending_buckets.clear();
  pending_counts.clear();
  pending_rows.clear();
}

base::Hash256 HashOfBucket(absl::Span<const AccountRow> rows,
                           absl::Span<const AccountDetails>& details) {
  std::array<base::Hash256, AccountTable::kBucketRows> hashes;
  for (size_t i = 0; i < rows.size(); ++i) {
    const bool has_details = (rows[i].flags & kHasDetails) != 0;
    INVARIANT(!has_details || !details.empty());
    const Account account = FullAccount(rows[i], details.data());
    if (has_details) details.remove_prefix(1);
    hashes[i] = MerkleLeaf(AsBytes(absl::MakeConstSpan(&account, 1)));
  }
  return MerkleRoot(absl::MakeSpan(hashes).first(rows.size()));
}

StateTree::StateTree(std::function<void()> breathe) : breathe_(std::move(breathe)) {
  empty_.push_back(MerkleLeaf(""));
  for (size_t height = 1; height <= kPendingHeight; ++height) {
    empty_.push_back(MerkleNode(empty_.back(), empty_.back()));
  }
}

void StateTree::Update(const DirtyState& dirty) {
  facts_ = dirty.facts;
  UpdateAccounts(dirty);
  UpdatePendings(dirty);
}

std::string StateTree::RootPrefix() const {
  std::string prefix(kRootPrefix, sizeof(kRootPrefix));
  prefix.append(reinterpret_cast<const char*>(&facts_), sizeof(facts_));
  return prefix;
}

base::Hash256 StateTree::Root() const {
  const base::Hash256 accounts = AccountsRoot();
  const base::Hash256 pendings = PendingsRoot();
  return base::Sha256()
      .Update(RootPrefix())
      .Update(accounts.data(), accounts.size())
      .Update(pendings.data(), pendings.size())
      .Finish();
}

TreeDigests StateTree::Digests() const {
  constexpr size_t kChunkHeight = std::countr_zero(Challenge::kChunkRanges);
  return {.accounts = {.ranges = NodesOver(Challenge::kRangeRows),
                       .chunks = NodesOver(Challenge::kChunkRows)},
          .pendings = {.ranges = PendingNodes(0), .chunks = PendingNodes(kChunkHeight)}};
}

// --- Accounts ---

// A tree that is not so high has one node over all its rows.
std::vector<base::Hash256> StateTree::NodesOver(uint64_t rows) const {
  std::vector<base::Hash256> hashes;
  if (levels_.empty()) return hashes;
  const auto height = static_cast<size_t>(std::countr_zero(rows / AccountTable::kBucketRows));
  const Level& level = levels_[std::min(height, levels_.size() - 1)];
  hashes.reserve(level.size());
  for (size_t node = 0; node < level.size(); ++node) hashes.push_back(level[node]);
  return hashes;
}

base::Hash256 StateTree::AccountsRoot() const {
  return levels_.empty() ? MerkleOfNothing() : levels_.back()[0];
}

void StateTree::UpdateAccounts(const DirtyState& dirty) {
  const uint64_t accounts = dirty.facts.accounts;
  if (accounts == 0) return;
  if (levels_.empty()) levels_.emplace_back();
  Resize(levels_[0], (accounts + AccountTable::kBucketRows - 1) / AccountTable::kBucketRows);
  absl::Span<const AccountRow> rows = dirty.rows;
  absl::Span<const AccountDetails> details = dirty.details;
  for (size_t i = 0; i < dirty.buckets.size(); ++i) {
    if (i % kBucketsABreath == kBucketsABreath - 1) breathe_();
    const uint32_t bucket = dirty.buckets[i];
    const uint64_t first = uint64_t{bucket} * AccountTable::kBucketRows;
    const auto count = std::min<uint64_t>(AccountTable::kBucketRows, accounts - first);
    levels_[0][bucket] = HashOfBucket(rows.first(count), details);
    rows.remove_prefix(count);
  }
  INVARIANT(rows.empty() && details.empty());
  std::vector<uint32_t> changed = dirty.buckets;
  for (size_t level = 0; levels_[level].size() > 1; ++level) UpdateAbove(level, changed);
}

void StateTree::UpdateAbove(size_t level, std::vector<uint32_t>& changed) {
  if (level + 1 == levels_.size()) levels_.emplace_back();
  const Level& below = levels_[level];
  Level& above = levels_[level + 1];
  Resize(above, (below.size() + 1) / 2);
  size_t count = 0;
  for (const uint32_t node : changed) {
    const uint32_t parent = node / 2;
    if (count > 0 && changed[count - 1] == parent) continue;
    const uint32_t left = parent * 2;
    above[parent] =
        left + 1 < below.size() ? MerkleNode(below[left], below[left + 1]) : below[left];
    changed[count++] = parent;
    if (count % kNodesABreath == 0) breathe_();
  }
  changed.resize(count);
}

// --- Open pending transfers ---

base::Hash256 StateTree::PendingsRoot() const { return PendingNode(1, kPendingHeight); }

const base::Hash256& StateTree::PendingNode(uint32_t number, size_t height) const {
  const auto found = pending_nodes_.find(number);
  return found == pending_nodes_.end() ? empty_[height] : found->second;
}

std::vector<base::Hash256> StateTree::PendingNodes(size_t height) const {
  std::vector<base::Hash256> hashes;
  const uint32_t first = PendingTable::kBuckets >> height;
  hashes.reserve(first);
  for (uint32_t node = first; node < 2 * first; ++node) {
    hashes.push_back(PendingNode(node, height));
  }
  return hashes;
}

void StateTree::SetPendingNode(uint32_t number, size_t height, const base::Hash256& hash) {
  if (hash == empty_[height]) {
    pending_nodes_.erase(number);
  } else {
    pending_nodes_[number] = hash;
  }
}

void StateTree::UpdatePendings(const DirtyState& dirty) {
  absl::Span<const PendingFacts> rows = dirty.pending_rows;
  std::vector<uint32_t> changed;
  for (size_t i = 0; i < dirty.pending_buckets.size(); ++i) {
    changed.push_back(PendingTable::kBuckets + dirty.pending_buckets[i]);
    SetPendingNode(changed.back(), 0, MerkleLeaf(AsBytes(rows.first(dirty.pending_counts[i]))));
    rows.remove_prefix(dirty.pending_counts[i]);
  }
  INVARIANT(rows.empty());
  if (changed.empty()) return;
  for (size_t height = 0; height < kPendingHeight; ++height) {
    size_t count = 0;
    for (const uint32_t node : changed) {
      const uint32_t parent = node / 2;
      if (count > 0 && changed[count - 1] == parent) continue;
      SetPendingNode(
          parent, height + 1,
          MerkleNode(PendingNode(2 * parent, height), PendingNode(2 * parent + 1, height)));
      changed[count++] = parent;
    }
    changed.resize(count);
  }
}

}  // namespace ledger
