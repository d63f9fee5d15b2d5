// The ledger's core alone, on one processor: no disk, no network. JSON on stdout.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <ctime>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "base/invariant.h"
#include "benchmarks/common/figures.h"
#include "ledger/core/account_table.h"
#include "ledger/core/memory_transfer_store.h"
#include "ledger/core/state_machine.h"

namespace {

struct Settings {
  uint64_t transfers = 8'000'000;
  uint64_t accounts = 1'000'000;
  uint64_t lookup_accounts = 10'000'000;
  uint64_t lookups = 4'000'000;
};

// Of this processor's time: what else runs on the machine does not count.
double SecondsNow() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// Keeps nothing: what is left is the core's own cost.
class NoStore final : public ledger::TransferStore {
 public:
  void Prefetch(const ledger::Id128& /*id*/) override {}
  ledger::FoundTransfer Find(const ledger::Id128& /*id*/) override { return {}; }
  bool HasTimestamp(uint64_t /*timestamp_ns*/) override { return false; }
  ledger::Resolution ResolutionOf(const ledger::Id128& /*pending_id*/) override {
    return ledger::Resolution::kNone;
  }
  void Add(const ledger::Transfer& /*transfer*/) override {}
  void Burn(const ledger::Id128& /*id*/, uint64_t /*timestamp_ns*/) override {}
  void AddBalances(const ledger::BalanceRow& /*row*/) override {}
  Mark Now() const override { return {}; }
  void RollBack(const Mark& /*mark*/) override {}
  void EndBatch(uint64_t /*record_ns*/) override {}
};

// Ids as a bank gives them: the shard, then something without order.
ledger::Id128 AccountId(uint64_t number) {
  return {.high = number * 0x9E3779B97F4A7C15 >> 16, .low = number + 1};
}

std::vector<ledger::Account> Accounts(uint64_t first, uint64_t count) {
  std::vector<ledger::Account> batch(count);
  for (uint64_t i = 0; i < count; ++i) {
    batch[i].id = AccountId(first + i);
    batch[i].ledger = 1;
    batch[i].code = 1;
  }
  return batch;
}

// Creates all accounts; the longest batch in milliseconds.
double CreateAccounts(ledger::StateMachine& machine, uint64_t count, uint64_t& time_ns) {
  double longest_s = 0;
  for (uint64_t first = 0; first < count; first += ledger::kBatchEventsMax) {
    const auto batch = Accounts(first, std::min<uint64_t>(ledger::kBatchEventsMax, count - first));
    const double start = SecondsNow();
    INVARIANT(machine.CreateAccounts(batch, time_ns += batch.size()).empty());
    longest_s = std::max(longest_s, SecondsNow() - start);
  }
  return longest_s * 1e3;
}

nlohmann::json Apply(const Settings& settings, ledger::TransferStore& store) {
  ledger::StateMachine machine(0, store);
  uint64_t time_ns = 1;
  CreateAccounts(machine, settings.accounts, time_ns);
  std::mt19937_64 random(1);
  std::vector<ledger::Transfer> batch(ledger::kBatchEventsMax);
  double seconds = 0;
  double longest_s = 0;
  uint64_t applied = 0;
  while (applied < settings.transfers) {
    for (ledger::Transfer& transfer : batch) {
      const uint64_t debit = random() % settings.accounts;
      transfer.id = {.high = 1, .low = ++applied};
      transfer.debit_account_id = AccountId(debit);
      transfer.credit_account_id = AccountId((debit + 1 + random() % 1'000) % settings.accounts);
      transfer.amount = 1;
      transfer.ledger = 1;
      transfer.code = 1;
    }
    const double start = SecondsNow();
    INVARIANT(machine.CreateTransfers(batch, time_ns += batch.size()).empty());
    const double taken_s = SecondsNow() - start;
    seconds += taken_s;
    longest_s = std::max(longest_s, taken_s);
  }
  return {{"transfers_per_second", static_cast<double>(applied) / seconds},
          {"longest_batch_ms", longest_s * 1e3}};
}

// Finding accounts in the two steps of a batch: index and row fetched ahead.
nlohmann::json Lookups(const Settings& settings) {
  NoStore store;
  nlohmann::json result;
  {
    ledger::StateMachine machine(0, store);
    uint64_t time_ns = 1;
    const double start = SecondsNow();
    result["longest_create_batch_ms"] = CreateAccounts(machine, settings.lookup_accounts, time_ns);
    result["accounts_created_per_second"] =
        static_cast<double>(settings.lookup_accounts) / (SecondsNow() - start);
    result["bytes_per_account"] = static_cast<double>(machine.account_bytes()) /
                                  static_cast<double>(settings.lookup_accounts);
  }
  ledger::AccountTable accounts(0, ledger::RowIndex::kRowsMax);
  for (uint64_t i = 0; i < settings.lookup_accounts; ++i) {
    ledger::Account account;
    account.id = AccountId(i);
    account.timestamp_ns = i + 1;
    accounts.Add(account);
  }
  std::mt19937_64 random(1);
  std::vector<ledger::Id128> ids(settings.lookups);
  for (ledger::Id128& id : ids) id = AccountId(random() % settings.lookup_accounts);
  uint64_t sum = 0;
  const auto run = [&](bool is_ahead) {
    const double start = SecondsNow();
    for (size_t i = 0; i < ids.size(); ++i) {
      if (is_ahead && i + 48 < ids.size()) accounts.PrefetchIndex(ids[i + 48]);
      if (is_ahead && i + 20 < ids.size()) accounts.PrefetchRow(ids[i + 20]);
      sum += accounts[*accounts.Find(ids[i])].timestamp_ns;
    }
    return (SecondsNow() - start) * 1e9 / static_cast<double>(ids.size());
  };
  result["lookup_ns"] = run(true);
  result["lookup_alone_ns"] = run(false);
  result["check"] = sum % 1'000;
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("The ledger's core alone, on one processor.");
  app.add_option("--transfers", settings.transfers, "transfers to apply");
  app.add_option("--accounts", settings.accounts, "accounts that they move money between");
  app.add_option("--lookup-accounts", settings.lookup_accounts, "accounts to look up among");
  app.add_option("--lookups", settings.lookups, "accounts to look up");
  CLI11_PARSE(app, argc, argv);

  NoStore no_store;
  ledger::MemoryTransferStore memory_store;
  nlohmann::json result;
  result["core"] = Apply(settings, no_store);
  result["core_and_memory_store"] = Apply(settings, memory_store);
  result["accounts"] = Lookups(settings);
  const std::vector<benchmarks::Figure> figures = {
      {.figure = "core alone, batches of 8,190, one core",
       .measured = result["core"]["transfers_per_second"],
       .unit = "transfers/s"},
      {.figure = "memory per account, rows and index",
       .measured = result["accounts"]["bytes_per_account"],
       .unit = "bytes",
       .to_reach = 80}};
  result["figures"] = benchmarks::ToJson(figures);
  std::cout << result.dump(2) << "\n";
  return 0;
}
