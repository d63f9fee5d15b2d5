// Goal: whatever operation of history's disk fails, history says so clearly and never answers
//   wrongly; and with a good disk after it, a replay of the log leads to all of it again.
// Method: the same short life each time (windows become runs, runs are merged, the program starts
//   again), with each operation failing once, in each way.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "ledger/history/history.h"
#include "tests/ledger/core/ledger_rows.h"
#include "tests/ledger/history/faulty_disk.h"
#include "tests/temporary_folder.h"

namespace ledger {
namespace {

using Kind = HistoryFault::Kind;

constexpr uint64_t kRecordTransfers = 6;

uint64_t TimeOf(uint64_t number) { return 1'000 * number; }

Transfer TransferOf(uint64_t number) {
  Transfer transfer = NewTransfer(number, 1, 2, number);
  transfer.timestamp_ns = TimeOf(number);
  return transfer;
}

// After each record an id is burnt that no transfer has.
Id128 BurntBy(uint64_t record) { return {1, record}; }

// A ledger's history, and the log that it comes from: record r has the transfers
// (r - 1) * kRecordTransfers + 1 and so on. What is wrong is said in words.
class Life {
 public:
  Life(FaultyDisk& disk, std::string folder) : disk_(disk), folder_(std::move(folder)) {}

  // Opens what is there and replays the log. A status where the disk failed.
  absl::Status Start() {
    history_.reset();
    ASSIGN_OR_RETURN(history_, History::Open(disk_.files(), {.folder = folder_,
                                                             .window_transfers = 1'000,
                                                             .cache_bytes = 1 << 20,
                                                             .merge_runs = merge_runs_,
                                                             .env = disk_.env()}));
    const uint64_t records = records_;
    for (records_ = 0; records_ < records;) Add();
    return history_->CheckReplayed();
  }
  void Stop() { history_.reset(); }
  void set_merge_runs(uint32_t merge_runs) { merge_runs_ = merge_runs; }

  // One more record becomes a run, which is merged with the one before it.
  absl::Status AddRun(const std::string& merged_filter) {
    Add();
    history_->SealWindow();
    history_->Durable(UINT64_MAX);
    if (!history_->AwaitFlushed(history_->reached())) return history_->status();
    if (merged_filter.empty()) return absl::OkStatus();
    const std::string path = absl::StrCat(folder_, "/filters/", merged_filter);
    while (history_->ok() && !disk_.files().Exists(path)) std::this_thread::yield();
    return history_->status();
  }

  // The same every time. Runs 1 and 2 become 3; 4 and 5 become 6, which with 3 becomes 7.
  absl::Status Run() {
    RETURN_IF_ERROR(Start());
    RETURN_IF_ERROR(AddRun(""));
    RETURN_IF_ERROR(AddRun("3"));
    Check();
    RETURN_IF_ERROR(AddRun(""));
    RETURN_IF_ERROR(AddRun("7"));
    Check();
    RETURN_IF_ERROR(Start());
    RETURN_IF_ERROR(AddRun(""));
    Check();
    return history_->status();
  }

  // Every answer that is given must be right.
  void Check() {
    const uint64_t count = records_ * kRecordTransfers;
    TransferFilter filter;
    filter.account_id = {0, 1};
    const auto listed = history_->AccountTransfers(filter, UINT64_MAX);
    std::vector<Transfer> all;
    for (uint64_t number = 1; number <= count; ++number) all.push_back(TransferOf(number));
    if (listed.ok() && *listed != all) Wrong(absl::StrCat("lists ", listed->size()));
    for (uint64_t number = 1; number <= count + 1; ++number) {
      const FoundTransfer found = history_->Find({0, number});
      if (!history_->ok()) return;  // Nothing that it finds may be relied on.
      const bool is_right =
          number > count ? found.transfer == nullptr
                         : found.transfer != nullptr && *found.transfer == TransferOf(number);
      if (!is_right || found.failed) Wrong(absl::StrCat("finds ", number, " wrongly"));
    }
    for (uint64_t record = 1; record <= records_ + 1; ++record) {
      const bool is_burnt = history_->Find(BurntBy(record)).failed;
      if (history_->ok() && is_burnt != (record <= records_)) Wrong("an id is burnt or not");
    }
  }

  // Nothing but what is in use.
  void CheckFiles() {
    const std::vector<std::string> names = base::SystemFileSystem().List(folder_).value();
    for (const std::string& name : names) {
      if (absl::StartsWith(name, "new-")) Wrong(name + " was left behind");
    }
  }

  bool has_all_listed() const {
    TransferFilter filter;
    filter.account_id = {0, 2};
    const auto listed = history_->AccountTransfers(filter, UINT64_MAX);
    return history_->ok() && listed.ok() && listed->size() == records_ * kRecordTransfers;
  }
  const std::string& wrong() const { return wrong_; }

 private:
  void Add() {
    const uint64_t first = records_ * kRecordTransfers + 1;
    for (uint64_t number = first; number < first + kRecordTransfers; ++number) {
      if (history_->Find({0, number}).transfer != nullptr && history_->ok()) {
        Wrong(absl::StrCat("finds ", number, " before it happened"));
      }
      history_->Add(TransferOf(number));
    }
    ++records_;
    const uint64_t record_ns = TimeOf(records_ * kRecordTransfers);
    history_->Burn(BurntBy(records_), record_ns);
    history_->EndBatch(record_ns);
  }
  void Wrong(const std::string& what) { absl::StrAppend(&wrong_, what, "; "); }

  FaultyDisk& disk_;
  const std::string folder_;
  uint32_t merge_runs_ = 2;
  std::unique_ptr<History> history_;
  uint64_t records_ = 0;
  std::string wrong_;
};

bool IsClear(const absl::Status& status) {
  return (absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ||
          absl::IsDataLoss(status) || absl::IsInternal(status)) &&
         !status.message().empty();
}

struct Ends {
  int well = 0;
  int all = 0;
  int said = 0;     // History failed, and said so; otherwise the operation was none that it needs.
  int refused = 0;  // Afterwards, with what to do: remove it, and it is built again.
};

enum class Unsynced { kKept, kLost };

void Live(const HistoryFault& fault, Unsynced unsynced, Ends& ends) {
  const TemporaryFolder folder;
  FaultyDisk disk;
  disk.Plan(fault);
  Life life(disk, folder.path() + "/history");
  const absl::Status ran = life.Run();
  life.Stop();
  const std::string met = disk.fault_met();
  if (met.empty()) return;
  disk.Heal();
  if (unsynced == Unsynced::kLost) disk.LoseUnsynced();
  ++ends.all;
  CAPTURE(met, ran, fault.after);
  life.set_merge_runs(100);  // Else a merge writes while files are looked at.
  absl::Status started = life.Start();
  CAPTURE(started);
  const bool is_refused = !started.ok();
  if (is_refused) {
    // When RocksDB cannot sync its manifest it removes what it had just taken, which the manifest
    // may name all the same.
    CHECK(absl::IsDataLoss(started));
    CHECK_THAT(met, Catch::Contains("MANIFEST"));
    CHECK_THAT(std::string(started.message()),
               Catch::Contains("remove " + folder.path() + "/history: it is built again"));
    std::filesystem::remove_all(folder.path() + "/history");
    started = life.Start();
  }
  REQUIRE(started.ok());
  life.CheckFiles();
  life.Check();
  const absl::Status went_on = life.AddRun("");
  life.Check();
  CAPTURE(went_on, life.wrong());
  const bool well =
      (ran.ok() || IsClear(ran)) && went_on.ok() && life.wrong().empty() && life.has_all_listed();
  CHECK(well);
  ends.well += well ? 1 : 0;
  ends.said += ran.ok() ? 0 : 1;
  ends.refused += is_refused ? 1 : 0;
}

// How many operations a life has: where threads meet otherwise, some more or less.
int ChangesOfAWholeLife() {
  const TemporaryFolder folder;
  FaultyDisk disk;
  Life life(disk, folder.path() + "/history");
  REQUIRE(life.Run().ok());
  life.Check();
  life.Stop();
  CHECK(life.wrong().empty());
  return disk.changes();
}

// HAMISHA_FAULT_STRIDE n takes each nth operation only: for slow builds.
int Stride() {
  const char* const stride = std::getenv("HAMISHA_FAULT_STRIDE");
  return stride == nullptr ? 1 : std::max(1, std::stoi(stride));
}

void Enumerate(const std::string& what, Kind kind, Unsynced unsynced) {
  const int changes = ChangesOfAWholeLife();
  Ends ends;
  for (int after = 0; after < changes; after += Stride()) {
    Live({.kind = kind, .after = after}, unsynced, ends);
  }
  std::cout << what << ": " << ends.well << " of " << ends.all << " end well; " << ends.said
            << " failures were said, " << ends.refused << " starts refused\n";
  CHECK(ends.well == ends.all);
  CHECK(ends.said > 0);
}

TEST_CASE("history outlives each operation of its disk that fails", "[history][faults]") {
  Enumerate("history's failing operations", Kind::kError, Unsynced::kKept);
}

TEST_CASE("history outlives each write that is cut short, and the loss of power",
          "[history][faults]") {
  Enumerate("history's short writes", Kind::kShort, Unsynced::kLost);
}

TEST_CASE("history outlives a disk that is full at each operation", "[history][faults]") {
  Enumerate("history's full disk", Kind::kFull, Unsynced::kKept);
}

TEST_CASE("history outlives an end at each operation", "[history][faults]") {
  Enumerate("history's end", Kind::kDown, Unsynced::kKept);
}

TEST_CASE("history outlives the loss of power at each operation", "[history][faults]") {
  Enumerate("history's loss of power", Kind::kDown, Unsynced::kLost);
}

}  // namespace
}  // namespace ledger
