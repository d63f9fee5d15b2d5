// An account proved against a state root, with nothing else at hand.
#include "ledger/core/account_proof.h"

#include <catch2/catch.hpp>

#include <utility>
#include <vector>

#include "tests/ledger/core/ledger_rows.h"

namespace ledger {
namespace {

// A ledger with so many accounts and its tree.
struct Ledger {
  explicit Ledger(uint64_t accounts) {
    std::vector<Account> batch;
    for (uint64_t number = 1; number <= accounts; ++number) {
      batch.push_back(NewAccount(number));
      batch.back().user_data_64 = number % 3;
    }
    bench.Create(batch);
    if (accounts > 1) bench.Create(NewTransfer(1, 1, 2, 7));
    DirtyState dirty;
    bench.machine.TakeDirty(UINT64_MAX, dirty);
    tree.Update(dirty);
    std::unique_ptr<StateImage> image = bench.machine.Freeze();
    image->Prepare();
    rows.resize(accounts);
    image->ReadAccounts(0, absl::MakeSpan(rows));
    bench.machine.Thaw(std::move(image));
  }
  pb::AccountProof Prove(uint64_t row) const {
    const uint64_t first = row / AccountTable::kBucketRows * AccountTable::kBucketRows;
    return ProveAccount(tree, row,
                        absl::MakeConstSpan(rows).subspan(first, AccountTable::kBucketRows));
  }
  std::string root() const { return std::string(base::AsBytes(tree.Root())); }

  Bench bench;
  StateTree tree;
  std::vector<Account> rows;
};

TEST_CASE("every account of a ledger is proved, however many there are", "[account_proof]") {
  const uint64_t accounts = GENERATE(1U, 2U, 3U, 15U, 16U, 17U, 31U, 33U, 48U, 100U, 257U, 1'000U);
  CAPTURE(accounts);
  Ledger ledger(accounts);
  CHECK(ledger.root() == std::string(base::AsBytes(ledger.bench.machine.StateRoot())));
  for (uint64_t row = 0; row < accounts; ++row) {
    const absl::Status status = CheckProof(ledger.Prove(row), ledger.root());
    CAPTURE(row, std::string(status.message()));
    REQUIRE(status.ok());
  }
}

TEST_CASE("a path has one hash a level", "[account_proof]") {
  const Ledger ledger(1'000);
  CHECK(ledger.Prove(0).path_size() == 10);
  CHECK(ledger.Prove(999).path_size() < 10);
}

TEST_CASE("a proof with anything changed does not hold", "[account_proof]") {
  const Ledger ledger(100);
  pb::AccountProof proof = ledger.Prove(42);
  std::string root = ledger.root();
  REQUIRE(CheckProof(proof, root).ok());
  SECTION("the account") { proof.mutable_account()->set_credits_posted(9); }
  SECTION("the leaf") { proof.mutable_leaf()->at(20) ^= 1; }
  SECTION("the index") { proof.set_leaf_index(43); }
  SECTION("the number of leaves") { proof.set_tree_size(99); }
  SECTION("a hash of the path") { proof.mutable_path(3)->at(0) ^= 1; }
  SECTION("a path too short") { proof.mutable_path()->RemoveLast(); }
  SECTION("a path too long") { proof.add_path(std::string(32, 'x')); }
  SECTION("the counts") { proof.mutable_root_prefix()->at(40) ^= 1; }
  SECTION("the pending transfers") { proof.mutable_pendings_root()->at(0) ^= 1; }
  SECTION("the state root") { root[0] ^= 1; }
  SECTION("lengths") { proof.mutable_root_prefix()->push_back('x'); }
  CHECK(absl::IsInvalidArgument(CheckProof(proof, root)));
}

}  // namespace
}  // namespace ledger
