// How batches of clients become records.
#include <catch2/catch.hpp>

#include <deque>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "tests/ledger/node/shard_bench.h"

namespace ledger {
namespace {

Transfer NewTransfer(uint64_t id, uint64_t credit = 2, uint16_t flags = 0) {
  Transfer transfer;
  transfer.id = {0, id};
  transfer.debit_account_id = {0, 1};
  transfer.credit_account_id = {0, credit};
  transfer.amount = 1;
  transfer.ledger = transfer.code = 1;
  transfer.flags = flags;
  return transfer;
}

std::vector<Account> TwoAccounts() {
  std::vector<Account> accounts(2);
  for (uint64_t i = 0; i < 2; ++i) {
    accounts[i].id = {0, 1 + i};
    accounts[i].ledger = accounts[i].code = 1;
  }
  return accounts;
}

// Batches that come together, and what became of each.
class Together {
 public:
  explicit Together(ShardBench& bench) : bench_(bench) {}

  void Add(std::vector<Transfer> transfers) {
    batches_.push_back(std::move(transfers));
    const std::vector<Transfer>& kept = batches_.back();
    const size_t number = results_.size();
    results_.emplace_back();
    bench_.shard->Append(
        {.kind = RecordKind::kTransfers,
         .epoch = 0,
         .body = {reinterpret_cast<const char*>(kept.data()), kept.size() * sizeof(Transfer)},
         .done = [this, number](const absl::StatusOr<BatchResult>& result) {
           REQUIRE(result.ok());
           results_[number] = *result;
         }});
  }
  const std::vector<std::optional<BatchResult>>& Done() {
    bench_.Sync();
    return results_;
  }

