// Goal: the fast ledger does what the obvious one does, event for event.
// Method: random batches, full of faults, repeats and chains, from few ids so that they meet.
// HAMISHA_MODEL_BATCHES says how many, HAMISHA_MODEL_SEED with which world to begin.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>

#include "ledger/core/row_list.h"
#include "tests/ledger/core/ledger_rows.h"
#include "tests/ledger/core/random_events.h"
#include "tests/ledger/core/slow_ledger.h"

namespace ledger {
namespace {

constexpr uint32_t kShard = 2;
constexpr uint64_t kBatchesByDefault = 100'000;
constexpr uint64_t kBatchesOfWorld = 100;
constexpr uint64_t kSecondNs = 1'000'000'000;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* const value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

// How often each status was told.
struct Told {
  std::map<uint32_t, uint64_t> accounts;
  std::map<uint32_t, uint64_t> transfers;
};

// One ledger twice, from its first batch on.
class World {
 public:
  World(uint32_t seed, Told& told)
      : events_(kShard, seed), told_(told), machine_(kShard, store_), slow_(kShard) {
    // Where a timeout can go beyond the end of time, now and then.
    if (seed % 12 == 5) start_ = now_ = kTimestampMaxNs - 5 * kSecondNs;
  }

  void Step() {
    const uint64_t before = now_;
    PassTime();
    const uint32_t kind = events_.Below(12);
    if (before == start_ || kind < 2) {
      const auto batch = events_.Accounts(before, now_ + 3);
      now_ += batch.size();
      const auto results = machine_.CreateAccounts(batch, now_);
      REQUIRE(results == slow_.CreateAccounts(batch, now_));
      for (const EventResult& result : results) ++told_.accounts[result.code];
    } else if (kind == 2) {
      const auto batch = events_.Limits();
      now_ += batch.size();
      REQUIRE(machine_.SetBalanceLimits(batch, now_) == slow_.SetBalanceLimits(batch, now_));
    } else {
      const auto batch = kind == 3 ? std::vector<Transfer>() : events_.Transfers(before, now_ + 5);
      now_ += batch.size();
      const auto results = machine_.CreateTransfers(batch, now_);
      REQUIRE(results == slow_.CreateTransfers(batch, now_));
      for (const EventResult& result : results) ++told_.transfers[result.code];
      for (const Transfer& event : batch) {
        const Transfer* const stored = machine_.FindTransfer(event.id);
        const bool is_pending = (event.flags & TransferFlags::kPending) != 0;
        if (is_pending && stored != nullptr && events_.OneIn(2)) events_.Opened(*stored);
      }
    }
    REQUIRE(machine_.next_expiry_ns() == slow_.NextExpiry());
    CheckQueries();
    // Asked at any time, or never: the root is the same.
    if (events_.OneIn(4)) REQUIRE(machine_.StateRoot() == slow_.StateRoot());
  }

  void CheckSameState() {
    REQUIRE(machine_.account_count() == slow_.accounts().size());
    REQUIRE(machine_.transfer_count() == slow_.transfers().size());
    for (const auto& [id, account] : slow_.accounts()) {
      REQUIRE(machine_.FindAccount(id) == account);
    }
    for (const auto& [id, transfer] : slow_.transfers()) {
      REQUIRE(machine_.FindTransfer(id) != nullptr);
      REQUIRE(*machine_.FindTransfer(id) == transfer);
    }
    REQUIRE(machine_.StateRoot() == slow_.StateRoot());
    for (const CurrencyTotals& currency : machine_.ComputeTotals().currencies) {
      REQUIRE(currency.debits_posted == currency.credits_posted);
      REQUIRE(currency.debits_pending == currency.credits_pending);
    }
  }

