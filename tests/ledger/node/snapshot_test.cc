// Snapshots of a running node, and starts from them.
#include <catch2/catch.hpp>

#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/file_system.h"
#include "base/hash.h"
#include "ledger/core/types.h"
#include "ledger/node/disk.h"
#include "ledger/storage/snapshot.h"
#include "tests/ledger/node/cluster.h"

namespace ledger {
namespace {

// What a node said while it started.
class Sayings {
 public:
  void Listen(NodeOptions& options) {
    options.say = [this](const std::string& sentence) {
      const std::lock_guard lock(mutex_);
      sentences_.push_back(sentence);
    };
  }
  std::string all() {
    const std::lock_guard lock(mutex_);
    return absl::StrJoin(sentences_, "\n");
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> sentences_;
};

uint64_t TakeSnapshot(Cluster& cluster, const std::string& node) {
  const auto answer =
      Call(cluster.node(node), &pb::Node::Stub::TakeSnapshot, pb::TakeSnapshotRequest());
  CAPTURE(answer.status.error_message());
  REQUIRE(answer.ok());
  return answer.response.position();
}

std::string SnapshotFile(const Cluster& cluster, const std::string& node, uint64_t position) {
  return absl::StrCat(cluster.DataDir(node), "/snapshots/", position);
}

void Damage(const std::string& path) {
  std::string bytes = base::SystemFileSystem().Read(path).value();
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  REQUIRE(base::SystemFileSystem().Replace(path, bytes).ok());
}

// Every transfer is found by id and with its account.
void CheckTransfers(Cluster& cluster, const std::string& node, int count) {
  pb::LookupRequest lookup;
  for (int i = 1; i <= count; ++i) {
    pb::Id& id = *lookup.add_ids();
    id.set_high(7);
    id.set_low(static_cast<uint64_t>(i));
  }
  const auto found = Call(cluster.ledger(node), &pb::Ledger::Stub::LookupTransfers, lookup);
  REQUIRE(found.ok());
  CHECK(found.response.transfers_size() == count);
}

TEST_CASE("a node starts from its newest snapshot and the log behind it", "[snapshot]") {
  Cluster cluster({"source"});
  REQUIRE(Create(cluster.ledger("source"), Accounts(1, 20)).ok());
  REQUIRE(Create(cluster.ledger("source"), Transfers(1, 30)).ok());
  const uint64_t position = TakeSnapshot(cluster, "source");
  CHECK(position == 3);
  REQUIRE(Create(cluster.ledger("source"), Transfers(31, 10)).ok());
  cluster.Stop("source");

  Sayings said;
  cluster.Start("source", [&](NodeOptions& options) { said.Listen(options); });
  CHECK_THAT(said.all(), Catch::Contains("loaded the snapshot at record 3: 20 accounts") &&
                             Catch::Contains("read back 1 records"));
  CheckTransfers(cluster, "source", 40);
  // What happened before the snapshot is still known to have happened.
  const auto repeated = Create(cluster.ledger("source"), Transfers(1, 1));
  REQUIRE(repeated.response.results_size() == 1);
  CHECK(repeated.response.results(0).code() == 46);
}

TEST_CASE("a snapshot changes no root", "[snapshot]") {
  Cluster with({"source"});
  Cluster without({"source"});
  for (Cluster* cluster : {&with, &without}) {
    REQUIRE(Create(cluster->ledger("source"), Accounts(1, 20)).ok());
    REQUIRE(Create(cluster->ledger("source"), Transfers(1, 30)).ok());
  }
  TakeSnapshot(with, "source");
  with.Restart("source");
  without.Restart("source");
  const auto balances = [](Cluster& cluster) {
    pb::LookupRequest lookup;
    for (uint64_t i = 1; i <= 20; ++i) *lookup.add_ids() = AccountId(i);
    auto found = Call(cluster.ledger("source"), &pb::Ledger::Stub::LookupAccounts, lookup);
    std::string rows;
    for (pb::Account& account : *found.response.mutable_accounts()) {
      account.clear_timestamp_ns();
      absl::StrAppend(&rows, account.ShortDebugString(), "\n");
    }
    return rows;
  };
  CHECK(balances(with) == balances(without));
}

TEST_CASE("a damaged snapshot is passed over for the one before it", "[snapshot]") {
  Cluster cluster({"source"});
  REQUIRE(Create(cluster.ledger("source"), Accounts(1, 20)).ok());
  TakeSnapshot(cluster, "source");
  REQUIRE(Create(cluster.ledger("source"), Transfers(1, 30)).ok());
  const uint64_t newest = TakeSnapshot(cluster, "source");
  cluster.Stop("source");
  Damage(SnapshotFile(cluster, "source", newest));

  Sayings said;
  cluster.Start("source", [&](NodeOptions& options) { said.Listen(options); });
  CHECK_THAT(said.all(),
             Catch::Contains(absl::StrCat("the snapshot at record ", newest, " cannot be used")) &&
                 Catch::Contains("loaded the snapshot at record 2"));
  CheckTransfers(cluster, "source", 30);
  // It does not count as one of the two that the log is given up behind.
  CHECK_FALSE(base::SystemFileSystem().Exists(SnapshotFile(cluster, "source", newest)));
}

// A replica whose newest snapshot holds another state than the log says of a cut behind it.
class Damaged {
 public:
  // `prepare` comes before the damage.
  explicit Damaged(const std::function<void(Cluster&)>& prepare) {
    cluster.Stop("source");
    cluster.Start("source",
                  [](NodeOptions& options) { options.checkpoint_interval = absl::ZeroDuration(); });
    REQUIRE(Create(cluster.ledger("source"), Accounts(1, 20)).ok());
    cluster.Follow("target", "source");
    Write(1);
    prepare(cluster);
    Write(2);
    // Sums stay equal, which a start looks at as well.
    REQUIRE(Call(cluster.faults("target"), &pb::Faults::Stub::ExchangeBalances,
                 pb::ExchangeBalancesRequest())
                .ok());
    newest = TakeSnapshot(cluster, "target");
    for (uint64_t id = 3; !cluster.Status("target").state_differs(); ++id) Write(id);
    cluster.Stop("target");
  }
  // With a checkpoint behind it.
  void Write(uint64_t id) {
    const auto created = Create(cluster.ledger("source"), Transfers(id, 1));
    REQUIRE(created.ok());
    cluster.AwaitPosition("source", created.response.commits(0).position() + 1);
    if (cluster.Status("target").state_differs()) return;
    cluster.AwaitPosition("target", cluster.Status("source").position());
  }
  std::string PassedOver() const {
    return absl::StrCat("the snapshot at record ", newest, " cannot be used");
  }
  // The target follows on, and has the same state.
  void CheckGoesOn() {
    Write(1'000);
    pb::VerifyAgainstRequest request;
    request.set_node_id("source");
    const auto verified =
        Call(cluster.verification("target"), &pb::Verification::Stub::VerifyAgainst, request);
    CAPTURE(verified.status.error_message(), verified.response.difference());
    CHECK(verified.response.equal());
  }

  Cluster cluster;
  uint64_t newest = 0;
};

TEST_CASE("a snapshot of another state than the log says is passed over for the one before it",
          "[snapshot]") {
  Sayings said;
  uint64_t sound = 0;
  Damaged damaged([&](Cluster& cluster) { sound = TakeSnapshot(cluster, "target"); });
  damaged.cluster.Start("target", [&](NodeOptions& options) { said.Listen(options); });
  CHECK_THAT(said.all(),
             Catch::Contains(damaged.PassedOver()) &&
                 Catch::Contains("another than the state roots in the log say") &&
                 Catch::Contains(absl::StrCat("loaded the snapshot at record ", sound)));
  damaged.CheckGoesOn();
  const std::string file = SnapshotFile(damaged.cluster, "target", damaged.newest);
  CHECK_FALSE(std::filesystem::exists(file));
}

TEST_CASE("a snapshot of another state than the log says is passed over for the whole log",
          "[snapshot]") {
  Sayings said;
  Damaged damaged([](Cluster& /*cluster*/) {});
  damaged.cluster.Start("target", [&](NodeOptions& options) { said.Listen(options); });
  CHECK_THAT(said.all(), Catch::Contains(damaged.PassedOver()));
  damaged.CheckGoesOn();
}

TEST_CASE("the log behind two snapshots is given up, and the node starts without it",
          "[snapshot]") {
  Cluster cluster({"source", "target"});
  cluster.Stop("target");
  cluster.Stop("source");
  const auto trims = [](NodeOptions& options) { options.config.set_trims_log(true); };
  cluster.Start("source", trims);
  REQUIRE(Create(cluster.ledger("source"), Accounts(1, 20)).ok());
  // More than two segments of 64 MiB.
  constexpr int kBatch = 8'190;
  constexpr int kBatches = 140;
  for (int batch = 0; batch < kBatches; ++batch) {
    const auto first = static_cast<uint64_t>(1 + batch * kBatch);
    REQUIRE(Create(cluster.ledger("source"), Transfers(first, kBatch)).ok());
  }
  TakeSnapshot(cluster, "source");
  REQUIRE(Create(cluster.ledger("source"), Transfers(2'000'000, 5)).ok());
  TakeSnapshot(cluster, "source");
  cluster.Stop("source");

  SECTION("it starts and goes on") {
    cluster.Start("source", trims);
    REQUIRE(Create(cluster.ledger("source"), Transfers(2'000'005, 5)).ok());
    CheckTransfers(cluster, "source", 8'000);
  }
  SECTION("who follows from the beginning copies what it cannot read any more") {
    cluster.Start("source", trims);
    cluster.Start("target");
    cluster.Follow("target", "source");
    cluster.AwaitCopied("target", cluster.Status("source").position());
    CHECK(cluster.Status("target").log_hash() == cluster.Status("source").log_hash());
    CHECK(cluster.Status("target").transfers() == cluster.Status("source").transfers());
  }
  SECTION("without a snapshot that can be used it does not start") {
    for (const auto& entry :
         std::filesystem::directory_iterator(cluster.DataDir("source") + "/snapshots")) {
      Damage(entry.path());
    }
    const absl::Status status = cluster.TryStart("source");
    CHECK(absl::IsDataLoss(status));
    CHECK_THAT(std::string(status.message()), Catch::Contains("set up a new node id"));
  }
  SECTION("without its history it does not start") {
    std::filesystem::remove_all(cluster.DataDir("source") + "/history");
    CHECK(absl::IsDataLoss(cluster.TryStart("source")));
  }
}

TEST_CASE("a lost history is built again from the log", "[snapshot]") {
  Cluster cluster({"source"});
  REQUIRE(Create(cluster.ledger("source"), Accounts(1, 20)).ok());
  REQUIRE(Create(cluster.ledger("source"), Transfers(1, 30)).ok());
  TakeSnapshot(cluster, "source");
  cluster.Stop("source");
  std::filesystem::remove_all(cluster.DataDir("source") + "/history");
  Sayings said;
  cluster.Start("source", [&](NodeOptions& options) { said.Listen(options); });
  CHECK_THAT(said.all(), Catch::Contains("the history holds only 0"));
  CheckTransfers(cluster, "source", 30);
}

TEST_CASE("the next snapshot counts from the one that was read back, not from one passed over",
          "[snapshot]") {
  Cluster cluster({"source"});
  REQUIRE(Create(cluster.ledger("source"), Accounts(1, 20)).ok());
  REQUIRE(Create(cluster.ledger("source"), Transfers(1, 30)).ok());
  TakeSnapshot(cluster, "source");
  cluster.Stop("source");
  const auto log_bytes_before_snapshot = [&] {
    Disk disk;
    disk.options = cluster.Options("source");
    REQUIRE(disk.Open().ok());
    return disk.snapshot_log_bytes;
  };
  CHECK(log_bytes_before_snapshot() > 0);
  // What it says of the node can be read, but not what it rests on.
  std::filesystem::remove_all(cluster.DataDir("source") + "/history");
  CHECK(log_bytes_before_snapshot() == 0);
}

TEST_CASE("who may write is the same after a start from a snapshot", "[snapshot]") {
  Cluster cluster;
  REQUIRE(Create(cluster.ledger("source"), Accounts(1, 20)).ok());
  cluster.Follow("target", "source");
  const auto seal = Seal(cluster.node("source"), "run", "target");
  REQUIRE(seal.ok());
  cluster.AwaitPosition("target", 3);

  SECTION("a sealed node stays sealed and gives the same certificate") {
    TakeSnapshot(cluster, "source");
    cluster.Restart("source");
    CHECK(cluster.Status("source").role() == pb::ROLE_SEALED);
    CHECK_FALSE(Create(cluster.ledger("source"), Transfers(1, 1)).ok());
    const auto again = Seal(cluster.node("source"), "run", "target");
    CHECK(again.response.SerializeAsString() == seal.response.SerializeAsString());
    CHECK(Open(cluster.node("target"), seal.response).ok());
  }
  SECTION("a successor that opened has opened") {
    const auto opened = Open(cluster.node("target"), seal.response);
    REQUIRE(opened.ok());
    TakeSnapshot(cluster, "target");
    cluster.Restart("target");
    CHECK(cluster.Status("target").role() == pb::ROLE_PRIMARY);
    CHECK(Open(cluster.node("target"), seal.response).response.SerializeAsString() ==
          opened.response.SerializeAsString());
    CHECK_FALSE(Refuse(cluster.node("target"), seal.response).ok());
  }
  SECTION("a refusal stands") {
    const auto refusal = Refuse(cluster.node("target"), seal.response);
    REQUIRE(refusal.ok());
    TakeSnapshot(cluster, "target");
    cluster.Restart("target");
    CHECK_FALSE(Open(cluster.node("target"), seal.response).ok());
    TakeSnapshot(cluster, "source");
    cluster.Restart("source");
    CHECK(Unseal(cluster.node("source"), refusal.response).ok());
    CHECK(Create(cluster.ledger("source"), Transfers(1, 1)).ok());
  }
  SECTION("the root found after it is the one that was certified") {
    TakeSnapshot(cluster, "target");
    cluster.Restart("target");
    const auto comparison = Compare(cluster.node("target"), seal.response);
    REQUIRE(comparison.ok());
    CHECK(comparison.response.equal());
  }
}

TEST_CASE("a snapshot holds the certificates of a shard of very many currencies", "[snapshot]") {
  Cluster cluster;
  constexpr uint64_t kBatches = 17;  // Some 8 bytes of a certificate each, more than a chunk holds.
  for (uint64_t batch = 0; batch < kBatches; ++batch) {
    auto accounts = Accounts(1 + batch * kBatchEventsMax, kBatchEventsMax);
    for (auto& account : *accounts.mutable_accounts()) {
      account.set_ledger(static_cast<uint32_t>(UINT32_MAX - account.id().low()));
    }
    REQUIRE(Create(cluster.ledger("source"), accounts).response.results_size() == 0);
  }
  cluster.Await("source", HasAllHashed);
  const auto seal = Seal(cluster.node("source"), "run", "target");
  CHECK(seal.response.ByteSizeLong() > kSnapshotPayloadBytesMax);
  CHECK(TakeSnapshot(cluster, "source") == kBatches + 2);
  Sayings said;
  cluster.Stop("source");
  cluster.Start("source", [&](NodeOptions& options) { said.Listen(options); });
  CHECK_THAT(said.all(), Catch::Contains("loaded the snapshot"));
  const auto again = Seal(cluster.node("source"), "run", "target");
  CHECK(again.response.SerializeAsString() == seal.response.SerializeAsString());
}

TEST_CASE("an empty log has no snapshot", "[snapshot]") {
  Cluster cluster;
  const auto answer =
      Call(cluster.node("target"), &pb::Node::Stub::TakeSnapshot, pb::TakeSnapshotRequest());
  CHECK(answer.status.error_code() == grpc::StatusCode::FAILED_PRECONDITION);
}

}  // namespace
}  // namespace ledger
