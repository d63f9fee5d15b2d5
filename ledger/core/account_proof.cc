#include "ledger/core/account_proof.h"

#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "base/status_macros.h"
#include "ledger/core/merkle.h"

namespace ledger {
namespace {

constexpr size_t kAccountsAt = 24;  // In a state root's fixed part: the number of accounts.

absl::string_view AsBytes(const Account& account) {
  return {reinterpret_cast<const char*>(&account), sizeof(account)};
}

pb::Id ToProto(const Id128& id) {
  pb::Id message;
  message.set_high(id.high);
  message.set_low(id.low);
  return message;
}

pb::Account ToProto(const Account& row) {
  pb::Account message;
  *message.mutable_id() = ToProto(row.id);
  message.set_debits_pending(row.debits_pending);
  message.set_debits_posted(row.debits_posted);
  message.set_credits_pending(row.credits_pending);
  message.set_credits_posted(row.credits_posted);
  *message.mutable_user_data_128() = ToProto(row.user_data_128);
  message.set_user_data_64(row.user_data_64);
  message.set_user_data_32(row.user_data_32);
  message.set_ledger(row.ledger);
  message.set_code(row.code);
  message.set_flags(row.flags);
  message.set_timestamp_ns(row.timestamp_ns);
  message.set_balance_max(row.balance_max);
  return message;
}

// The neighbours of a leaf and of what is above it, as far as they are among these leaves.
void AddNeighbours(std::vector<base::Hash256> hashes, uint64_t index, pb::AccountProof& proof) {
  for (; hashes.size() > 1; index /= 2) {
    if (const uint64_t neighbour = index ^ 1; neighbour < hashes.size()) {
      proof.add_path(std::string(base::AsBytes(hashes[neighbour])));
    }
    std::vector<base::Hash256> above((hashes.size() + 1) / 2);
    for (size_t i = 0; i < above.size(); ++i) {
      const bool is_pair = 2 * i + 1 < hashes.size();
      above[i] = is_pair ? MerkleNode(hashes[2 * i], hashes[2 * i + 1]) : hashes[2 * i];
    }
    hashes = std::move(above);
  }
}

// RFC 9162, section 2.1.3.2.
absl::StatusOr<base::Hash256> RootOf(const pb::AccountProof& proof) {
  uint64_t node = proof.leaf_index();
  if (node >= proof.tree_size()) return absl::InvalidArgumentError("its leaf is not in its tree");
  uint64_t last = proof.tree_size() - 1;
  base::Hash256 hash = MerkleLeaf(proof.leaf());
  for (const std::string& bytes : proof.path()) {
    ASSIGN_OR_RETURN(const base::Hash256 neighbour, base::ToHash256(bytes));
    if (last == 0) return absl::InvalidArgumentError("its path is too long");
    if (node % 2 == 1 || node == last) {
      hash = MerkleNode(neighbour, hash);
      while (node % 2 == 0 && node != 0) node /= 2, last /= 2;
    } else {
      hash = MerkleNode(hash, neighbour);
    }
    node /= 2;
    last /= 2;
  }
  if (last != 0) return absl::InvalidArgumentError("its path is too short");
  return hash;
}

}  // namespace

pb::AccountProof ProveAccount(const StateTree& tree, uint64_t row,
                              absl::Span<const Account> bucket) {
  const uint64_t within = row % AccountTable::kBucketRows;
  INVARIANT(within < bucket.size());
  pb::AccountProof proof;
  *proof.mutable_account() = ToProto(bucket[within]);
  proof.set_leaf(std::string(AsBytes(bucket[within])));
  proof.set_leaf_index(row);
  proof.set_tree_size(tree.facts().accounts);
  std::vector<base::Hash256> leaves;
  for (const Account& account : bucket) leaves.push_back(MerkleLeaf(AsBytes(account)));
  AddNeighbours(std::move(leaves), within, proof);
  uint64_t index = row / AccountTable::kBucketRows;
  for (size_t level = 0; level + 1 < tree.levels(); ++level, index /= 2) {
    if (const uint64_t neighbour = index ^ 1; neighbour < tree.nodes(level)) {
      proof.add_path(std::string(base::AsBytes(tree.node(level, neighbour))));
    }
  }
  proof.set_root_prefix(tree.RootPrefix());
  proof.set_pendings_root(std::string(base::AsBytes(tree.PendingsRoot())));
  proof.set_state_root(std::string(base::AsBytes(tree.Root())));
  return proof;
}

absl::Status CheckProof(const pb::AccountProof& proof, absl::string_view state_root) {
  Account row;
  if (proof.leaf().size() != sizeof(row)) {
    return absl::InvalidArgumentError("the proof's leaf is no account's row");
  }
  std::memcpy(&row, proof.leaf().data(), sizeof(row));
  if (ToProto(row).SerializeAsString() != proof.account().SerializeAsString()) {
    return absl::InvalidArgumentError("the proof's account is not that of its leaf");
  }
  if (proof.root_prefix().size() != StateTree::kRootPrefixBytes ||
      proof.pendings_root().size() != sizeof(base::Hash256)) {
    return absl::InvalidArgumentError("the proof's parts of the state root have wrong lengths");
  }
  uint64_t accounts_stated = 0;
  std::memcpy(&accounts_stated, proof.root_prefix().data() + kAccountsAt, sizeof(uint64_t));
  if (accounts_stated != proof.tree_size()) {
    return absl::InvalidArgumentError("the proof's tree has not as many leaves as the state");
  }
  const absl::StatusOr<base::Hash256> accounts = RootOf(proof);
  if (!accounts.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the proof cannot hold: ", accounts.status().message()));
  }
  const base::Hash256 root = base::Sha256()
                                 .Update(proof.root_prefix())
                                 .Update(accounts->data(), accounts->size())
                                 .Update(proof.pendings_root())
                                 .Finish();
  if (base::AsBytes(root) == state_root) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "the proof leads to state root ", base::ToHex(root), ", not to ", base::ToHex(state_root)));
}

}  // namespace ledger