 private:
  // Mostly a little; sometimes to the very edge of the next expiry, or far.
  void PassTime() {
    now_ += events_.Below(40);
    const auto expiry = machine_.next_expiry_ns();
    if (expiry.has_value() && events_.OneIn(8)) {
      now_ = std::max(now_, *expiry - std::min<uint64_t>(*expiry, events_.Below(20)));
    } else if (events_.OneIn(10)) {
      now_ += events_.Below(1'500'000'000);
    }
  }

  void CheckQueries() {
    const TransferFilter filter = events_.Filter(now_);
    REQUIRE(store_.AccountTransfers(filter) == slow_.AccountTransfers(filter));
    REQUIRE(store_.AccountBalances(filter) == slow_.AccountBalances(filter));
    const QueryFilter query = events_.Query(now_);
    REQUIRE(store_.QueryTransfers(query) == slow_.QueryTransfers(query));
  }

  RandomEvents events_;
  Told& told_;
  MemoryTransferStore store_;
  StateMachine machine_;
  SlowLedger slow_;
  uint64_t start_ = 10 * kSecondNs;
  uint64_t now_ = start_;
};

TEST_CASE("the ledger does what the obvious one does", "[state_machine][property]") {
  const uint64_t batches = FromEnvironment("HAMISHA_MODEL_BATCHES", kBatchesByDefault);
  const uint64_t first_seed = FromEnvironment("HAMISHA_MODEL_SEED", 0);
  Told told;
  for (uint64_t done = 0; done < batches; done += kBatchesOfWorld) {
    const auto seed = static_cast<uint32_t>(first_seed + done / kBatchesOfWorld);
    CAPTURE(seed);
    World world(seed, told);
    for (uint64_t i = 0; i < kBatchesOfWorld; ++i) {
      CAPTURE(i);
      world.Step();
    }
    world.CheckSameState();
  }
  // The worlds are worth something only if everything happens in them.
  if (batches < kBatchesByDefault) return;
  for (uint32_t code = 1; code <= 26; ++code) {
    CAPTURE(code);
    CHECK(told.accounts[code] > 0);
  }
  for (uint32_t code = 1; code <= 68; ++code) {
    CAPTURE(code);
    const bool is_never_given = code == 18 || code == 63;
    CHECK((told.transfers[code] > 0) == !is_never_given);
  }
  for (const uint32_t ours : {1000u, 1001u, 1002u, 1003u}) {
    CAPTURE(ours);
    CHECK(told.transfers[ours] > 0);
  }
}

TEST_CASE("the state root does not depend on the order in which transfers came",
          "[state_machine][property]") {
  const uint32_t seed = GENERATE(range(0u, 20u));
  CAPTURE(seed);
  std::mt19937 random(seed);
  std::vector<Account> accounts;
  for (uint64_t i = 0; i < 50; ++i) accounts.push_back(NewAccount(1 + random() % 1'000'000));
  std::vector<Transfer> transfers;
  for (uint64_t i = 1; i <= 200; ++i) {
    transfers.push_back(NewTransfer(i, accounts[random() % 50].id.low, 1'000'001, i));
  }
  accounts.push_back(NewAccount(1'000'001));

  Bench one;
  Bench other;
  one.Create(accounts);
  other.Create(accounts);
  one.Create(transfers);
  std::shuffle(transfers.begin(), transfers.end(), random);
  for (const Transfer& transfer : transfers) {
    other.Create(transfer);
    if (random() % 20 == 0) other.machine.StateRoot();  // What is kept between calls may differ.
  }
  CHECK(one.machine.StateRoot() == other.machine.StateRoot());

  other.Create(NewTransfer(999, accounts[0].id.low, 1'000'001, 0));
  CHECK(one.machine.StateRoot() != other.machine.StateRoot());  // One transfer more.
}

TEST_CASE("lists of rows keep what is appended", "[row_list]") {
  RowList rows;
  for (uint32_t i = 0; i < 10'000; ++i) {
    rows.Append(i * 3);
    REQUIRE(rows.size() == i + 1);
    REQUIRE(rows[i] == i * 3);
  }
  for (uint32_t i = 0; i < 10'000; ++i) REQUIRE(rows[i] == i * 3);
}

}  // namespace
}  // namespace ledger
