// Goal: kill -9 of a ledger node under full load, again and again, loses nothing that was
// acknowledged, makes nothing happen twice, and leaves a log that alone gives the node's state.
// Method: clients of all kinds remember what they were told. The moments are drawn from a seed and
// counted in acknowledged batches, plus a spin. HAMISHA_KILLS says how many, HAMISHA_KILL_SEED
// which.
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "base/file_system.h"
#include "base/hash.h"
#include "base/signing.h"
#include "hamisha/ledger/v1/node.grpc.pb.h"
#include "rpc/rpc.h"
#include "tests/integration/ledger_load.h"
#include "tests/integration/program.h"
#include "tests/temporary_folder.h"

namespace load {
namespace {

constexpr uint32_t kClients = 6;
constexpr uint64_t kKillsByDefault = 10;
constexpr uint64_t kBatchesMax = 80;  // Acknowledged between two kills, and a few more.

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets it.
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

// A moment of time that depends on the seed and the machine and on no timer.
void Spin(uint64_t turns) {
  std::atomic<uint64_t> sink = turns;
  for (uint64_t i = 0; i < turns; ++i) sink.store(lab::Mix(i), std::memory_order_relaxed);
}

// Runs `work` with each client on a thread of its own.
void OnThreads(std::vector<Client>& clients, const std::function<void(Client&)>& work) {
  std::vector<std::thread> threads;
  threads.reserve(clients.size());
  for (Client& client : clients) threads.emplace_back([&] { work(client); });
  for (std::thread& thread : threads) thread.join();
}

// What clients and killer tell each other while the load is on.
class Progress {
 public:
  void Answered() {
    const absl::MutexLock lock(&mutex_);
    ++answered_;
  }
  void ClientEnded() {
    const absl::MutexLock lock(&mutex_);
    ++ended_;
  }
  // Or until no client is left that could be answered.
  void AwaitAnswered(uint64_t count) {
    const auto reached = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return answered_ >= count || ended_ == kClients;
    };
    const absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&reached));
  }

 private:
  absl::Mutex mutex_;
  uint64_t answered_ ABSL_GUARDED_BY(mutex_) = 0;
  uint32_t ended_ ABSL_GUARDED_BY(mutex_) = 0;
};

