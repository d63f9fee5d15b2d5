// A node that stops waits for no read and no merge.
#include <catch2/catch.hpp>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "ledger/history/history.h"
#include "tests/ledger/core/ledger_rows.h"
#include "tests/ledger/history/faulty_disk.h"
#include "tests/temporary_folder.h"

namespace ledger {
namespace {

constexpr uint64_t kRunTransfers = 20'000;  // Many blocks.

std::unique_ptr<History> OpenIn(const TemporaryFolder& folder, FaultyDisk& disk) {
  auto history = History::Open(disk.files(), {.folder = folder.path() + "/history",
                                              .window_transfers = 100'000,
                                              .cache_bytes = 1 << 20,
                                              .merge_runs = 2,
                                              .env = disk.env()});
  REQUIRE(history.ok());
  return std::move(history).value();
}

// All between the same two accounts; number n has the time 1000 n.
void AddRun(History& history, uint64_t run) {
  const uint64_t last = (run + 1) * kRunTransfers;
  for (uint64_t number = run * kRunTransfers + 1; number <= last; ++number) {
    Transfer transfer = NewTransfer(number, 1, 2, number);
    transfer.timestamp_ns = 1'000 * number;
    history.Add(transfer);
  }
  history.EndBatch(1'000 * last);
  history.SealWindow();
  history.Durable(UINT64_MAX);
}

// Which nothing matches.
TransferFilter RareFilter() {
  TransferFilter filter;
  filter.account_id = {0, 1};
  filter.user_data_64 = 5;
  return filter;
}

TEST_CASE("a read that looks for what is rare ends when the node stops", "[history]") {
  const TemporaryFolder folder;
  FaultyDisk disk;
  {
    const auto history = OpenIn(folder, disk);
    AddRun(*history, 0);
    REQUIRE(history->AwaitFlushed(history->reached()));
  }
  const auto reads_until_answered = [&](int cancelled_at) {
    const auto history = OpenIn(folder, disk);  // Its cache is empty.
    int reads = 0;
    disk.OnRead([&] {
      if (++reads == cancelled_at) history->Cancel();
    });
    const auto found = history->AccountTransfers(RareFilter(), UINT64_MAX);
    disk.OnRead({});
    CHECK(found.ok() == (cancelled_at == 0));
    if (!found.ok()) CHECK(absl::IsUnavailable(found.status()));
    return reads;
  };
  const int all = reads_until_answered(0);
  constexpr int kCancelledAt = 5;
  CHECK(all > 10 * kCancelledAt);
  CHECK(reads_until_answered(kCancelledAt) < 3 * kCancelledAt);
}

TEST_CASE("a lookup of many ids ends when the node stops", "[history]") {
  const TemporaryFolder folder;
  FaultyDisk disk;
  const auto history = OpenIn(folder, disk);
  AddRun(*history, 0);
  REQUIRE(history->AwaitFlushed(history->reached()));
  disk.OnRead([&] { history->Cancel(); });
  std::vector<std::optional<Transfer>> found(2);
  const absl::Status status = history->Complete({{0, 1}, {0, kRunTransfers}}, UINT64_MAX, found);
  disk.OnRead({});
  CHECK(absl::IsUnavailable(status));
  CHECK_FALSE(found[1].has_value());
}

TEST_CASE("a merge ends where it is when the node stops, and the runs stay as they were",
          "[history]") {
  const TemporaryFolder folder;
  FaultyDisk disk;
  auto history = OpenIn(folder, disk);
  AddRun(*history, 0);
  REQUIRE(history->AwaitFlushed(history->reached()));
  // Run 3 is what the merge of 1 and 2 writes.
  disk.OnWrite([merging = history.get()](const std::string& path) {
    if (absl::StrContains(path, "/new-3-")) merging->Cancel();
  });
  AddRun(*history, 1);
  REQUIRE(history->AwaitFlushed(history->reached()));
  while (history->ok() && !base::SystemFileSystem().Exists(folder.path() + "/history/new-3-2")) {
    std::this_thread::yield();
  }
  CHECK(history->ok());
  history.reset();
  disk.OnWrite({});
  CHECK_FALSE(base::SystemFileSystem().Exists(folder.path() + "/history/filters/3"));

  history = OpenIn(folder, disk);
  history->BeginAt(
      {.newest_ns = 2'000 * kRunTransfers, .transfers = 2 * kRunTransfers, .burnt = 0});
  CHECK(history->CheckReplayed().ok());
  CHECK(history->Find({0, 2 * kRunTransfers}).transfer != nullptr);
  CHECK(history->Find({0, 1}).transfer != nullptr);
}

}  // namespace
}  // namespace ledger
