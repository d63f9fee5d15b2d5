#include "ledger/history/history.h"

#include <rocksdb/db.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "tests/ledger/core/ledger_rows.h"
#include "tests/temporary_folder.h"

namespace ledger {
namespace {

std::unique_ptr<History> OpenIn(const TemporaryFolder& folder, uint32_t window = 1'000) {
  auto history = History::Open(base::SystemFileSystem(),
                               {.folder = folder.path() + "/history", .window_transfers = window});
  REQUIRE(history.ok());
  return std::move(history).value();
}

// A record with transfers `first` to `last`; number n has the time 1000 n.
void AddRecord(History& history, uint64_t first, uint64_t last) {
  for (uint64_t number = first; number <= last; ++number) {
    Transfer transfer = NewTransfer(number, 1 + number % 2, 3, number);
    transfer.timestamp_ns = 1'000 * number;
    history.Add(transfer);
  }
  history.EndBatch(1'000 * last);
}

void FlushAll(History& history) {
  history.SealWindow();
  history.Durable(UINT64_MAX);
  REQUIRE(history.AwaitFlushed(history.reached()));
}

std::vector<uint64_t> NumbersOf(const History& history, uint64_t account, bool reversed = false,
                                uint64_t first_ns = 0, uint64_t last_ns = 0) {
  std::vector<uint64_t> numbers;
  TransferFilter filter;
  filter.account_id = {0, account};
  filter.reversed = reversed;
  filter.timestamp_min_ns = first_ns;
  filter.timestamp_max_ns = last_ns;
  auto found = history.AccountTransfers(filter, UINT64_MAX);
  REQUIRE(found.ok());
  for (const Transfer& transfer : *found) numbers.push_back(transfer.id.low);
  return numbers;
}

TEST_CASE("what is not durable in the log does not go to the disk", "[history]") {
  const TemporaryFolder folder;
  {
    const auto history = OpenIn(folder);
    AddRecord(*history, 1, 10);
    history->SealWindow();
    AddRecord(*history, 11, 20);
    history->SealWindow();
    history->Durable(10'000);
    while (history->flushed().transfers < 10) std::this_thread::yield();
  }
  const auto history = OpenIn(folder);
  CHECK(history->flushed().transfers == 10);
  CHECK(history->flushed().record_ns == 10'000);
}

TEST_CASE("burnt ids fill a window too", "[history]") {
  const TemporaryFolder folder;
  const auto history = OpenIn(folder, 100);
  for (uint64_t id = 1; id <= 100; ++id) history->Burn({0, id}, id);
  history->EndBatch(1'000);
  history->Durable(1'000);
  CHECK(history->AwaitFlushed({.newest_ns = 0, .transfers = 0, .burnt = 100}));
  history->EndBatch(2'000);
  CHECK(history->Find({0, 7}).failed);
}

TEST_CASE("a replay finds what was there at each moment, not what came later", "[history]") {
  const TemporaryFolder folder;
  {
    const auto history = OpenIn(folder);
    AddRecord(*history, 1, 5);
    history->Burn({0, 77}, 5'500);
    AddRecord(*history, 6, 10);
    FlushAll(*history);
  }
  const auto history = OpenIn(folder);
  CHECK(history->Find({0, 1}).transfer == nullptr);
  AddRecord(*history, 1, 5);
  CHECK(history->Find({0, 5}).transfer != nullptr);
  CHECK(history->Find({0, 6}).transfer == nullptr);
  CHECK_FALSE(history->Find({0, 77}).failed);
  history->Burn({0, 77}, 5'500);
  CHECK(history->Find({0, 77}).failed);
  CHECK_FALSE(history->CheckReplayed().ok());
  AddRecord(*history, 6, 10);
  CHECK(history->CheckReplayed().ok());
  CHECK(history->Find({0, 10}).transfer->amount == 10);
  AddRecord(*history, 11, 12);
  CHECK(NumbersOf(*history, 1) == std::vector<uint64_t>{2, 4, 6, 8, 10, 12});
}

Transfer At(uint64_t number, uint64_t timestamp_ns) {
  Transfer transfer = NewTransfer(number, 1, 3, number);
  transfer.timestamp_ns = timestamp_ns;
  return transfer;
}

TEST_CASE("a chain that is replayed and undone finds its own transfers", "[history]") {
  const TemporaryFolder folder;
  const auto chain = [](History& history) {
    const auto before = history.Now();
    CHECK(history.Find({0, 7}).transfer == nullptr);
    history.Add(At(7, 1'000));
    const FoundTransfer found = history.Find({0, 7});
    REQUIRE(found.transfer != nullptr);
    CHECK(found.transfer->timestamp_ns == 1'000);
    history.RollBack(before);
    CHECK(history.Find({0, 7}).transfer == nullptr);
    history.EndBatch(2'000);
  };
  {
    const auto history = OpenIn(folder);
    chain(*history);
    history->Add(At(7, 3'000));  // Tried again, with success.
    history->EndBatch(3'000);
    FlushAll(*history);
  }
  const auto history = OpenIn(folder);
  chain(*history);
}

TEST_CASE("a chain that is replayed and undone makes nothing later be there", "[history]") {
  const TemporaryFolder folder;
  const auto chain = [](History& history) {
    const auto before = history.Now();
    history.Add(At(7, 3'000));  // An imported time, which is free again when it is undone.
    CHECK(history.Find({0, 9}).transfer == nullptr);
    CHECK_FALSE(history.HasTimestamp(2'000));
    history.RollBack(before);
    history.EndBatch(5'000);
  };
  {
    const auto history = OpenIn(folder);
    chain(*history);
    history->Add(At(8, 1'000));
    history->Add(At(9, 2'000));
    history->EndBatch(6'000);
    FlushAll(*history);
  }
  const auto history = OpenIn(folder);
  chain(*history);
}

TEST_CASE("a replay may begin where a snapshot stands", "[history]") {
  const TemporaryFolder folder;
  {
    const auto history = OpenIn(folder);
    AddRecord(*history, 1, 10);
    FlushAll(*history);
  }
  const auto history = OpenIn(folder);
  history->BeginAt({.newest_ns = 10'000, .transfers = 10, .burnt = 0});
  CHECK(history->CheckReplayed().ok());
  CHECK(history->Find({0, 3}).transfer != nullptr);
  AddRecord(*history, 11, 11);
  CHECK(NumbersOf(*history, 2) == std::vector<uint64_t>{1, 3, 5, 7, 9, 11});
}

TEST_CASE("another log's history is refused", "[history]") {
  const TemporaryFolder folder;
  {
    const auto history = OpenIn(folder);
    AddRecord(*history, 1, 10);
    FlushAll(*history);
  }
  const auto history = OpenIn(folder);
  AddRecord(*history, 1, 4);
  AddRecord(*history, 50, 60);
  const absl::Status status = history->CheckReplayed();
  CHECK(absl::IsDataLoss(status));
  CHECK_THAT(std::string(status.message()), Catch::Contains("do not belong together"));
}

TEST_CASE("runs are merged, and nothing is found twice or lost", "[history]") {
  const TemporaryFolder folder;
  auto history = OpenIn(folder);
  std::vector<uint64_t> odd;
  for (uint64_t run = 0; run < 20; ++run) {
    AddRecord(*history, 1 + run * 10, 10 + run * 10);
    FlushAll(*history);
    for (uint64_t i = 1; i <= 10; i += 2) odd.push_back(run * 10 + i);
  }
  CHECK(NumbersOf(*history, 2) == odd);
  history = nullptr;
  history = OpenIn(folder);
  history->BeginAt({.newest_ns = 200'000, .transfers = 200, .burnt = 0});
  CHECK(NumbersOf(*history, 2) == odd);
  for (uint64_t number = 1; number <= 200; ++number) {
    CHECK(history->Find({0, number}).transfer->timestamp_ns == 1'000 * number);
  }
}

// All of history's files are as long as before and say nothing.
void Damage(const TemporaryFolder& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder.path() + "/history/runs")) {
    if (entry.path().extension() != ".sst") continue;
    const std::string zeros(entry.file_size(), '\0');
    std::fstream(entry.path(), std::ios::in | std::ios::out | std::ios::binary) << zeros;
  }
}

TEST_CASE("who waits for room is told when a merge fails", "[history]") {
  const TemporaryFolder folder;
  const auto history = OpenIn(folder);
  absl::Notification told;
  history->SetOnCaughtUp([&] {
    if (!history->ok() && !told.HasBeenNotified()) told.Notify();
  });
  for (uint64_t run = 0; run < 7; ++run) {
    AddRecord(*history, 1 + run * 10, 10 + run * 10);
    FlushAll(*history);
  }
  Damage(folder);
  AddRecord(*history, 71, 80);
  // The eighth, so that all are merged, which may fail before anybody asks for it.
  history->SealWindow();
  history->Durable(UINT64_MAX);
  CHECK(told.WaitForNotificationWithTimeout(absl::Seconds(20)));
  CHECK(absl::IsDataLoss(history->status()));
  history->SetOnCaughtUp({});
}

TEST_CASE("an account's transfers come in either order and within a time", "[history]") {
  const TemporaryFolder folder;
  const auto history = OpenIn(folder);
  AddRecord(*history, 1, 6);
  FlushAll(*history);
  AddRecord(*history, 7, 12);
  CHECK(NumbersOf(*history, 1, true) == std::vector<uint64_t>{12, 10, 8, 6, 4, 2});
  CHECK(NumbersOf(*history, 1, false, 4'000, 10'000) == std::vector<uint64_t>{4, 6, 8, 10});
  CHECK(NumbersOf(*history, 1, true, 4'001, 9'999) == std::vector<uint64_t>{8, 6});
  CHECK(NumbersOf(*history, 3).size() == 12);
  CHECK(NumbersOf(*history, 99).empty());
}

TEST_CASE("a window's account index agrees with looking at every row", "[history]") {
  const TemporaryFolder folder;
  const auto history = OpenIn(folder, 100'000);
  for (uint64_t record = 0; record < 10; ++record) {
    AddRecord(*history, 1 + record * 5'000, 5'000 + record * 5'000);
  }
  const std::vector<uint64_t> even = NumbersOf(*history, 1);
  REQUIRE(even.size() == kBatchEventsMax);  // The limit.
  for (size_t i = 0; i < even.size(); ++i) REQUIRE(even[i] == 2 * (i + 1));
  const std::vector<uint64_t> newest = NumbersOf(*history, 1, true);
  for (size_t i = 0; i < newest.size(); ++i) REQUIRE(newest[i] == 50'000 - 2 * i);
}

TEST_CASE("a lost filter is built again", "[history]") {
  const TemporaryFolder folder;
  {
    const auto history = OpenIn(folder);
    AddRecord(*history, 1, 10);
    FlushAll(*history);
  }
  CHECK(base::SystemFileSystem().Remove(folder.path() + "/history/filters/1").ok());
  const auto history = OpenIn(folder);
  history->BeginAt({.newest_ns = 10'000, .transfers = 10, .burnt = 0});
  CHECK(history->Find({0, 7}).transfer != nullptr);
}

// All transfers are taken out of history's files; what lists them stays.
void LoseTransfers(const TemporaryFolder& folder) {
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const char* const name : {"default", "transfers", "ids", "accounts"}) {
    families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  const std::string path = folder.path() + "/history/runs";
  REQUIRE(rocksdb::DB::Open({}, path, families, &handles, &opened).ok());
  const std::unique_ptr<rocksdb::DB> database(opened);
  REQUIRE(database->DeleteRange({}, handles[1], TransferKey(0), TransferKey(UINT64_MAX)).ok());
  for (rocksdb::ColumnFamilyHandle* const handle : handles) {
    REQUIRE(database->DestroyColumnFamilyHandle(handle).ok());
  }
}

TEST_CASE("an id whose transfer is not there is damage, not a new id", "[history]") {
  const TemporaryFolder folder;
  {
    const auto history = OpenIn(folder);
    AddRecord(*history, 1, 10);
    FlushAll(*history);
  }
  LoseTransfers(folder);
  const auto history = OpenIn(folder);
  history->BeginAt({.newest_ns = 10'000, .transfers = 10, .burnt = 0});
  std::vector<std::optional<Transfer>> found(1);
  CHECK(absl::IsDataLoss(history->Complete({{0, 7}}, UINT64_MAX, found)));
  CHECK(history->ok());
  history->Find({0, 7});
  CHECK(absl::IsDataLoss(history->status()));
}

}  // namespace
}  // namespace ledger
