// State roots in the log: who writes them, and who finds that one differs.
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/file_system.h"
#include "ledger/node/replay.h"
#include "ledger/storage/log.h"
#include "tests/ledger/node/cluster.h"
#include "tests/ledger/node/shard_bench.h"

namespace ledger {
namespace {

std::vector<Account> TwoAccounts() {
  std::vector<Account> accounts(2);
  for (size_t i = 0; i < accounts.size(); ++i) {
    accounts[i].id = {0, i + 1};
    accounts[i].ledger = accounts[i].code = 1;
  }
  return accounts;
}

std::vector<Transfer> OneTransfer(uint64_t id) {
  std::vector<Transfer> transfers(1);
  transfers[0].id = {0, id};
  transfers[0].debit_account_id = {0, 1};
  transfers[0].credit_account_id = {0, 2};
  transfers[0].amount = 5;
  transfers[0].ledger = transfers[0].code = 1;
  return transfers;
}

// A bench whose shard has something to cut.
struct Written {
  ShardBench bench;
  Shard& shard = *bench.shard;

  Written() { bench.Write(RecordKind::kAccounts, TwoAccounts()); }
  // What the writer does in each of its rounds; the records that came of it.
  uint64_t Round() {
    const uint64_t before = shard.position();
    shard.CheckpointIfDue();
    bench.Sync();
    bench.roots().Await(shard.position());
    return shard.position() - before;
  }
};

TEST_CASE("the owner appends a checkpoint when the state has changed", "[checkpoint]") {
  Written written;
  CHECK(written.Round() == 1);
  CHECK(written.bench.roots().Find(written.shard.position()) == written.shard.state().StateRoot());
}

TEST_CASE("an idle ledger writes no checkpoints", "[checkpoint]") {
  Written written;
  CHECK(written.Round() == 1);
  CHECK(written.shard.UntilCheckpoint() == absl::InfiniteDuration());
  written.bench.Advance(absl::Hours(1));
  CHECK(written.Round() == 0);
}

TEST_CASE("checkpoints keep their distance", "[checkpoint]") {
  Written written;
  CHECK(written.Round() == 1);
  written.bench.Write(RecordKind::kTransfers, OneTransfer(1));
  CHECK(written.shard.UntilCheckpoint() == ShardBench::kCheckpointInterval);
  written.bench.Advance(ShardBench::kCheckpointInterval - absl::Nanoseconds(1));
  CHECK(written.Round() == 0);
  written.bench.Advance(absl::Nanoseconds(1));
  CHECK(written.Round() == 1);
}

TEST_CASE("a checkpoint cuts behind the batches that were appended before it", "[checkpoint]") {
  Written written;
  const std::vector<Transfer> transfers = OneTransfer(1);
  written.shard.Append({.kind = RecordKind::kTransfers,
                        .epoch = 0,
                        .body = {reinterpret_cast<const char*>(transfers.data()), sizeof(Transfer)},
                        .done = [](const auto& result) { CHECK(result.ok()); }});
  const auto position = written.shard.AppendCheckpoint({});
  REQUIRE(position.ok());
  CHECK(*position == written.shard.position());
  written.bench.Sync();
  CHECK(written.shard.state().transfer_count() == 1);
  CHECK(written.bench.roots().Await(*position) == written.shard.state().StateRoot());
}

TEST_CASE("a seal certifies the root from scratch", "[checkpoint]") {
  Written written;
  if (GENERATE(true, false)) written.Round();
  written.bench.Write(RecordKind::kTransfers, OneTransfer(1));
  pb::SealRequest seal;
  seal.set_run("weekend");
  seal.set_successor("target");
  pb::SealStatement statement;
  written.shard.Seal(seal, [&](const absl::StatusOr<pb::Signed>& answer) {
    REQUIRE(answer.ok());
    REQUIRE(statement.ParseFromString(answer->payload()));
  });
  written.bench.Sync();
  const base::Hash256 root = written.shard.state().StateRoot();
  CHECK(statement.state_root() == base::AsBytes(root));
}

// --- With disks and sockets ---

void WriteCheckpoints(NodeOptions& options) { options.checkpoint_interval = absl::ZeroDuration(); }

std::vector<Checkpoint> CheckpointsIn(Cluster& cluster, const std::string& node) {
  const auto log = Log::OpenToRead(base::SystemFileSystem(), cluster.DataDir(node) + "/log");
  REQUIRE(log.ok());
  std::vector<Checkpoint> checkpoints;
  LogReader reader(**log, 1);
  while (true) {
    const auto item = reader.Next();
    REQUIRE(item.ok());
    if (*item == nullptr) return checkpoints;
    if ((*item)->record.kind == RecordKind::kCheckpoint) {
      checkpoints.push_back((*item)->record.checkpoint());
    }
  }
}

// Two nodes, the owner of which writes checkpoints as often as it can.
struct Watched {
  Cluster cluster;

