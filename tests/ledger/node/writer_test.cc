#include "ledger/node/writer.h"

#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "absl/synchronization/notification.h"
#include "tests/ledger/core/ledger_rows.h"
#include "tests/ledger/node/shard_bench.h"
#include "tests/ledger/storage/memory_file_system.h"

namespace ledger {
namespace {

// A shard and its two threads.
struct Bench {
  ShardBench shard;
  MemoryFileSystem files;
  base::ManualClock clock{absl::UnixEpoch()};
  CommitLatency latency{clock};
  std::unique_ptr<Log> log = OpenLog();
  Writer writer{*shard.shard, *log, {.on_fatal = {}, .latency = &latency, .on_durable = {}}};

  std::unique_ptr<Log> OpenLog() {
    REQUIRE(Log::StartOver(files, "log", shard.shard->position() + 1).ok());
    return Log::Open(files, {.folder = "log", .segment_bytes = 1 << 20, .prepares_ahead = false})
        .value();
  }
};

TEST_CASE("a batch takes from when it came, however long it waits for its turn", "[writer]") {
  Bench bench;
  absl::Notification is_busy;
  absl::Notification may_go_on;
  REQUIRE(bench.writer
              .Run([&](Shard&) {
                is_busy.Notify();
                may_go_on.WaitForNotification();
              })
              .ok());
  is_busy.WaitForNotification();
  const std::vector<Account> accounts{NewAccount(1)};
  absl::Notification is_answered;
  REQUIRE(bench.writer
              .Submit({.kind = RecordKind::kAccounts,
                       .epoch = 0,
                       .body = {reinterpret_cast<const char*>(accounts.data()), sizeof(Account)},
                       .done =
                           [&](const auto& result) {
                             CHECK(result.ok());
                             is_answered.Notify();
                           }})
              .ok());
  bench.clock.Advance(absl::Milliseconds(40));
  may_go_on.Notify();
  is_answered.WaitForNotification();
  const auto p99 = bench.latency.P99OfAnswered();
  REQUIRE(p99);
  CHECK(*p99 >= absl::Milliseconds(40));
  CHECK(*p99 <= absl::Milliseconds(44));
}

TEST_CASE("a batch that is refused is no commit", "[writer]") {
  Bench bench;
  const std::vector<Account> accounts{NewAccount(1)};
  absl::Notification is_answered;
  REQUIRE(bench.writer
              .Submit({.kind = RecordKind::kAccounts,
                       .epoch = 1'000,
                       .body = {reinterpret_cast<const char*>(accounts.data()), sizeof(Account)},
                       .done =
                           [&](const auto& result) {
                             CHECK_FALSE(result.ok());
                             is_answered.Notify();
                           }})
              .ok());
  is_answered.WaitForNotification();
  CHECK_FALSE(bench.latency.P99OfAnswered());
}

}  // namespace
}  // namespace ledger
