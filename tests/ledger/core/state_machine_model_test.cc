// Goal: the fast ledger does what the obvious one does, event for event.
// Method: random batches, full of faults, repeats and chains, from few ids so that they meet.
#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

#include "ledger/core/row_list.h"
#include "tests/ledger/core/ledger_rows.h"
#include "tests/ledger/core/slow_ledger.h"

namespace ledger {
namespace {

constexpr uint32_t kShard = 2;

class Events {
 public:
  explicit Events(uint32_t seed) : random_(seed) {}

  uint32_t Below(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }
  bool Rarely() { return Below(60) == 0; }

  Id128 AccountId() {
    if (Rarely()) return Below(2) == 0 ? Id128{} : kIdMax;
    return OnShard(Rarely() ? 1 : kShard, 1 + Below(9));
  }

  Account AnyAccount() {
    Account account{};
    account.id = AccountId();
    account.ledger = Rarely() ? 0 : 1 + Below(8) / 7;
    account.code = Rarely() ? 0 : 1;
    account.flags = static_cast<uint16_t>(Below(3) == 0 ? Below(8) : Below(4) == 0 ? 1 : 0);
    if (Rarely()) account.flags |= 1 << 3;
    if (Rarely()) account.timestamp_ns = 5;
    if (Rarely()) account.reserved = 5;
    if (Rarely()) account.debits_pending = 5;
    if (Rarely()) account.debits_posted = 5;
    if (Rarely()) account.credits_pending = 5;
    if (Rarely()) account.credits_posted = 5;
    if (Rarely()) account.user_data_128 = {0, 5};
    if (Rarely()) account.user_data_64 = 5;
    if (Rarely()) account.user_data_32 = 5;
    return account;
  }

  Transfer AnyTransfer() {
    Transfer transfer{};
    transfer.id = {0, 1 + Below(300)};
    if (Rarely()) transfer.id = Below(2) == 0 ? Id128{} : kIdMax;
    transfer.debit_account_id = AccountId();
    transfer.credit_account_id = AccountId();
    transfer.amount = Rarely() ? UINT64_MAX - Below(100) : Below(20);
    transfer.ledger = Rarely() ? 0 : 1 + Below(8) / 7;
    transfer.code = static_cast<uint16_t>(Rarely() ? 0 : 1 + Below(2));
    transfer.flags = Below(4) == 0 ? 1 : 0;
    if (Rarely()) transfer.flags |= static_cast<uint16_t>(1 << (1 + Below(15)));
    if (Rarely()) transfer.timestamp_ns = 5;
    if (Rarely()) transfer.reserved = 5;
    if (Rarely()) transfer.pending_id = {0, 5};
    if (Rarely()) transfer.timeout_s = 5;
    if (Rarely()) transfer.user_data_128 = {0, 5};
    if (Rarely()) transfer.user_data_64 = 5;
    if (Rarely()) transfer.user_data_32 = 5;
    return transfer;
  }

  // With events of before in between, as retries send them.
  std::vector<Transfer> Transfers() {
    std::vector<Transfer> batch;
    for (uint32_t i = Below(30); i > 0; --i) {
      if (!sent_.empty() && Below(6) == 0) {
        batch.push_back(sent_[Below(static_cast<uint32_t>(sent_.size()))]);
      } else {
        batch.push_back(AnyTransfer());
        sent_.push_back(batch.back());
      }
    }
    return batch;
  }

  std::vector<Account> Accounts() {
    std::vector<Account> batch;
    for (uint32_t i = Below(6); i > 0; --i) batch.push_back(AnyAccount());
    return batch;
  }

  TransferFilter Filter(uint64_t now) {
    TransferFilter filter;
    filter.account_id = AccountId();
    if (Below(2) == 0) filter.timestamp_min_ns = 1'000 + random_() % (now - 999);
    if (Below(2) == 0) filter.timestamp_max_ns = 1'000 + random_() % (now - 999);
    filter.limit = Below(40);
    filter.code = static_cast<uint16_t>(Below(3));
    filter.debits = Below(4) != 0;
    filter.credits = Below(4) != 0;
    filter.reversed = Below(2) == 0;
    return filter;
  }

 private:
  std::mt19937_64 random_;
  std::vector<Transfer> sent_;
};

void CheckSameState(const StateMachine& machine, const SlowLedger& slow) {
  REQUIRE(machine.account_count() == slow.accounts().size());
  REQUIRE(machine.transfer_count() == slow.transfers().size());
  for (const auto& [id, account] : slow.accounts()) {
    REQUIRE(machine.FindAccount(id) != nullptr);
    REQUIRE(*machine.FindAccount(id) == account);
  }
  for (const auto& [id, transfer] : slow.transfers()) {
    REQUIRE(machine.FindTransfer(id) != nullptr);
    REQUIRE(*machine.FindTransfer(id) == transfer);
  }
}

TEST_CASE("the ledger does what the obvious one does", "[state_machine][property]") {
  const uint32_t seed = GENERATE(range(0u, 150u));
  CAPTURE(seed);
  Events events(seed);
  StateMachine machine(kShard);
  SlowLedger slow(kShard);
  uint64_t now = 1'000;
  for (int i = 0; i < 40; ++i) {
    CAPTURE(i);
    if (i == 0 || events.Below(5) == 0) {
      const std::vector<Account> batch = events.Accounts();
      now += batch.size() + events.Below(3);
      REQUIRE(machine.CreateAccounts(batch, now) == slow.CreateAccounts(batch, now));
    } else {
      const std::vector<Transfer> batch = events.Transfers();
      now += batch.size() + events.Below(3);
      REQUIRE(machine.CreateTransfers(batch, now) == slow.CreateTransfers(batch, now));
    }
    const TransferFilter filter = events.Filter(now);
    REQUIRE(machine.AccountTransfers(filter) == slow.AccountTransfers(filter));
    // Asked at any time, or never: the root is the same.
    if (events.Below(4) == 0) REQUIRE(machine.StateRoot() == slow.StateRoot());
  }
  CheckSameState(machine, slow);
  REQUIRE(machine.StateRoot() == slow.StateRoot());
  for (const CurrencyTotals& currency : machine.ComputeTotals().currencies) {
    REQUIRE(currency.debits_posted == currency.credits_posted);
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
    if (i % 10 == 0) transfers.back().debit_account_id = {0, 2'000'000 + i};  // Burns the id.
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