  Watched() {
    cluster.Stop("source");
    cluster.Start("source", WriteCheckpoints);
    REQUIRE(Create(cluster.ledger("source"), Accounts(1, 40)).ok());
    cluster.Follow("target", "source");
    Write(1, 10);
  }
  // One batch after the other, with a checkpoint behind each.
  void Write(uint64_t first_id, uint64_t batches) {
    for (uint64_t id = first_id; id < first_id + batches; ++id) {
      const auto created = Create(cluster.ledger("source"), Transfers(id, 1));
      REQUIRE(created.ok());
      cluster.AwaitPosition("source", created.response.commits(0).position() + 1);
    }
  }
  void AwaitCopied() { cluster.AwaitPosition("target", cluster.Status("source").position()); }
  std::string Flip() {
    const auto flipped =
        Call(cluster.faults("target"), &pb::Faults::Stub::FlipStateBit, pb::FlipStateBitRequest());
    REQUIRE(flipped.ok());
    return flipped.response.account_id();
  }
  // Once the difference was looked for: then the target follows no further.
  pb::NodeStatus AwaitFault() {
    return cluster.Await("target", [](const auto& status) {
      return status.fault().find(". Searched: ") != std::string::npos;
    });
  }
};

// More than a cut takes that clients do not feel, before anything was ever cut.
void WriteManyAccounts(ShardBench& bench) {
  constexpr uint64_t kAccounts = 5 * kBatchEventsMax;
  std::vector<Account> accounts;
  for (uint64_t id = 1; id <= kAccounts; ++id) {
    accounts.push_back(TwoAccounts()[0]);
    accounts.back().id = {0, id};
    if (accounts.size() < kBatchEventsMax) continue;
    bench.Write(RecordKind::kAccounts, accounts);
    accounts.clear();
  }
}

absl::Status SealNow(ShardBench& bench) {
  pb::SealRequest request;
  request.set_run("run");
  request.set_successor("target");
  absl::Status status;
  bench.shard->Seal(request,
                    [&](const absl::StatusOr<pb::Signed>& sealed) { status = sealed.status(); });
  bench.Sync();
  return status;
}

uint64_t AccountsUnhashed(ShardBench& bench) {
  uint64_t accounts = 0;
  bench.shard->GetStatus([&](const absl::StatusOr<pb::NodeStatus>& status) {
    accounts = status.value().accounts_unhashed();
  });
  bench.Sync();
  return accounts;
}

TEST_CASE("a seal is refused while the state root lacks so many accounts that it took long",
          "[checkpoint]") {
  ShardBench bench;
  WriteManyAccounts(bench);
  CHECK(AccountsUnhashed(bench) == 5 * kBatchEventsMax);
  const absl::Status status = SealNow(bench);
  CHECK(status.code() == absl::StatusCode::kFailedPrecondition);
  CHECK_THAT(std::string(status.message()), Catch::Contains("lacks 40950 accounts"));
}

TEST_CASE("parts go ahead of a large cut until a seal is short", "[checkpoint]") {
  ShardBench bench;
  WriteManyAccounts(bench);
  const uint64_t before = bench.shard->position();
  while (AccountsUnhashed(bench) > 0) {
    bench.Advance(absl::Minutes(1));
    bench.shard->CheckpointIfDue();
    while (!bench.roots().IsIdle()) {
    }
  }
  CHECK(bench.shard->position() == before);
  CHECK(SealNow(bench).ok());
}

TEST_CASE("the log says the root of each checkpoint in the next", "[checkpoint]") {
  Watched watched;
  watched.cluster.Stop("source");
  const std::vector<Checkpoint> checkpoints = CheckpointsIn(watched.cluster, "source");
  REQUIRE(checkpoints.size() > 2);
  for (size_t i = 1; i < checkpoints.size(); ++i) {
    CHECK(checkpoints[i].root_position > checkpoints[i - 1].root_position);
    CHECK(checkpoints[i].root != base::Hash256{});
  }
  // What a replay from the first record finds is the same.
  const auto replayed =
      ReplayLog(base::SystemFileSystem(), watched.cluster.DataDir("source"), Cluster::kShard);
  CAPTURE(replayed.status());
  CHECK(replayed.ok());
}

TEST_CASE("a replica whose state differs stops at the next root that says so", "[checkpoint]") {
  Watched watched;
  watched.AwaitCopied();
  watched.Flip();
  watched.Write(100, 3);
  const pb::NodeStatus status = watched.AwaitFault();
  CHECK_THAT(status.fault(), Catch::Contains("the logs are equal and the states are not") &&
                                 Catch::Contains("must not open"));
  const uint64_t stopped_at = status.position();
  watched.Write(200, 2);
  watched.cluster.Follow("target", "source");
  CHECK(watched.AwaitFault().position() == stopped_at);

  SECTION("it does not open") {
    const auto seal = Seal(watched.cluster.node("source"), "run", "target");
    REQUIRE(seal.ok());
    const auto opened = Open(watched.cluster.node("target"), seal.response);
    CHECK_FALSE(opened.ok());
    CHECK(watched.cluster.Status("target").role() == pb::ROLE_REPLICA);
  }
  SECTION("a restart reads its state back, and it goes on") {
    watched.cluster.Restart("target");
    watched.AwaitCopied();
    CHECK(watched.cluster.Status("target").fault().empty());
  }
}

TEST_CASE("a node that holds a checkpoint of another state does not start", "[checkpoint]") {
  Watched watched;
  watched.AwaitCopied();
  watched.cluster.Stop("source");
  watched.cluster.Stop("target");
  // One more checkpoint, which says another root for the log's first: a start always cuts at that.
  const std::string folder = watched.cluster.DataDir("source") + "/log";
  {
    auto log = Log::Open(base::SystemFileSystem(), {.folder = folder});
    REQUIRE(log.ok());
    Record last;
    uint64_t position = 0;
    LogReader reader(**log, 1);
    for (auto item = reader.Next(); item.ok() && *item != nullptr; item = reader.Next()) {
      last = (*item)->record;
      if (last.kind == RecordKind::kCheckpoint && position == 0) position = last.position;
    }
    Checkpoint wrong{.root_position = position};
    wrong.root.fill(7);
    Record record;
    record.kind = RecordKind::kCheckpoint;
    record.position = last.position + 1;
    record.epoch = last.epoch;
    record.timestamp_ns = last.timestamp_ns + 1;
    record.previous_hash = last.hash;
    record.owner = last.owner;
    record.body = AsBytes(wrong);
    Frame frame;
    frame.Add(record);
    REQUIRE((*log)->Append(frame).ok());
  }
  const absl::Status status = watched.cluster.TryStart("source");
  CHECK(absl::IsDataLoss(status));
  CHECK_THAT(std::string(status.message()), Catch::Contains("the states are not"));
  const auto replayed =
      ReplayLog(base::SystemFileSystem(), watched.cluster.DataDir("source"), Cluster::kShard);
  CHECK(absl::IsDataLoss(replayed.status()));
}

TEST_CASE("a start from a snapshot checks what is said of cuts behind it", "[checkpoint]") {
  Watched watched;
  Cluster& cluster = watched.cluster;
  watched.AwaitCopied();
  for (const char* node : {"source", "target"}) {
    REQUIRE(
        Call(cluster.node(node), &pb::Node::Stub::TakeSnapshot, pb::TakeSnapshotRequest()).ok());
  }
  watched.Write(50, 5);
  watched.AwaitCopied();
  cluster.Restart("target");
  cluster.Stop("source");
  cluster.Start("source", WriteCheckpoints);
  watched.Write(60, 5);
  watched.AwaitCopied();
  CHECK(cluster.Status("target").fault().empty());
  const auto seal = Seal(cluster.node("source"), "run", "target");
  REQUIRE(seal.ok());
  watched.AwaitCopied();
  CHECK(Open(cluster.node("target"), seal.response).ok());
}

TEST_CASE("the new owner goes on with checkpoints, and the former one checks them",
          "[checkpoint]") {
  Watched watched;
  Cluster& cluster = watched.cluster;
  cluster.Stop("target");
  cluster.Start("target", WriteCheckpoints);
  const auto seal = Seal(cluster.node("source"), "run", "target");
  REQUIRE(seal.ok());
  watched.AwaitCopied();
  REQUIRE(Open(cluster.node("target"), seal.response).ok());
  cluster.Follow("source", "target");
  for (uint64_t id = 300; id < 305; ++id) {
    REQUIRE(Create(cluster.ledger("target"), Transfers(id, 1)).ok());
  }
  const uint64_t position = cluster.Status("target").position();
  cluster.AwaitPosition("source", position);
  CHECK(cluster.Status("source").fault().empty());
  CHECK(cluster.Status("target").transfers() == 15);
}

}  // namespace
}  // namespace ledger