 private:
  ShardBench& bench_;
  std::deque<std::vector<Transfer>> batches_;
  std::vector<std::optional<BatchResult>> results_;
};

struct Stage {
  Stage() { bench.Write(RecordKind::kAccounts, TwoAccounts()); }
  ShardBench bench;
  Together together{bench};
};

TEST_CASE("batches that come together are one record, and answered each for itself", "[batches]") {
  Stage stage;
  stage.together.Add({NewTransfer(1), NewTransfer(2)});
  stage.together.Add({NewTransfer(3), NewTransfer(4, 9), NewTransfer(5)});
  stage.together.Add({NewTransfer(6)});
  const auto& results = stage.together.Done();
  CHECK(results[0]->position == results[2]->position);
  CHECK(results[0]->results.empty());
  CHECK(
      results[1]->results ==
      std::vector<EventResult>{{1, static_cast<uint32_t>(TransferStatus::kCreditAccountNotFound)}});
  CHECK(results[2]->results.empty());
  // The time of a batch's last event: what docs/ledger.md counts from.
  for (const auto& [number, id] : {std::pair(0, 2), std::pair(1, 5), std::pair(2, 6)}) {
    const auto* const transfer =
        stage.bench.shard->history().FindRecent({0, static_cast<uint64_t>(id)});
    REQUIRE(transfer != nullptr);
    CHECK(transfer->timestamp_ns == results[static_cast<size_t>(number)]->timestamp_ns);
  }
}

TEST_CASE("a chain that a batch leaves open takes in nobody else's events", "[batches]") {
  Stage stage;
  stage.together.Add({NewTransfer(1, 2, TransferFlags::kLinked)});
  stage.together.Add({NewTransfer(2)});
  const auto& results = stage.together.Done();
  CHECK(results[0]->position + 1 == results[1]->position);
  CHECK(
      results[0]->results ==
      std::vector<EventResult>{{0, static_cast<uint32_t>(TransferStatus::kLinkedEventChainOpen)}});
  CHECK(results[1]->results.empty());
}

TEST_CASE("imported batches stay alone", "[batches]") {
  Stage stage;
  Transfer imported = NewTransfer(2, 2, TransferFlags::kImported);
  imported.timestamp_ns = 1;
  stage.together.Add({NewTransfer(1)});
  stage.together.Add({imported});
  stage.together.Add({NewTransfer(3)});
  const auto& results = stage.together.Done();
  CHECK(results[0]->position + 1 == results[1]->position);
  CHECK(results[1]->position + 1 == results[2]->position);
  CHECK(results[2]->results.empty());
}

TEST_CASE("a record has no more events than a batch may have", "[batches]") {
  Stage stage;
  std::vector<Transfer> many;
  for (uint64_t id = 1; id <= kBatchEventsMax - 1; ++id) many.push_back(NewTransfer(id));
  stage.together.Add(many);
  stage.together.Add({NewTransfer(10'001)});
  stage.together.Add({NewTransfer(10'002)});
  const auto& results = stage.together.Done();
  CHECK(results[0]->position == results[1]->position);
  CHECK(results[1]->position + 1 == results[2]->position);
}

TEST_CASE("a repeat within one record is a repeat", "[batches]") {
  Stage stage;
  stage.together.Add({NewTransfer(1)});
  stage.together.Add({NewTransfer(1)});
  const auto& results = stage.together.Done();
  CHECK(results[0]->position == results[1]->position);
  CHECK(results[1]->results ==
        std::vector<EventResult>{{0, static_cast<uint32_t>(TransferStatus::kExists)}});
}

// All of history's files are as long as before and say nothing.
void DamageHistory(const std::string& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder + "/runs")) {
    if (entry.path().extension() != ".sst") continue;
    const std::string zeros(entry.file_size(), '\0');
    std::fstream(entry.path(), std::ios::in | std::ios::out | std::ios::binary) << zeros;
  }
}

// What was made so far goes to the disk, where it cannot be read.
void LoseHistory(Stage& stage) {
  History& history = stage.bench.history();
  history.SealWindow();
  history.Durable(UINT64_MAX);
  REQUIRE(history.AwaitFlushed(history.reached()));
  DamageHistory(stage.bench.history_folder());
}

TEST_CASE("a repeat whose pending transfer cannot be read ends in order", "[batches]") {
  Stage stage;
  stage.together.Add({NewTransfer(1, 2, TransferFlags::kPending)});
  stage.together.Done();
  LoseHistory(stage);
  Transfer post = NewTransfer(2, 2, TransferFlags::kPostPendingTransfer);
  post.pending_id = {0, 1};
  stage.together.Add({post});
  stage.together.Done();  // The window is still at hand; after this batch the run is asked.
  absl::Status answer;
  stage.bench.shard->Append(
      {.kind = RecordKind::kTransfers,
       .epoch = 0,
       .body = {reinterpret_cast<const char*>(&post), sizeof(Transfer)},
       .done = [&](const absl::StatusOr<BatchResult>& result) { answer = result.status(); }});
  stage.bench.shard->ApplyPending();
  CHECK(absl::IsUnavailable(answer));
}

TEST_CASE("every batch is answered when history cannot be read", "[batches]") {
  Stage stage;
  stage.together.Add({NewTransfer(1)});
  stage.together.Done();
  LoseHistory(stage);
  stage.together.Add({NewTransfer(2)});
  stage.together.Done();

  const std::vector<Transfer> repeat = {NewTransfer(1)};
  std::vector<absl::Status> answers;
  for (int i = 0; i < 2; ++i) {
    stage.bench.shard->Append(
        {.kind = RecordKind::kTransfers,
         .epoch = 0,
         .body = {reinterpret_cast<const char*>(repeat.data()), sizeof(Transfer)},
         .done = [&](const absl::StatusOr<BatchResult>& result) {
           answers.push_back(result.status());
         }});
    stage.bench.shard->CloseGroup();  // Each is a record.
  }
  stage.bench.shard->ApplyPending();
  CHECK(absl::IsUnavailable(stage.bench.shard->failed()));
  REQUIRE(answers.size() == 2);
  CHECK(absl::IsUnavailable(answers[0]));
  CHECK(absl::IsUnavailable(answers[1]));
}

}  // namespace
}  // namespace ledger
