// What a challenge of a ledger's state covers, and how two that differ are told apart.
#include "ledger/core/challenge.h"

#include <catch2/catch.hpp>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ledger/core/difference.h"
#include "tests/ledger/core/random_events.h"

namespace ledger {
namespace {

constexpr base::Hash256 kNonce = {1, 2, 3};

struct Challenged {
  explicit Challenged(StateMachine& of, const base::Hash256& nonce = kNonce)
      : machine(of), image(machine.Freeze()), challenge((image->Prepare(), *image), nonce) {
    for (size_t part = 0; part < challenge.parts(); ++part) challenge.HashPart(part);
    challenge.Finish();
  }
  ~Challenged() { machine.Thaw(std::move(image)); }
  Challenged(const Challenged&) = delete;
  Challenged& operator=(const Challenged&) = delete;

  StateMachine& machine;
  std::unique_ptr<StateImage> image;
  Challenge challenge;
};

std::string DigestOf(StateMachine& machine, const base::Hash256& nonce = kNonce) {
  return base::ToHex(Challenged(machine, nonce).challenge.digest());
}

std::vector<Account> AccountsOf(const StateImage& image) {
  std::vector<Account> rows(image.facts().accounts);
  image.ReadAccounts(0, absl::MakeSpan(rows));
  return rows;
}

std::vector<std::string> Texts(const RangeDifference& difference) {
  std::vector<std::string> texts;
  for (const pb::RowDifference& row : difference.rows) {
    texts.push_back(Describe(row, "a", "b"));
  }
  return texts;
}

// 600 accounts, some transfers, one open pending transfer.
Bench Filled() {
  Bench bench;
  std::vector<Account> accounts;
  for (uint64_t number = 1; number <= 600; ++number) {
    accounts.push_back(NewAccount(number, 0, number % 2 == 1 ? 1 : 2));
    accounts.back().user_data_64 = number % 3;
  }
  bench.Create(accounts);
  CHECK(bench.Create(NewTransfer(1, 1, 3, 50)) == "ok");
  CHECK(bench.Create(NewTransfer(2, 3, 599, 20)) == "ok");
  CHECK(bench.Create(NewPending(3, 5, 7, 11)) == "ok");
  return bench;
}

TEST_CASE("equal ledgers answer a challenge equally, however many threads hash", "[challenge]") {
  Bench one = Filled();
  Bench other = Filled();
  Challenged alone(one.machine);
  std::unique_ptr<StateImage> image = other.machine.Freeze();
  image->Prepare();
  Challenge shared(*image, kNonce);
  REQUIRE(shared.parts() == 2);
  std::thread second([&shared] { shared.HashPart(1); });
  shared.HashPart(0);
  second.join();
  shared.Finish();
  CHECK(shared.digest() == alone.challenge.digest());
  other.machine.Thaw(std::move(image));
}

TEST_CASE("an answer is of no use for another nonce", "[challenge]") {
  Bench bench = Filled();
  CHECK(DigestOf(bench.machine) != DigestOf(bench.machine, {1, 2, 4}));
}

TEST_CASE("a nonce takes what both sides drew, in their order", "[challenge]") {
  CHECK(ChallengeNonce({1}, {2}) != ChallengeNonce({2}, {1}));
  CHECK(ChallengeNonce({1}, {2}) != ChallengeNonce({1}, {3}));
  CHECK(ChallengeNonce({1}, {2}) != ChallengeNonce({3}, {2}));
}

TEST_CASE("every change of state changes the answer", "[challenge]") {
  Bench bench = Filled();
  const std::string before = DigestOf(bench.machine);
  SECTION("a transfer") { bench.Create(NewTransfer(9, 1, 3, 1)); }
  SECTION("a pending transfer") { bench.Create(NewPending(9, 1, 3, 1)); }
  SECTION("a pending transfer that is posted") { bench.Create(NewPost(9, 3)); }
  SECTION("an account") { bench.Create(NewAccount(700)); }
  SECTION("a limit") { bench.Limit(17, 1'000); }
  SECTION("time alone") { bench.Pulse(bench.time_ns + 5); }
  SECTION("a bit of memory") { bench.machine.FlipBitForLab(); }
  SECTION("exchanged balances") { bench.machine.ExchangeBalancesForLab(); }
  SECTION("a transfer that counts twice") { bench.machine.ApplyTwiceForLab({0, 2}); }
  CHECK(DigestOf(bench.machine) != before);
}

TEST_CASE("what is hashed is the state of the moment that was frozen", "[challenge]") {
  Bench bench = Filled();
  const std::string before = DigestOf(bench.machine);
  std::unique_ptr<StateImage> image = bench.machine.Freeze();
  bench.Create(NewTransfer(9, 1, 3, 1));
  bench.Create(NewAccount(700));
  image->Prepare();
  Challenge challenge(*image, kNonce);
  for (size_t part = 0; part < challenge.parts(); ++part) challenge.HashPart(part);
  challenge.Finish();
  CHECK(base::ToHex(challenge.digest()) == before);
  bench.machine.Thaw(std::move(image));
}

TEST_CASE("a challenge sums up what it sees", "[challenge]") {
  const uint32_t seed = GENERATE(range(0U, 10U));
  CAPTURE(seed);
  RandomEvents events(2, seed);
  MemoryTransferStore store;
  StateMachine machine(2, store);
  uint64_t now = 20'000'000'000;
  for (int i = 0; i < 60; ++i) {
    const auto accounts = events.Accounts(now, now + 3);
    machine.CreateAccounts(accounts, now += accounts.size());
    const auto transfers = events.Transfers(now, now + 5);
    machine.CreateTransfers(transfers, now += transfers.size());
    const auto limits = events.Limits();
    machine.SetBalanceLimits(limits, now += limits.size());
  }
  const Challenged challenged(machine);
  CHECK(challenged.challenge.totals() == machine.ComputeTotals());
  for (const Account& row : AccountsOf(*challenged.image)) {
    CHECK(machine.FindAccount(row.id) == row);
  }
}

// What two nodes exchange: digests of chunks, of ranges, rows.
TEST_CASE("damage to one account is found through the digests", "[challenge]") {
  Bench here = Filled();
  Bench there = Filled();
  there.machine.ApplyTwiceForLab({0, 2});
  const Challenged left(here.machine);
  const Challenged right(there.machine);
  const auto table = ImageTable::kAccounts;
  CHECK(DifferentDigests(left.challenge.chunks(table), right.challenge.chunks(table), 10) ==
        std::vector<uint64_t>{0});
  // Of 256 accounts each: 3 is in the first, 599 in the third.
  CHECK(DifferentDigests(left.challenge.ranges(table), right.challenge.ranges(table), 10) ==
        std::vector<uint64_t>{0, 2});
  CHECK(left.challenge.chunks(ImageTable::kPendings).at(0) ==
        right.challenge.chunks(ImageTable::kPendings).at(0));
  const auto difference = CompareRows(AccountsOf(*left.image), AccountsOf(*right.image), true);
  CHECK(Texts(difference) ==
        std::vector<std::string>{
            "account 00000000000000000000000000000003: debits_posted is 20 at 'a', 40 at 'b'",
            "account 00000000000000000000000000000257: credits_posted is 20 at 'a', 40 at 'b'"});
}

TEST_CASE("exchanged balances are told for both accounts, though all sums are equal",
          "[challenge]") {
  Bench here = Filled();
  Bench there = Filled();
  REQUIRE(there.machine.ExchangeBalancesForLab().size() == 2);
  CHECK(here.machine.ComputeTotals() == there.machine.ComputeTotals());
  const Challenged left(here.machine);
  const Challenged right(there.machine);
  const auto difference = CompareRows(AccountsOf(*left.image), AccountsOf(*right.image), true);
  CHECK(Texts(difference) ==
        std::vector<std::string>{
            "account 00000000000000000000000000000001: debits_posted is 50 at 'a', 20 at 'b'; "
            "credits_posted is 0 at 'a', 50 at 'b'",
            "account 00000000000000000000000000000003: debits_posted is 20 at 'a', 50 at 'b'; "
            "credits_posted is 50 at 'a', 0 at 'b'"});
}

TEST_CASE("an account that one side has not is named, and not all behind it", "[difference]") {
  std::vector<Account> here = {NewAccount(1), NewAccount(2), NewAccount(3)};
  for (size_t i = 0; i < here.size(); ++i) here[i].timestamp_ns = 10 + i;
  std::vector<Account> there = here;
  const std::string two = "account 00000000000000000000000000000002";
  SECTION("at the end of all rows") {
    there.erase(there.begin() + 1);
    const RangeDifference difference = CompareRows(here, there, true);
    CHECK(difference.is_shifted);
    CHECK(Texts(difference) == std::vector<std::string>{two + " is only at 'a'"});
  }
  SECTION("in the middle, where the next of one side is in its next range") {
    here.erase(here.begin() + 1);
    here.push_back(NewAccount(4));
    here.back().timestamp_ns = 13;
    const RangeDifference difference = CompareRows(here, there, false);
    CHECK(Texts(difference) == std::vector<std::string>{two + " is only at 'b'"});
  }
}

TEST_CASE("an account of the same time under another id is a difference of the id",
          "[difference]") {
  const std::vector<Account> here = {NewAccount(1)};
  const std::vector<Account> there = {NewAccount(2)};
  const RangeDifference difference = CompareRows(here, there, true);
  REQUIRE(difference.rows.size() == 1);
  REQUIRE(difference.rows[0].fields_size() == 1);
  CHECK(difference.rows[0].fields(0).name() == "id");
}

TEST_CASE("each field of a pending transfer counts", "[difference]") {
  PendingFacts pending;
  pending.id = {0, 9};
  pending.amount = 5;
  PendingFacts other = pending;
  std::string name;
  SECTION("amount") { name = "amount", other.amount = 6; }
  SECTION("expiry") { name = "expires_ns", other.expires_ns = 6; }
  SECTION("flags") { name = "flags", other.flags = 6; }
  SECTION("debit account") { name = "debit_account_id", other.debit_account_id = {0, 6}; }
  SECTION("credit account") { name = "credit_account_id", other.credit_account_id = {0, 6}; }
  const std::vector<PendingFacts> here = {pending};
  const std::vector<PendingFacts> there = {other};
  const RangeDifference difference = CompareRows(here, there, true);
  REQUIRE(difference.rows.size() == 1);
  CHECK(difference.rows[0].what() == "pending transfer");
  REQUIRE(difference.rows[0].fields_size() == 1);
  CHECK(difference.rows[0].fields(0).name() == name);
}

TEST_CASE("facts of the shard that differ are named", "[difference]") {
  ImageFacts here;
  here.accounts = 5;
  here.burnt_hash = {1};
  ImageFacts there = here;
  CHECK(CompareFacts(2, ToProto(here), ToProto(there)).fields_size() == 0);
  there.accounts = 6;
  CHECK(Describe(CompareFacts(2, ToProto(here), ToProto(there)), "a", "b") ==
        "shard 2: accounts is 5 at 'a', 6 at 'b'");
  there = here;
  there.burnt_hash = {2};
  CHECK(CompareFacts(2, ToProto(here), ToProto(there)).fields(0).name() == "burnt_hash");
}

}  // namespace
}  // namespace ledger
