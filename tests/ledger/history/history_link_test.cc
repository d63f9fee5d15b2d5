// A history that another node has got as links, or as a copy of them.
#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "ledger/history/history.h"
#include "tests/ledger/core/ledger_rows.h"
#include "tests/temporary_folder.h"

namespace ledger {
namespace {

std::unique_ptr<History> OpenAt(const std::string& folder) {
  auto history = History::Open(base::SystemFileSystem(), {.folder = folder, .merge_runs = 3});
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

void Flush(History& history) {
  history.SealWindow();
  history.Durable(UINT64_MAX);
  REQUIRE(history.AwaitFlushed(history.reached()));
}

size_t CountOf(const History& history) {
  TransferFilter filter;
  filter.account_id = {0, 3};
  const auto found = history.AccountTransfers(filter, UINT64_MAX);
  REQUIRE(found.ok());
  return found->size();
}

TEST_CASE("links are a history of their own, of what was on the disk", "[history][copy]") {
  const TemporaryFolder folder;
  const auto source = OpenAt(folder.path() + "/source");
  for (uint64_t first = 1; first <= 41; first += 10) {
    AddRecord(*source, first, first + 9);
    Flush(*source);
  }
  AddRecord(*source, 51, 60);  // Only in memory.
  const auto linked = source->Link(folder.path() + "/linked");
  REQUIRE(linked.ok());
  CHECK(linked->record_ns == 50'000);
  CHECK(linked->transfers == 50);
  // Whatever becomes of the source's.
  AddRecord(*source, 61, 70);
  Flush(*source);

  const auto copied = OpenAt(folder.path() + "/linked");
  CHECK(copied->flushed().transfers == 50);
  copied->BeginAt({.newest_ns = 50'000, .transfers = 50, .burnt = 0});
  CHECK(copied->CheckReplayed().ok());
  CHECK_FALSE(copied->IsAhead());
  CHECK(CountOf(*copied) == 50);
  AddRecord(*copied, 51, 52);
  CHECK(CountOf(*copied) == 52);
  CHECK(copied->ok());
}

TEST_CASE("a history that is ahead of its log is fine when it came as a copy", "[history][copy]") {
  const TemporaryFolder folder;
  {
    const auto source = OpenAt(folder.path() + "/source");
    AddRecord(*source, 1, 10);
    Flush(*source);
    AddRecord(*source, 11, 20);
    Flush(*source);
    REQUIRE(source->Link(folder.path() + "/linked").ok());
  }
  const auto copied = OpenAt(folder.path() + "/linked");
  copied->BeginAt({.newest_ns = 10'000, .transfers = 10, .burnt = 0});
  CHECK(copied->IsAhead());
  CHECK(absl::IsDataLoss(copied->CheckReplayed()));
  CHECK(absl::IsDataLoss(copied->CheckReplayed(19'999)));
  CHECK(copied->CheckReplayed(20'000).ok());

  SECTION("what is still to come was not there yet, and is not there twice") {
    AddRecord(*copied, 11, 15);
    CHECK(copied->IsAhead());
    CHECK(copied->Find({0, 15}).transfer != nullptr);
    CHECK(copied->Find({0, 16}).transfer == nullptr);
    AddRecord(*copied, 16, 20);
    CHECK_FALSE(copied->IsAhead());
    AddRecord(*copied, 21, 22);
    CHECK(copied->ok());
    CHECK(CountOf(*copied) == 22);
  }
  SECTION("a log that has other transfers is met when it has come that far") {
    AddRecord(*copied, 11, 14);
    AddRecord(*copied, 30, 31);
    CHECK_FALSE(copied->ok());
    CHECK(absl::IsDataLoss(copied->status()));
  }
}

}  // namespace
}  // namespace ledger
