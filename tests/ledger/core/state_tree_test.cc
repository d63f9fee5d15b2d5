// The state root as it grows with the state: ledger/FORMAT.md, "State root".
#include "ledger/core/state_tree.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "ledger/core/merkle.h"
#include "tests/ledger/core/random_events.h"

namespace ledger {
namespace {

constexpr uint32_t kShard = 2;
constexpr uint64_t kAll = UINT64_MAX;

// RFC 6962's own test vectors, as certificate-transparency's reference implementation has them.
TEST_CASE("trees have the hashes of RFC 6962", "[state_tree]") {
  const auto bytes = [](absl::string_view hex) { return base::FromHex(hex).value(); };
  const std::vector<std::string> leaves = {"",
                                           bytes("00"),
                                           bytes("10"),
                                           bytes("2021"),
                                           bytes("3031"),
                                           bytes("40414243"),
                                           bytes("5051525354555657"),
                                           bytes("606162636465666768696a6b6c6d6e6f")};
  const std::vector<std::string> roots = {
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  for (size_t count = 1; count <= leaves.size(); ++count) {
    CAPTURE(count);
    std::vector<base::Hash256> hashes;
    for (size_t i = 0; i < count; ++i) hashes.push_back(MerkleLeaf(leaves[i]));
    CHECK(base::ToHex(MerkleRoot(absl::MakeSpan(hashes))) == roots[count - 1]);
  }
  CHECK(base::ToHex(MerkleOfNothing()) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("the root of an empty ledger is the one that FORMAT.md gives", "[state_tree]") {
  std::string of_nothing = std::string(base::AsBytes(base::Sha256Of(std::string(1, '\0'))));
  for (int height = 0; height < 16; ++height) {
    std::string both(1, '\1');
    both.append(of_nothing).append(of_nothing);
    of_nothing = std::string(base::AsBytes(base::Sha256Of(both)));
  }
  const std::string shard("\2\0\0\0\0\0\0\0", 8);
  const base::Hash256 root =
      base::Sha256Of(std::string("hamisha.state.3\0", 16) + shard + std::string(5 * 8 + 32, '\0') +
                     std::string(base::AsBytes(base::Sha256Of(""))) + of_nothing);
  MemoryTransferStore store;
  CHECK(base::ToHex(StateMachine(kShard, store).StateRoot()) == base::ToHex(root));
}

// Goal: whenever and in whatever parts changes are taken, the root is the one from scratch.
// Method: random batches, full of faults and broken chains; taken now and then, whole or in parts.
TEST_CASE("the root that grows is the one from scratch", "[state_tree][property]") {
  const uint32_t seed = GENERATE(range(0U, 40U));
  CAPTURE(seed);
  RandomEvents events(kShard, seed);
  MemoryTransferStore store;
  StateMachine machine(kShard, store);
  StateTree tree;
  DirtyState dirty;
  uint64_t now = 20'000'000'000;
  int compared = 0;
  for (int step = 0; step < 200; ++step) {
    const uint64_t before = now;
    now += events.OneIn(10) ? events.Below(1'500'000'000) : events.Below(40);
    if (step == 0 || events.OneIn(5)) {
      const auto batch = events.Accounts(before, now + 3);
      machine.CreateAccounts(batch, now += batch.size());
    } else if (events.OneIn(8)) {
      const auto batch = events.Limits();
      machine.SetBalanceLimits(batch, now += batch.size());
    } else {
      const auto batch = events.Transfers(before, now + 5);
      machine.CreateTransfers(batch, now += batch.size());
    }
    REQUIRE(machine.totals() == machine.ComputeTotals());
    if (!events.OneIn(4)) continue;
    machine.TakeDirty(events.OneIn(2) ? kAll : events.Below(40), dirty);
    tree.Update(dirty);
    REQUIRE(dirty.is_all == (machine.dirty_rows() == 0));
    if (!dirty.is_all) continue;
    ++compared;
    REQUIRE(tree.Root() == machine.StateRoot());
  }
  CHECK(compared > 0);
}

struct Grown {
  Bench bench;
  StateTree tree;
  DirtyState dirty;

  explicit Grown(uint64_t accounts) {
    std::vector<Account> batch;
    for (uint64_t i = 1; i <= accounts; ++i) batch.push_back(NewAccount(i));
    if (!batch.empty()) bench.Create(batch);
  }
  base::Hash256 Root() {
    bench.machine.TakeDirty(kAll, dirty);
    tree.Update(dirty);
    return tree.Root();
  }
};

TEST_CASE("the tree grows a level where its leaves need one", "[state_tree]") {
  for (uint64_t accounts = 0; accounts <= 100; ++accounts) {
    CAPTURE(accounts);
    Grown grown(accounts);
    CHECK(grown.Root() == grown.bench.machine.StateRoot());
    grown.bench.Create({NewAccount(1'000), NewAccount(1'001)});
    CHECK(grown.Root() == grown.bench.machine.StateRoot());
  }
}

TEST_CASE("only what changed is taken", "[state_tree]") {
  Grown grown(1'000);
  grown.Root();
  CHECK(grown.bench.machine.dirty_rows() == 0);
  CHECK(grown.bench.Create(NewTransfer(1, 1, 1'000, 5)) == "ok");
  CHECK(grown.bench.machine.dirty_rows() == 32);
  grown.Root();
  CHECK(grown.dirty.buckets == std::vector<uint32_t>{0, 62});
  CHECK(grown.dirty.rows.size() == 16 + 8);
  CHECK(grown.dirty.pending_buckets.empty());
  CHECK(grown.bench.Create(NewPending(2, 1, 2, 5)) == "ok");
  grown.Root();
  CHECK(grown.dirty.buckets == std::vector<uint32_t>{0});
  REQUIRE(grown.dirty.pending_rows.size() == 1);
  CHECK(grown.dirty.pending_rows[0].id == Id128{0, 2});
  CHECK(grown.bench.Create(NewPost(3, 2)) == "ok");
  grown.Root();
  CHECK(grown.dirty.pending_counts == std::vector<uint32_t>{0});
  CHECK(grown.Root() == grown.bench.machine.StateRoot());
}

TEST_CASE("what a broken chain took back leaves the root as it was", "[state_tree]") {
  Grown grown(20);
  REQUIRE(grown.bench.Create(NewPending(1, 1, 2, 5)) == "ok");
  const base::Hash256 root = grown.Root();
  Transfer first = NewPost(10, 1);
  first.flags |= TransferFlags::kLinked;
  Transfer second = NewPending(11, 3, 4, 7);
  second.flags |= TransferFlags::kLinked;
  grown.bench.Create({first, second, NewTransfer(12, 5, 5, 1)});
  const Totals totals = grown.bench.machine.totals();
  CHECK(totals == grown.bench.machine.ComputeTotals());
  CHECK(totals.currencies == std::vector<CurrencyTotals>{{1, 0, 0, 5, 5}});
  CHECK(grown.Root() == root);
}

TEST_CASE("a currency goes with the accounts that a broken chain takes back", "[state_tree]") {
  Bench bench;
  Account first = NewAccount(1, AccountFlags::kLinked, 7);
  bench.Create({first, NewAccount(2, 0, 0)});  // Without a currency: it fails.
  CHECK(bench.machine.totals().currencies.empty());
  CHECK(bench.machine.totals() == bench.machine.ComputeTotals());
}

// A leaf, its neighbours on the way up and the root, as an auditor would put them together.
TEST_CASE("an account is proved by the hashes beside its way up", "[state_tree]") {
  const uint64_t accounts = GENERATE(16U, 33U, 48U, 1'000U);
  CAPTURE(accounts);
  Grown grown(accounts);
  grown.Root();
  for (uint64_t bucket = 0; bucket < grown.tree.nodes(0); ++bucket) {
    base::Hash256 hash = grown.tree.node(0, bucket);
    uint64_t number = bucket;
    for (size_t level = 0; level + 1 < grown.tree.levels(); ++level) {
      const uint64_t beside = number ^ 1;
      if (beside < grown.tree.nodes(level)) {
        const base::Hash256& other = grown.tree.node(level, beside);
        hash = number % 2 == 0 ? MerkleNode(hash, other) : MerkleNode(other, hash);
      }
      number /= 2;
    }
    CHECK(hash == grown.tree.AccountsRoot());
  }
}

}  // namespace
}  // namespace ledger
