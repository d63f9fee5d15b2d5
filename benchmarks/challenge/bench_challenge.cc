// State comparison: hashing all state from scratch, and finding what differs. JSON on stdout.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/invariant.h"
#include "benchmarks/common/figures.h"
#include "ledger/core/difference.h"
#include "ledger/core/image_search.h"
#include "ledger/core/memory_transfer_store.h"
#include "ledger/core/state_machine.h"

namespace {

struct Settings {
  uint64_t accounts = 20'000'000;
  size_t threads = 2;
  bool has_user_data = false;
};

// Ids as a bank gives them: the shard, then something without order.
ledger::Id128 AccountId(uint64_t number) {
  return {.high = number * 0x9E3779B97F4A7C15 >> 16, .low = number + 1};
}

void CreateAccounts(ledger::StateMachine& machine, const Settings& settings) {
  uint64_t time_ns = 1;
  std::vector<ledger::Account> batch;
  for (uint64_t number = 0; number < settings.accounts; ++number) {
    ledger::Account& account = batch.emplace_back();
    account.id = AccountId(number);
    account.ledger = 1;
    account.code = 1;
    if (settings.has_user_data) account.user_data_64 = number;
    if (batch.size() < ledger::kBatchEventsMax && number + 1 < settings.accounts) continue;
    INVARIANT(machine.CreateAccounts(batch, time_ns += batch.size()).empty());
    batch.clear();
  }
}

// A frozen ledger and its answer to a challenge.
struct Challenged {
  std::unique_ptr<ledger::StateImage> image;
  std::unique_ptr<ledger::Challenge> challenge;
  double freeze_s = 0;
  double hash_s = 0;
};

Challenged Hash(ledger::StateMachine& machine, size_t threads) {
  Challenged challenged;
  const double start = benchmarks::SecondsNow();
  challenged.image = machine.Freeze();
  challenged.freeze_s = benchmarks::SecondsNow() - start;
  challenged.image->Prepare();
  challenged.challenge =
      std::make_unique<ledger::Challenge>(*challenged.image, base::Hash256{1, 2, 3});
  std::atomic<size_t> next = 0;
  const auto hash = [&] {
    for (size_t part = next++; part < challenged.challenge->parts(); part = next++) {
      challenged.challenge->HashPart(part);
    }
  };
  std::vector<std::thread> others;
  for (size_t i = 1; i < threads; ++i) others.emplace_back(hash);
  hash();
  for (std::thread& other : others) other.join();
  challenged.challenge->Finish();
  challenged.hash_s = benchmarks::SecondsNow() - start;
  return challenged;
}

ledger::ImageSide SideOf(const Challenged& challenged) {
  ledger::ImageSide side;
  *side.state.mutable_facts() = ledger::ToProto(challenged.image->facts());
  side.read = [&challenged](const ledger::pb::ReadImageRequest& request) {
    return ledger::ReadPart(*challenged.challenge, request);
  };
  return side;
}

nlohmann::json Run(const Settings& settings) {
  ledger::MemoryTransferStore store;
  ledger::StateMachine machine(0, store);
  CreateAccounts(machine, settings);
  Challenged alone = Hash(machine, 1);
  const double accounts = static_cast<double>(settings.accounts);
  nlohmann::json result = {{"accounts_per_second_one_thread", accounts / alone.hash_s}};
  machine.Thaw(std::move(alone.image));
  Challenged before = Hash(machine, settings.threads);
  INVARIANT(machine.FlipBitForLab().size() == 1);
  Challenged after = Hash(machine, settings.threads);
  result["accounts_per_second"] = accounts / std::min(before.hash_s, after.hash_s);
  result["freeze_ms"] = before.freeze_s * 1e3;
  const double start = benchmarks::SecondsNow();
  const auto found = ledger::FindDifferences(0, SideOf(before), SideOf(after));
  result["search_ms"] = (benchmarks::SecondsNow() - start) * 1e3;
  INVARIANT(found.ok() && found->rows.size() == 1);
  result["exchanges"] = found->exchanges;
  result["found"] = ledger::Describe(found->rows[0], "one", "other");
  machine.Thaw(std::move(before.image));
  machine.Thaw(std::move(after.image));
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  std::string folder;
  CLI::App app("State comparison from scratch.");
  app.add_option("--accounts", settings.accounts, "accounts to hash");
  app.add_option("--threads", settings.threads, "threads that hash");
  app.add_flag("--user-data", settings.has_user_data, "every account has user data");
  app.add_option("--folder", folder, "not used: nothing touches the disk");
  CLI11_PARSE(app, argc, argv);

  nlohmann::json result = Run(settings);
  const std::vector<benchmarks::Figure> figures = {
      {.figure = "state comparison from scratch, two threads",
       .measured = result["accounts_per_second"],
       .unit = "accounts/s",
       .to_reach = 20e6},
      {.figure = "finding one account that differs, without the network",
       .measured = result["search_ms"],
       .unit = "ms"}};
  result["figures"] = benchmarks::ToJson(figures);
  std::cout << result.dump(2) << "\n";
  return 0;
}
