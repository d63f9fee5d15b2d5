// How what changed in a ledger's state is copied, for the state root: ledger/FORMAT.md, "State
// root".
#include <iterator>

#include "ledger/core/state.h"
#include "ledger/core/state_tree.h"

namespace ledger {
namespace {

void CopyBucket(const AccountTable& accounts, uint32_t bucket, DirtyState& to) {
  const absl::Span<const AccountRow> rows = accounts.BucketRows(bucket);
  to.buckets.push_back(bucket);
  to.rows.insert(to.rows.end(), rows.begin(), rows.end());
  for (uint32_t i = 0; i < rows.size(); ++i) {
    const AccountDetails* const details =
        accounts.DetailsOf(bucket * AccountTable::kBucketRows + i);
    if (details != nullptr) to.details.push_back(*details);
  }
}

void CopyPendings(const PendingTable& pendings, const AccountTable& accounts, uint16_t bucket,
                  DirtyState& to) {
  const size_t before = to.pending_rows.size();
  for (auto entry = pendings.BucketBegin(bucket);
       entry != pendings.open().end() && entry->first.bucket == bucket; ++entry) {
    const OpenPending& pending = entry->second;
    to.pending_rows.push_back({.id = pending.id,
                               .debit_account_id = accounts[pending.debit_row].id,
                               .credit_account_id = accounts[pending.credit_row].id,
                               .amount = pending.amount,
                               .timestamp_ns = entry->first.timestamp_ns,
                               .expires_ns = pending.expires_ns,
                               .flags = pending.flags});
  }
  to.pending_buckets.push_back(bucket);
  to.pending_counts.push_back(static_cast<uint32_t>(to.pending_rows.size() - before));
}

}  // namespace

RootFacts StateMachine::root_facts() const {
  const TransferExecutor::Facts facts = state_->transfer_executor.facts();
  return {.shard = state_->accounts.shard(),
          .accounts = state_->accounts.size(),
          .transfers = facts.transfers,
          .pendings = state_->pendings.open().size(),
          .burnt = facts.burnt,
          .newest_transfer_ns = facts.newest_ns,
          .burnt_hash = facts.burnt_hash};
}

uint64_t StateMachine::dirty_rows() const {
  const PendingTable& pendings = state_->pendings;
  const uint64_t of_bucket = pendings.open().size() / PendingTable::kBuckets + 1;
  return state_->accounts.dirty().size() * AccountTable::kBucketRows +
         pendings.dirty().size() * of_bucket;
}

void StateMachine::TakeDirty(uint64_t rows_max, DirtyState& dirty) {
  AccountTable& accounts = state_->accounts;
  PendingTable& pendings = state_->pendings;
  dirty.Clear();
  dirty.facts = root_facts();
  pendings.dirty().Take([&](uint64_t bucket) {
    if (dirty.pending_rows.size() >= rows_max) return false;
    CopyPendings(pendings, accounts, static_cast<uint16_t>(bucket), dirty);
    return true;
  });
  accounts.dirty().Take([&](uint64_t bucket) {
    if (dirty.pending_rows.size() + dirty.rows.size() >= rows_max) return false;
    // What a broken chain took back is marked and no longer there.
    if (bucket * AccountTable::kBucketRows < accounts.size()) {
      CopyBucket(accounts, static_cast<uint32_t>(bucket), dirty);
    }
    return true;
  });
  dirty.is_all = pendings.dirty().size() == 0 && accounts.dirty().size() == 0;
}

base::Hash256 StateMachine::StateRoot() const {
  constexpr size_t kBucketsAtOnce = 65'536;
  const AccountTable& accounts = state_->accounts;
  const PendingTable& pendings = state_->pendings;
  StateTree tree;
  DirtyState part;
  part.facts = root_facts();
  for (auto entry = pendings.open().begin(); entry != pendings.open().end();) {
    CopyPendings(pendings, accounts, entry->first.bucket, part);
    std::advance(entry, part.pending_counts.back());
  }
  for (uint32_t bucket = 0; bucket * uint64_t{AccountTable::kBucketRows} < accounts.size();
       ++bucket) {
    CopyBucket(accounts, bucket, part);
    if (part.buckets.size() < kBucketsAtOnce) continue;
    tree.Update(part);
    part.Clear();
    part.facts = root_facts();
  }
  tree.Update(part);
  return tree.Root();
}

}  // namespace ledger
