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
#include "ledger/core/state_tree.h"

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

// Transfers of 1 between accounts anywhere among `accounts`.
void Fill(std::vector<ledger::Transfer>& batch, uint64_t accounts, uint64_t& last_id,
          std::mt19937_64& random) {
  for (ledger::Transfer& transfer : batch) {
    const uint64_t debit = random() % accounts;
    transfer.id = {.high = 1, .low = ++last_id};
    transfer.debit_account_id = AccountId(debit);
    transfer.credit_account_id = AccountId((debit + 1 + random() % 1'000) % accounts);
    transfer.amount = 1;
    transfer.ledger = 1;
    transfer.code = 1;
  }
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
    Fill(batch, settings.accounts, applied, random);
    const double start = SecondsNow();
    INVARIANT(machine.CreateTransfers(batch, time_ns += batch.size()).empty());
    const double taken_s = SecondsNow() - start;
    seconds += taken_s;
    longest_s = std::max(longest_s, taken_s);
  }
  return {{"transfers_per_second", static_cast<double>(applied) / seconds},
          {"longest_batch_ms", longest_s * 1e3}};
}

// What one cut of the state costs: the writer copies, another thread hashes.
struct Cut {
  double changed_rows = 0;
  double copy_s = 0;
  double hash_s = 0;
};

// Cuts behind so many transfers each; the mean of some, the first, which has all rows, left out.
Cut MeasureCuts(uint64_t accounts, uint64_t transfers) {
  constexpr int kCuts = 20;
  NoStore store;
  ledger::StateMachine machine(0, store);
  uint64_t time_ns = 1;
  CreateAccounts(machine, accounts, time_ns);
  ledger::StateTree tree;
  ledger::DirtyState dirty;
  machine.TakeDirty(UINT64_MAX, dirty);
  tree.Update(dirty);
  std::mt19937_64 random(1);
  uint64_t last_id = 0;
  Cut cut;
  for (int i = 0; i < kCuts; ++i) {
    for (uint64_t left = transfers; left > 0;) {
      std::vector<ledger::Transfer> batch(std::min<uint64_t>(left, ledger::kBatchEventsMax));
      Fill(batch, accounts, last_id, random);
      INVARIANT(machine.CreateTransfers(batch, time_ns += batch.size()).empty());
      left -= batch.size();
    }
    const double start = SecondsNow();
    machine.TakeDirty(UINT64_MAX, dirty);
    const double copied = SecondsNow();
    tree.Update(dirty);
    cut.hash_s += (SecondsNow() - copied) / kCuts;
    cut.copy_s += (copied - start) / kCuts;
    cut.changed_rows += static_cast<double>(dirty.rows.size()) / kCuts;
  }
  return cut;
}

// A cut at most every 100 ms, and hashing at most a tenth of the time.
nlohmann::json Shares(const Cut& cut) {
  const double period_s = std::max(0.1, 10 * cut.hash_s);
  return {{"copied_rows", cut.changed_rows},
          {"copy_ms", cut.copy_s * 1e3},
          {"hash_ms", cut.hash_s * 1e3},
          {"writer_percent", cut.copy_s / period_s * 100},
          {"hashing_percent", cut.hash_s / period_s * 100}};
}

// At a million transfers a second, and at 6,000 among more accounts.
nlohmann::json StateRoots(const Settings& settings) {
  return {{"at_1000000_per_second", Shares(MeasureCuts(settings.accounts, 100'000))},
          {"at_6000_per_second", Shares(MeasureCuts(settings.lookup_accounts, 600))}};
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
  result["state_roots"] = StateRoots(settings);
  result["accounts"] = Lookups(settings);
  const std::vector<benchmarks::Figure> figures = {
      {.figure = "core alone, batches of 8,190, one core",
       .measured = result["core"]["transfers_per_second"],
       .unit = "transfers/s"},
      {.figure = "state roots at 1,000,000/s, the writer's time",
       .measured = result["state_roots"]["at_1000000_per_second"]["writer_percent"],
       .unit = "%",
       .to_reach = 15},
      {.figure = "state roots at 6,000/s, the writer's time",
       .measured = result["state_roots"]["at_6000_per_second"]["writer_percent"],
       .unit = "%",
       .to_reach = 1},
      {.figure = "memory per account, rows and index",
       .measured = result["accounts"]["bytes_per_account"],
       .unit = "bytes",
       .to_reach = 80}};
  result["figures"] = benchmarks::ToJson(figures);
  std::cout << result.dump(2) << "\n";
  return 0;
}
