// The state machine over history on the disk, without log and network: transfers applied a second,
// disk and memory used, and how long queries take then. JSON on stdout.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "benchmarks/common/figures.h"
#include "ledger/core/state_machine.h"
#include "ledger/history/history.h"

namespace {

using ledger::Id128;

struct Settings {
  std::string folder = std::filesystem::temp_directory_path();
  uint64_t transfers = 10'000'000;
  uint64_t accounts = 1'000'000;
  bool random_ids = false;
};

double SecondsNow() { return absl::ToDoubleSeconds(base::SystemClock().MonotonicNow()); }

[[noreturn]] void Die(const std::string& why) {
  std::cerr << "bench-history: " << why << "\n";
  std::exit(1);
}

uint64_t BytesIn(const std::string& folder) {
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

class Bench {
 public:
  explicit Bench(const Settings& settings) : settings_(settings) {
    folder_ = settings.folder + "/bench-history-XXXXXX";
    if (::mkdtemp(folder_.data()) == nullptr) Die("cannot create " + folder_);
    auto history = ledger::History::Open(base::SystemFileSystem(), {.folder = folder_});
    if (!history.ok()) Die(std::string(history.status().message()));
    history_ = std::move(history).value();
    machine_.emplace(0, *history_);
  }
  ~Bench() {
    history_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  nlohmann::json Run() {
    CreateAccounts();
    const double start = SecondsNow();
    CreateTransfers();
    const double applied = SecondsNow();
    history_->SealWindow();
    if (!history_->AwaitFlushed(history_->reached())) Die("the disk failed");
    const double flushed = SecondsNow();
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto count = static_cast<double>(settings_.transfers);
    const double applied_per_s = count / (applied - start);
    const double disk_bytes = static_cast<double>(BytesIn(folder_)) / count;
    const double rows_ms = RowsMs(2'000);
    const std::vector<benchmarks::Figure> figures = {
        {.figure = "core over history, one thread beside two of history's",
         .measured = applied_per_s,
         .unit = "transfers/s"},
        {.figure = "disk per transfer, history alone",
         .measured = disk_bytes,
         .unit = "bytes",
         .to_reach = 200},
        {.figure = "2,000 rows of an account's history",
         .measured = rows_ms,
         .unit = "ms",
         .to_reach = 10}};
    return {{"figures", benchmarks::ToJson(figures)},
            {"transfers", settings_.transfers},
            {"random_ids", settings_.random_ids},
            {"applied_per_s", applied_per_s},
            {"applied_and_flushed_per_s", count / (flushed - start)},
            {"behind", behind_},
            {"disk_bytes_per_transfer", disk_bytes},
            {"memory_max_mib", usage.ru_maxrss / 1'024},
            {"account_2000_rows_ms", rows_ms},
            {"lookup_us", LookupUs()}};
  }

 private:
  void CreateAccounts() {
    std::vector<ledger::Account> batch;
    for (uint64_t i = 1; i <= settings_.accounts; ++i) {
      ledger::Account account;
      account.id = {0, i};
      account.ledger = account.code = 1;
      batch.push_back(account);
      if (batch.size() < ledger::kBatchEventsMax && i < settings_.accounts) continue;
      now_ += batch.size();
      machine_->CreateAccounts(batch, now_);
      batch.clear();
    }
  }

  void CreateTransfers() {
    std::mt19937_64 random(1);
    std::vector<ledger::Transfer> batch;
    for (uint64_t i = 1; i <= settings_.transfers; ++i) {
      ledger::Transfer transfer;
      transfer.id = IdOf(i);
      transfer.debit_account_id = {0, 1 + random() % settings_.accounts};
      do {
        transfer.credit_account_id = {0, 1 + random() % settings_.accounts};
      } while (transfer.credit_account_id == transfer.debit_account_id);
      // One account whose history is long.
      if (i % (settings_.transfers / 4'000 + 1) == 0) transfer.debit_account_id = {0, 1};
      if (transfer.credit_account_id == transfer.debit_account_id) {
        transfer.credit_account_id = {0, 2};
      }
      transfer.amount = 1 + random() % 100'000;
      transfer.ledger = transfer.code = 1;
      batch.push_back(transfer);
      if (batch.size() < ledger::kBatchEventsMax && i < settings_.transfers) continue;
      now_ += 8'000'000;
      if (!machine_->CreateTransfers(batch, now_).empty()) Die("a transfer failed");
      history_->Durable(now_);
      batch.clear();
      if (!history_->IsBehind()) continue;
      ++behind_;
      if (!history_->AwaitRoom()) Die("the disk failed");
    }
  }

  Id128 IdOf(uint64_t i) const {
    if (!settings_.random_ids) return {0, i};
    uint64_t mixed = i * 0x9E3779B97F4A7C15ULL;
    mixed = (mixed ^ mixed >> 32) * 0xD6E8FEB86659FD93ULL;
    return {mixed ^ mixed >> 29, i * 0xA24BAED4963EE407ULL};
  }

  double RowsMs(size_t rows) {
    std::vector<double> times;
    for (int i = 0; i < 5; ++i) {
      const double start = SecondsNow();
      ledger::TransferFilter filter;
      filter.account_id = {0, 1};
      filter.limit = static_cast<uint32_t>(rows);
      filter.reversed = true;
      const auto transfers = history_->AccountTransfers(filter, UINT64_MAX);
      if (!transfers.ok() || transfers->size() < rows / 2) Die("history is not complete");
      const size_t found = transfers->size();
      times.push_back((SecondsNow() - start) * 1'000 * static_cast<double>(rows) /
                      static_cast<double>(found));
    }
    std::sort(times.begin(), times.end());
    return times[2];
  }

  double LookupUs() {
    std::mt19937_64 random(2);
    constexpr int kLookups = 20'000;
    const double start = SecondsNow();
    for (int i = 0; i < kLookups; ++i) {
      if (history_->Find(IdOf(1 + random() % settings_.transfers)).transfer == nullptr) {
        Die("a transfer is not found");
      }
    }
    return (SecondsNow() - start) / kLookups * 1e6;
  }

  const Settings settings_;
  std::string folder_;
  std::unique_ptr<ledger::History> history_;
  std::optional<ledger::StateMachine> machine_;
  uint64_t now_ = 1'000'000'000;
  uint64_t behind_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("What history costs, and how fast it answers. JSON on stdout.");
  app.add_option("--folder", settings.folder, "a folder on the disk to measure")
      ->capture_default_str();
  app.add_option("--transfers", settings.transfers)->capture_default_str();
  app.add_option("--accounts", settings.accounts)->capture_default_str();
  app.add_flag("--random-ids", settings.random_ids, "ids all over the place");
  CLI11_PARSE(app, argc, argv);
  std::cout << Bench(settings).Run().dump(2) << "\n";
  return 0;
}