// One node, its folder, and the clients that rely on it.
class Storm {
 public:
  explicit Storm(uint64_t seed) : random_(seed, kClients), node_(folder_.path() + "/said") {
    for (uint32_t i = 0; i < kClients; ++i) clients_.emplace_back(seed, i, kClients);
    node_.Start({"hamisha-ledger", "init", "--data", data_dir()});
    const std::string key = node_.AwaitLine("");
    REQUIRE(node_.Wait() == 0);
    const std::string config = absl::StrFormat(
        R"({"shard": %d, "node_id": "source", "data_dir": "%s", "first_owner": "source",
            "snapshot_log_bytes": %d,
            "members": [{"node_id": "source", "public_key": "%s"},
                        {"node_id": "target", "public_key": "%s"}]})",
        kShard, data_dir(), 2 << 20, key, base::ToHex(base::SigningKey::Generate().public_key()));
    REQUIRE(base::SystemFileSystem().Replace(config_path(), config).ok());
    node_.Start({"hamisha-ledger", "bootstrap", "--config", config_path()});
    const int code = node_.Wait();
    INFO(node_.output());
    REQUIRE(code == 0);
  }

  // Starts the node, has the clients check it and then write, and kills it in the middle.
  void StartAndKill() {
    node_.Start({"hamisha-ledger", "serve", "--config", config_path()});
    if (random_.Below(6) == 0) {
      Spin(random_.Below(50'000'000));
      node_.Kill();
      ++killed_starting_;
      return;
    }
    AwaitListening();
    CheckAll();
    LoadUntilKilled();
  }

  // Starts the node once more, ends its log by a Seal and gives what the node certifies.
  pb::SealStatement Seal() {
    node_.Start({"hamisha-ledger", "serve", "--config", config_path()});
    AwaitListening();
    CheckAll();
    OnThreads(clients_, [this](Client& client) { client.Finish(*ledger_); });
    CheckAll();
    pb::SealRequest request;
    request.set_run("the end");
    request.set_successor("target");
    grpc::ClientContext context;
    pb::Signed certificate;
    const grpc::Status sealed = stub_->Seal(&context, request, &certificate);
    INFO(sealed.error_message());
    REQUIRE(sealed.ok());
    pb::SealStatement statement;
    REQUIRE(statement.ParseFromString(certificate.payload()));
    node_.Terminate();
    REQUIRE(node_.Wait() == 0);
    return statement;
  }

  nlohmann::json Replay() {
    node_.Start(
        {"hamisha-ledger", "replay", "--data-dir", data_dir(), "--shard", absl::StrCat(kShard)});
    nlohmann::json replayed =
        nlohmann::json::parse(absl::StrCat("{", node_.AwaitLine("{")), nullptr, false);
    REQUIRE(node_.Wait() == 0);
    return replayed;
  }

  Counts counts() const {
    Counts sum;
    for (const Client& client : clients_) sum += client.counts();
    return sum;
  }
  uint64_t starts_from_snapshots() const { return starts_from_snapshots_; }
  uint64_t snapshots_taken() const { return snapshots_taken_; }
  uint64_t snapshots_cut() const { return snapshots_cut_; }
  uint64_t killed_starting() const { return killed_starting_; }
  uint64_t torn_tails() const { return torn_tails_; }

 private:
  std::string data_dir() const { return folder_.path() + "/node"; }
  std::string config_path() const { return folder_.path() + "/node.json"; }

  void AwaitListening() {
    const std::string address = node_.AwaitLine("listening on ");
    if (absl::StrContains(node_.output(), "loaded the snapshot")) ++starts_from_snapshots_;
    if (absl::StrContains(node_.output(), "dropped a torn tail")) ++torn_tails_;
    const auto channel = rpc::Connect(address);
    ledger_ = pb::Ledger::NewStub(channel);
    stub_ = pb::Node::NewStub(channel);
  }

  void CheckAll() {
    OnThreads(clients_, [this](Client& client) { client.Check(*ledger_); });
    Report();
  }

  void LoadUntilKilled() {
    const uint64_t batches = 1 + random_.Below(kBatchesMax);
    const uint64_t spin = random_.Below(2'000'000);
    // The second time it is waited for, so that there is one to start from.
    const bool awaited = ++loads_ == 2 || random_.Below(8) == 0;
    const bool racing = random_.Below(2) == 0;
    const uint64_t snapshot_after = random_.Below(batches);
    Progress progress;
    std::thread load([&] {
      OnThreads(clients_, [&](Client& client) {
        client.Run(*ledger_, [&] { progress.Answered(); });
        progress.ClientEnded();
      });
    });
    std::thread snapshot([&] {
      if (awaited || racing) TakeSnapshot(progress, snapshot_after);
    });
    if (awaited) snapshot.join();
    progress.AwaitAnswered(batches);
    Spin(spin);
    node_.Kill();
    load.join();
    if (!awaited) snapshot.join();
    Report();
  }

  // The kill may come before it, in the middle or behind it, unless it is awaited.
  void TakeSnapshot(Progress& progress, uint64_t after) {
    progress.AwaitAnswered(after);
    grpc::ClientContext context;
    pb::TakeSnapshotResponse response;
    const grpc::Status taken = stub_->TakeSnapshot(&context, {}, &response);
    ++(taken.ok() ? snapshots_taken_ : snapshots_cut_);
  }

  void Report() {
    for (const Client& client : clients_) {
      for (const std::string& complaint : client.complaints()) UNSCOPED_INFO(complaint);
    }
    UNSCOPED_INFO("the node said:\n" << node_.output());
    for (const Client& client : clients_) REQUIRE(client.complaints().empty());
  }

  const TemporaryFolder folder_;
  lab::Random random_;
  Program node_;
  std::unique_ptr<pb::Ledger::Stub> ledger_;
  std::unique_ptr<pb::Node::Stub> stub_;
  std::vector<Client> clients_;
  uint64_t starts_from_snapshots_ = 0;
  uint64_t loads_ = 0;
  uint64_t snapshots_taken_ = 0;
  uint64_t snapshots_cut_ = 0;  // Or refused while the node took one of its own.
  uint64_t killed_starting_ = 0;
  uint64_t torn_tails_ = 0;
};

TEST_CASE("a node that is killed again and again loses nothing, and its log says it all",
          "[kill]") {
  const uint64_t kills = FromEnvironment("HAMISHA_KILLS", kKillsByDefault);
  const uint64_t seed = FromEnvironment("HAMISHA_KILL_SEED", std::random_device()());
  std::cout << "HAMISHA_KILL_SEED=" << seed << std::endl;
  Storm storm(seed);
  for (uint64_t i = 0; i < kills; ++i) {
    CAPTURE(seed, i);
    storm.StartAndKill();
  }
  const pb::SealStatement certified = storm.Seal();
  const nlohmann::json replayed = storm.Replay();
  CAPTURE(replayed.dump());
  CHECK(replayed["position"] == certified.position());
  CHECK(replayed["log_hash"] == base::ToHex(certified.log_hash()));
  CHECK(replayed["state_root"] == base::ToHex(certified.state_root()));
  CHECK(replayed["accounts"] == certified.invariants().accounts());
  CHECK(replayed["transfers"] == certified.invariants().transfers());

  const Counts counts = storm.counts();
  CHECK(replayed["accounts"] == counts.accounts);
  CHECK(replayed["transfers"] == counts.transfers);
  if (storm.snapshots_taken() > 0) CHECK(storm.starts_from_snapshots() > 0);
  std::cout << kills << " kills, " << storm.killed_starting() << " of them while it started; "
            << storm.starts_from_snapshots() << " starts from a snapshot, " << storm.torn_tails()
            << " torn tails; " << storm.snapshots_taken() << " snapshots asked for and taken, "
            << storm.snapshots_cut() << " not; acknowledged: " << counts.batches << " batches, "
            << counts.accounts << " accounts, " << counts.transfers << " transfers, "
            << counts.refused << " refused, " << counts.repeats << " repeats; " << counts.resent
            << " batches resent, of which " << counts.happened
            << " had happened; replayed: " << replayed.dump() << std::endl;
}

}  // namespace
}  // namespace load
