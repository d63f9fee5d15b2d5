// Two sides of a challenge find where they differ by exchanging little.
#include "ledger/core/image_search.h"

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

#include "ledger/core/difference.h"
#include "tests/ledger/core/ledger_rows.h"

namespace ledger {
namespace {

constexpr uint64_t kAccounts = 200'000;  // Four chunks.
constexpr base::Hash256 kNonce = {7};

// A ledger of many accounts, each with money, and its answer to a challenge.
struct Side {
  Side() {
    for (uint64_t first = 1; first <= kAccounts; first += 8'000) {
      std::vector<Account> accounts;
      for (uint64_t i = 0; i < 8'000; ++i) accounts.push_back(NewAccount(first + i));
      REQUIRE(bench.machine.CreateAccounts(accounts, bench.Next(8'000)).empty());
    }
    // From the first account of every chunk to the last of all.
    for (const uint64_t from : {1UL, 65'537UL, 131'073UL}) {
      REQUIRE(bench.Create(NewTransfer(from, from, kAccounts, from)) == "ok");
    }
    REQUIRE(bench.Create(NewPending(5, 2, 3, 10)) == "ok");
  }

  // Of the state as it is now.
  ImageSide Challenged() {
    image = bench.machine.Freeze();
    image->Prepare();
    challenge = std::make_unique<Challenge>(*image, kNonce);
    for (size_t part = 0; part < challenge->parts(); ++part) challenge->HashPart(part);
    challenge->Finish();
    ImageSide side;
    side.state.set_nonce(std::string(base::AsBytes(kNonce)));
    *side.state.mutable_facts() = ToProto(image->facts());
    side.read = [this](const pb::ReadImageRequest& request) {
      return ReadPart(*challenge, request);
    };
    return side;
  }

  // The same by the tree, which was told all that changed.
  ImageSide WithTree() {
    bench.machine.TakeDirty(UINT64_MAX, dirty);
    tree.Update(dirty);
    digests = tree.Digests();
    image = bench.machine.Freeze();
    image->Prepare();
    ImageSide side;
    *side.state.mutable_facts() = ToProto(image->facts());
    side.read = [this](const pb::ReadImageRequest& request) {
      return ReadTreePart(*image, digests, request);
    };
    return side;
  }

  Bench bench;
  std::unique_ptr<StateImage> image;
  std::unique_ptr<Challenge> challenge;
  StateTree tree;
  DirtyState dirty;
  TreeDigests digests;
};

struct Found {
  std::vector<std::string> texts;
  uint32_t exchanges;
  uint64_t bytes;
};
Found Find(Side& here, Side& there, SearchBy by = SearchBy::kChallenge) {
  const bool is_by_tree = by == SearchBy::kTree;
  const auto found = is_by_tree ? FindDifferences(0, here.WithTree(), there.WithTree(), by)
                                : FindDifferences(0, here.Challenged(), there.Challenged(), by);
  CAPTURE(found.status());
  REQUIRE(found.ok());
  Found result{.texts = {}, .exchanges = found->exchanges, .bytes = found->bytes};
  for (const pb::RowDifference& row : found->rows) {
    result.texts.push_back(Describe(row, "a", "b"));
  }
  return result;
}

std::string AccountName(uint64_t number) { return "account " + base::ToString(Id128{0, number}); }

TEST_CASE("a flipped bit is found in four exchanges", "[image_search]") {
  Side here;
  Side there;
  REQUIRE(there.bench.machine.FlipBitForLab().size() == 1);
  const Found found = Find(here, there);
  CHECK(found.texts ==
        std::vector<std::string>{AccountName(1) + ": credits_posted is 0 at 'a', 1 at 'b'"});
  // The last is for the pending transfers.
  CHECK(found.exchanges == 4);
}

TEST_CASE("equal sides are equal after two exchanges", "[image_search]") {
  Side here;
  Side there;
  const Found found = Find(here, there);
  CHECK(found.texts.empty());
  CHECK(found.exchanges == 2);
}

TEST_CASE("a transfer that counts twice is found at both accounts, chunks apart",
          "[image_search]") {
  Side here;
  Side there;
  REQUIRE(there.bench.machine.ApplyTwiceForLab({0, 65'537}).size() == 2);
  CHECK(Find(here, there).texts ==
        std::vector<std::string>{
            AccountName(65'537) + ": debits_posted is 65537 at 'a', 131074 at 'b'",
            AccountName(kAccounts) + ": credits_posted is 196611 at 'a', 262148 at 'b'"});
}

TEST_CASE("exchanged balances are found though sums are equal", "[image_search]") {
  Side here;
  Side there;
  REQUIRE(there.bench.machine.ExchangeBalancesForLab().size() == 2);
  CHECK(Find(here, there).texts ==
        std::vector<std::string>{AccountName(1) + ": debits_posted is 1 at 'a', 0 at 'b'",
                                 AccountName(2) + ": debits_posted is 0 at 'a', 1 at 'b'"});
}

TEST_CASE("a batch of accounts that one side left out is found by its first", "[image_search]") {
  Side here;
  Side there;
  const std::vector<Account> batch = {NewAccount(900'001), NewAccount(900'002)};
  here.bench.machine.CreateAccounts(batch, here.bench.Next(2));
  const uint64_t now_ns = here.bench.time_ns;
  for (Side* const side : {&here, &there}) {
    side->bench.time_ns = now_ns;
    side->bench.Create(NewAccount(900'003));
  }
  const Found found = Find(here, there);
  REQUIRE(found.texts.size() == 3);
  CHECK(found.texts[0] == AccountName(900'001) + " is only at 'a'");
  CHECK(found.texts[1] == AccountName(900'002) + " is only at 'a'");
  CHECK(found.texts[2] == "shard 0: accounts is 200003 at 'a', 200001 at 'b'");
}

TEST_CASE("a pending transfer that one side has not is found", "[image_search]") {
  Side here;
  Side there;
  here.bench.Create(NewVoid(9, 5));
  there.bench.Create(NewTransfer(9, 11, 12, 1));
  const Found found = Find(here, there);
  const std::string pending = "pending transfer " + base::ToString(Id128{0, 5});
  CHECK(std::count(found.texts.begin(), found.texts.end(), pending + " is only at 'b'") == 1);
}

TEST_CASE("of many differences the first ten are told", "[image_search]") {
  Side here;
  Side there;
  for (uint64_t number = 100; number < 160; number += 2) {
    there.bench.Create(NewTransfer(number, number, number + 1, 1));
    here.bench.Pulse(there.bench.time_ns);
  }
  const Found found = Find(here, there);
  REQUIRE(found.texts.size() == 11);
  CHECK(found.texts[0] == AccountName(100) + ": debits_posted is 0 at 'a', 1 at 'b'");
  CHECK(found.texts[10].find("shard 0: transfers is") == 0);
}

// --- By the tree of the state root ---

TEST_CASE("the tree finds a changed account in four exchanges of less than 64 KiB",
          "[image_search]") {
  Side here;
  Side there;
  REQUIRE(there.bench.machine.FlipBitForLab(true, {0, 131'100}).size() == 1);
  const Found found = Find(here, there, SearchBy::kTree);
  CHECK(found.texts ==
        std::vector<std::string>{AccountName(131'100) + ": credits_posted is 0 at 'a', 1 at 'b'"});
  CHECK(found.exchanges == 4);
  CHECK(found.bytes < 65'536);
}

TEST_CASE("what the tree was not told it does not find", "[image_search]") {
  Side here;
  Side there;
  here.WithTree();
  there.WithTree();
  REQUIRE(there.bench.machine.FlipBitForLab(false, {0, 131'100}).size() == 1);
  CHECK(Find(here, there, SearchBy::kTree).texts.empty());
  CHECK(Find(here, there).texts.size() == 1);
}

TEST_CASE("the tree finds accounts that one side left out", "[image_search]") {
  Side here;
  Side there;
  const std::vector<Account> batch = {NewAccount(900'001), NewAccount(900'002)};
  here.bench.machine.CreateAccounts(batch, here.bench.Next(2));
  CHECK(Find(here, there, SearchBy::kTree).texts[1] == AccountName(900'002) + " is only at 'a'");
}

TEST_CASE("the tree finds pending transfers in their buckets", "[image_search]") {
  Side here;
  Side there;
  for (Side* const side : {&here, &there}) {
    for (uint64_t id = 100; id < 1'100; ++id) {
      REQUIRE(side->bench.Create(NewPending(id, 2, 3, 10)) == "ok");
    }
  }
  here.bench.Create(NewVoid(9'000, 5));
  here.bench.Create(NewVoid(9'001, 700));
  const Found found = Find(here, there, SearchBy::kTree);
  for (const uint64_t id : {5UL, 700UL}) {
    const std::string pending = "pending transfer " + base::ToString(Id128{0, id});
    CHECK(std::count(found.texts.begin(), found.texts.end(), pending + " is only at 'b'") == 1);
  }
}

TEST_CASE("a node that knows no tree is not compared with by one", "[image_search]") {
  Side here;
  Side there;
  const ImageSide with_tree = here.WithTree();
  const ImageSide without = there.Challenged();
  ImageSide earlier{.state = without.state, .read = [&](pb::ReadImageRequest request) {
                      request.clear_of_tree();
                      return without.read(request);
                    }};
  CHECK(
      absl::IsFailedPrecondition(FindDifferences(0, with_tree, earlier, SearchBy::kTree).status()));
}

TEST_CASE("parts end where the table ends", "[image_search]") {
  Side side;
  const ReadImage read = side.Challenged().read;
  pb::ReadImageRequest request;
  request.set_table(pb::IMAGE_TABLE_ACCOUNTS);
  request.set_level(pb::IMAGE_LEVEL_ROWS);
  request.set_first(kAccounts - 1);
  request.set_count(256);
  CHECK(read(request)->rows().size() == sizeof(Account));
  request.set_first(kAccounts + 5);
  CHECK(read(request)->rows().empty());
  request.set_level(pb::IMAGE_LEVEL_CHUNKS);
  request.set_first(0);
  CHECK(read(request)->digests().size() == 4 * 32);
  request.clear_level();
  CHECK(absl::IsInvalidArgument(read(request).status()));
}

}  // namespace
}  // namespace ledger
