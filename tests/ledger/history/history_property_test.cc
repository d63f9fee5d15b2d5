// Goal: history on the disk knows what history in memory knows, at every moment, whatever is
//   flushed, merged or lost in between, and also while a log is replayed that it is ahead of.
// Method: two ledgers over the two stores; random batches full of repeats; crashes, after which one
//   is replayed from the log. Windows of a few transfers, so that most of it stands in runs.
#include <catch2/catch.hpp>

#include <algorithm>
#include <optional>
#include <variant>
#include <vector>

#include "ledger/core/memory_transfer_store.h"
#include "ledger/core/state_machine.h"
#include "ledger/history/history.h"
#include "tests/ledger/core/random_events.h"
#include "tests/temporary_folder.h"

namespace ledger {
namespace {

constexpr uint32_t kShard = 2;
constexpr uint64_t kStartNs = 10'000'000'000;

struct LoggedBatch {
  std::variant<std::vector<Account>, std::vector<Transfer>> events;
  uint64_t timestamp_ns;
};

std::vector<EventResult> Execute(StateMachine& machine, const LoggedBatch& batch) {
  if (const auto* accounts = std::get_if<std::vector<Account>>(&batch.events)) {
    return machine.CreateAccounts(*accounts, batch.timestamp_ns);
  }
  return machine.CreateTransfers(std::get<std::vector<Transfer>>(batch.events), batch.timestamp_ns);
}

class World {
 public:
  explicit World(uint32_t seed) : events_(kShard, seed), memory_(kShard, memory_store_) { Open(); }

  void Step() {
    const uint64_t before = now_;
    now_ += events_.Below(40);
    if (events_.OneIn(10)) now_ += events_.Below(1'500'000'000);
    LoggedBatch batch{.events = {}, .timestamp_ns = 0};
    if (log_.empty() || events_.OneIn(8)) {
      auto accounts = events_.Accounts(before, now_ + 3);
      now_ += accounts.size();
      batch.events = std::move(accounts);
    } else {
      auto transfers = events_.Transfers(before, now_ + 5);
      now_ += transfers.size();
      batch.events = std::move(transfers);
    }
    batch.timestamp_ns = ++now_;
    log_.push_back(std::move(batch));
    const std::vector<EventResult> results = Execute(memory_, log_.back());
    results_.push_back(results);
    REQUIRE(Execute(*machine_, log_.back()) == results);
    NotePendings();
    if (events_.OneIn(3)) history_->Durable(log_.back().timestamp_ns);
    if (events_.OneIn(30)) history_->SealWindow();
    if (events_.OneIn(10)) CheckAccount();
    if (events_.OneIn(60)) Crash();
  }

  void CheckAll() {
    history_->Durable(now_);
    if (events_.OneIn(2)) AwaitFlushed();
    for (uint64_t id = 1; id <= 1'500; ++id) CheckId({0, id});
    for (int i = 0; i < 50; ++i) CheckAccount();
    REQUIRE(machine_->StateRoot() == memory_.StateRoot());
    REQUIRE(history_->status().ok());
  }

 private:
  void Open() {
    auto opened = History::Open(base::SystemFileSystem(), {.folder = folder_.path() + "/history",
                                                           .window_transfers = 16,
                                                           .cache_bytes = 1 << 20,
                                                           .merge_runs = 3});
    REQUIRE(opened.ok());
    history_ = std::move(opened).value();
    machine_.emplace(kShard, *history_);
  }

  // What was not durable is lost from the log too.
  void Crash() {
    if (events_.OneIn(2)) {
      history_->Durable(log_.back().timestamp_ns);
      if (events_.OneIn(2)) AwaitFlushed();
    }
    machine_.reset();
    history_.reset();
    Open();
    for (size_t i = 0; i < log_.size(); ++i) {
      CAPTURE(i);
      REQUIRE(Execute(*machine_, log_[i]) == results_[i]);
    }
    REQUIRE(history_->CheckReplayed().ok());
    REQUIRE(machine_->StateRoot() == memory_.StateRoot());
  }

  void AwaitFlushed() {
    history_->SealWindow();
    REQUIRE(history_->AwaitFlushed(history_->reached()));
  }

  void NotePendings() {
    const auto* const transfers = std::get_if<std::vector<Transfer>>(&log_.back().events);
    if (transfers == nullptr) return;
    for (const Transfer& event : *transfers) {
      const Transfer* const stored = memory_.FindTransfer(event.id);
      const bool is_pending = (event.flags & TransferFlags::kPending) != 0;
      if (is_pending && stored != nullptr && events_.OneIn(2)) events_.Opened(*stored);
    }
  }

  void CheckId(const Id128& id) {
    const FoundTransfer expected = memory_store_.Find(id);
    const FoundTransfer found = history_->Find(id);
    CAPTURE(id.low);
    REQUIRE(found.failed == expected.failed);
    REQUIRE((found.transfer == nullptr) == (expected.transfer == nullptr));
    if (found.transfer != nullptr) REQUIRE(*found.transfer == *expected.transfer);
    REQUIRE(history_->ResolutionOf(id) == memory_store_.ResolutionOf(id));

    std::vector<std::optional<Transfer>> completed(1);
    if (const Transfer* const recent = history_->FindRecent(id)) completed[0] = *recent;
    REQUIRE(history_->Complete({id}, UINT64_MAX, completed).ok());
    REQUIRE(completed[0].has_value() == (expected.transfer != nullptr));
    if (completed[0]) REQUIRE(*completed[0] == *expected.transfer);
  }

  void CheckAccount() {
    const TransferFilter filter = events_.Filter(now_);
    const auto transfers = history_->AccountTransfers(filter, UINT64_MAX);
    REQUIRE(transfers.ok());
    REQUIRE(*transfers == memory_store_.AccountTransfers(filter));
    const auto balances = history_->AccountBalances(filter, UINT64_MAX);
    REQUIRE(balances.ok());
    REQUIRE(*balances == memory_store_.AccountBalances(filter));
  }

  const TemporaryFolder folder_;
  RandomEvents events_;
  MemoryTransferStore memory_store_;
  StateMachine memory_;
  std::unique_ptr<History> history_;
  std::optional<StateMachine> machine_;
  std::vector<LoggedBatch> log_;
  std::vector<std::vector<EventResult>> results_;
  uint64_t now_ = kStartNs;
};

TEST_CASE("history on the disk knows what history in memory knows", "[history][property]") {
  const uint32_t seed = GENERATE(range(0U, 12U));
  CAPTURE(seed);
  World world(seed);
  for (int i = 0; i < 250; ++i) {
    CAPTURE(i);
    world.Step();
  }
  world.CheckAll();
}

}  // namespace
}  // namespace ledger
