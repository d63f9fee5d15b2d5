// A new replica that copies snapshot and history instead of reading the whole log.
#include <catch2/catch.hpp>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "base/file_system.h"
#include "hamisha/ledger/v1/copy.grpc.pb.h"
#include "rpc/rpc.h"
#include "tests/ledger/node/cluster.h"
#include "tests/ledger/node/relay_thread.h"

namespace ledger {
namespace {

constexpr int kBatch = 8'190;

void Copies(NodeOptions& options) { options.config.set_copy_log_bytes(1); }

void Fill(Cluster& cluster, int batches, uint64_t first_id = 1) {
  for (int batch = 0; batch < batches; ++batch) {
    const uint64_t first = first_id + static_cast<uint64_t>(batch) * kBatch;
    REQUIRE(Create(cluster.ledger("source"), Transfers(first, kBatch)).ok());
  }
}

// The source with so many batches of accounts and of transfers, and an empty target that copies.
void Prepare(Cluster& cluster, int batches,
             const std::function<void(NodeOptions&)>& change = Copies) {
  for (int batch = 0; batch < batches; ++batch) {
    const uint64_t first = 1 + static_cast<uint64_t>(batch) * kBatch;
    REQUIRE(Create(cluster.ledger("source"), Accounts(first, kBatch)).ok());
  }
  Fill(cluster, batches);
  cluster.Stop("target");
  cluster.Start("target", change);
}

std::unique_ptr<pb::Copies::Stub> CopiesOf(const Cluster& cluster, const std::string& node) {
  return pb::Copies::NewStub(rpc::Connect(cluster.Address(node)));
}

void SetLimits(const Cluster& cluster, const pb::CopyLimits& limits) {
  const auto set = Call(*CopiesOf(cluster, "source"), &pb::Copies::Stub::SetCopyLimits, limits);
  CAPTURE(set.status.error_message());
  REQUIRE(set.ok());
}

// Nothing is sent, all day.
pb::CopyLimits Nothing() {
  pb::CopyLimits limits;
  limits.add_quiet_hours()->set_to_minute(12 * 60);
  limits.add_quiet_hours()->set_from_minute(12 * 60);
  return limits;
}

pb::CopyLimits Rate(uint64_t bytes_per_s) {
  pb::CopyLimits limits;
  limits.set_max_bytes_per_s(bytes_per_s);
  return limits;
}

void AwaitEqual(Cluster& cluster) {
  const pb::NodeStatus source = cluster.Status("source");
  const pb::NodeStatus target = cluster.AwaitCopied("target", source.position());
  CHECK(target.log_hash() == source.log_hash());
  CHECK(target.accounts() == source.accounts());
  CHECK(target.transfers() == source.transfers());
  CHECK_FALSE(target.has_copy());
}

bool HasCopied(const Cluster& cluster) {
  return base::SystemFileSystem().Exists(cluster.DataDir("target") + "/copied");
}

bool KeepsCopies(const Cluster& cluster) {
  return !std::filesystem::is_empty(cluster.DataDir("source") + "/copies");
}

TEST_CASE("what was copied, and the records behind it, are what the source has", "[copy]") {
  Cluster cluster;
  Prepare(cluster, 20);
  cluster.Follow("target", "source");
  Fill(cluster, 5, 1'000'000);
  AwaitEqual(cluster);
  CHECK(HasCopied(cluster));

  cluster.Await("source", HasAllHashed);
  const auto seal = Seal(cluster.node("source"), "run", "target");
  REQUIRE(seal.ok());
  cluster.AwaitCopied("target", cluster.Status("source").position());
  const auto comparison = Compare(cluster.node("target"), seal.response);
  REQUIRE(comparison.ok());
  CHECK(comparison.response.difference().empty());
  REQUIRE(Open(cluster.node("target"), seal.response).ok());

  // All history came along: ids are known, and found.
  const auto repeated = Create(cluster.ledger("target"), Transfers(7, 1));
  REQUIRE(repeated.response.results_size() == 1);
  CHECK(repeated.response.results(0).code() == 46);
  pb::LookupRequest lookup;
  for (const uint64_t id : {uint64_t{1}, uint64_t{20} * kBatch, uint64_t{1'000'000}}) {
    pb::Id& wanted = *lookup.add_ids();
    wanted.set_high(7);
    wanted.set_low(id);
  }
  const auto found = Call(cluster.ledger("target"), &pb::Ledger::Stub::LookupTransfers, lookup);
  CHECK(found.response.transfers_size() == 3);
  CHECK(Create(cluster.ledger("target"), Transfers(9'000'000, 10)).ok());
}

TEST_CASE("a copied node starts again from what it copied", "[copy]") {
  Cluster cluster;
  Prepare(cluster, 10);
  cluster.Follow("target", "source");
  AwaitEqual(cluster);
  cluster.Restart("target");
  Fill(cluster, 2, 1'000'000);
  AwaitEqual(cluster);
  CHECK_FALSE(base::SystemFileSystem().Exists(cluster.DataDir("target") + "/incoming"));
}

TEST_CASE("a log that is short is read", "[copy]") {
  Cluster cluster;
  Prepare(cluster, 2, [](NodeOptions&) {});
  cluster.Follow("target", "source");
  AwaitEqual(cluster);
  CHECK_FALSE(HasCopied(cluster));
}

TEST_CASE("the source keeps nothing of a copy whose follower has caught up", "[copy]") {
  Cluster cluster;
  Prepare(cluster, 5);
  cluster.Follow("target", "source");
  AwaitEqual(cluster);
  // Its stream tells it so, in the next beat at the latest.
  for (int tries = 0; tries < 50'000 && KeepsCopies(cluster); ++tries) cluster.Status("source");
  CHECK_FALSE(KeepsCopies(cluster));
}

TEST_CASE("limits hold on a copy that goes on, and after a restart", "[copy]") {
  Cluster cluster;
  Prepare(cluster, 10);
  SetLimits(cluster, Nothing());
  cluster.Follow("target", "source");
  const auto stands = [](const pb::NodeStatus& status) { return status.copy().bytes_total() > 0; };
  CHECK(cluster.Await("target", stands).copy().bytes_done() == 0);
  const pb::NodeStatus status = cluster.Status("target");
  CHECK(status.lag().connected());
  CHECK(status.lag().records() == cluster.Status("source").position());
  CHECK(status.copy().accounts_total() == 10 * kBatch);
  CHECK(status.copy().position() > 0);

  cluster.Restart("source");
  const auto limits = Call(*CopiesOf(cluster, "source"), &pb::Copies::Stub::GetCopyLimits,
                           pb::GetCopyLimitsRequest());
  CHECK(limits.response.quiet_hours_size() == 2);
  CHECK(cluster.Await("target", stands).copy().bytes_done() == 0);

  SetLimits(cluster, Rate(0));
  AwaitEqual(cluster);
}

TEST_CASE("limits that mean nothing are refused and change nothing", "[copy]") {
  Cluster cluster({"source"});
  pb::CopyLimits limits;
  limits.set_max_commit_latency_ratio(0.1);
  const auto set = Call(*CopiesOf(cluster, "source"), &pb::Copies::Stub::SetCopyLimits, limits);
  CHECK(set.status.error_code() == grpc::INVALID_ARGUMENT);
  CHECK(Call(*CopiesOf(cluster, "source"), &pb::Copies::Stub::GetCopyLimits,
             pb::GetCopyLimitsRequest())
            .response.max_commit_latency_ratio() == 1.25);
}

TEST_CASE("a copy goes on after a restart of either end", "[copy]") {
  Cluster cluster;
  Prepare(cluster, 30);
  SetLimits(cluster, Rate(20'000'000));
  cluster.Follow("target", "source");
  uint64_t done = 0;
  int restarts = 0;
  std::string copy_id;
  while (restarts < 6 && !HasCopied(cluster)) {
    const auto answer =
        Call(cluster.node("target"), &pb::Node::Stub::GetStatus, pb::GetStatusRequest());
    if (!answer.ok() || answer.response.copy().bytes_done() < done + (2 << 20)) continue;
    done = answer.response.copy().bytes_done();
    if (copy_id.empty()) copy_id = answer.response.copy().copy_id();
    CHECK(answer.response.copy().copy_id() == copy_id);
    if (restarts % 2 == 0) {
      cluster.Stop("target");
      cluster.Start("target", Copies);
      done = cluster.Await("target", [](const auto& now) { return now.copy().bytes_total() > 0; })
                 .copy()
                 .bytes_done();
      CHECK(done > 0);
    } else {
      cluster.Restart("source");
    }
    ++restarts;
  }
  CHECK(restarts >= 3);
  Fill(cluster, 1, 2'000'000);
  SetLimits(cluster, Rate(0));
  AwaitEqual(cluster);
}

TEST_CASE("a copy over a link that is cut again and again loses nothing of what is under way",
          "[copy]") {
  Cluster cluster;
  RelayThread relay({.round_trip = absl::Milliseconds(20), .bandwidth_bytes_per_s = 20'000'000});
  const std::string across = relay.Listen(cluster.Address("source"));
  Prepare(cluster, 30, [&](NodeOptions& options) {
    Copies(options);
    for (pb::Member& member : *options.config.mutable_members()) {
      if (member.node_id() == "source") member.set_address(across);
    }
  });
  cluster.Follow("target", "source");
  int cuts = 0;
  uint64_t done = 0;
  uint64_t again = 0;
  while (!HasCopied(cluster)) {
    const auto answer =
        Call(cluster.node("target"), &pb::Node::Stub::GetStatus, pb::GetStatusRequest());
    if (!answer.ok()) continue;
    const pb::CopyProgress& copy = answer.response.copy();
    again = std::max(again, copy.bytes_sent_again());
    if (cuts == 10 || copy.bytes_done() < done + (1 << 20)) continue;
    done = copy.bytes_done();
    relay.Cut();
    // Clients are served while it is cut.
    REQUIRE(Create(cluster.ledger("source"),
                   Transfers(3'000'000 + 10 * static_cast<uint64_t>(cuts), 10))
                .ok());
    relay.Heal();
    ++cuts;
  }
  CHECK(cuts == 10);
  CHECK(again == 0);
  AwaitEqual(cluster);
}

TEST_CASE("a source that went away mid-way is waited for", "[copy]") {
  Cluster cluster;
  Prepare(cluster, 10);
  SetLimits(cluster, Nothing());
  cluster.Follow("target", "source");
  cluster.Await("target", [](const auto& status) { return status.copy().bytes_total() > 0; });
  cluster.Stop("source");
  const pb::NodeStatus alone = cluster.Await("target", [](const pb::NodeStatus& status) {
    return !status.copy().trouble().empty() && !status.lag().connected();
  });
  CHECK(alone.fault().empty());
  cluster.Start("source");
  SetLimits(cluster, Rate(0));
  AwaitEqual(cluster);
}

TEST_CASE("a node that is told to follow nobody stops copying", "[copy]") {
  Cluster cluster;
  Prepare(cluster, 10);
  SetLimits(cluster, Nothing());
  cluster.Follow("target", "source");
  cluster.Await("target", [](const auto& status) { return status.copy().bytes_total() > 0; });
  cluster.Follow("target", "");
  CHECK_FALSE(cluster.Status("target").has_copy());
  SetLimits(cluster, Rate(0));
  cluster.Follow("target", "source");
  AwaitEqual(cluster);
}

TEST_CASE("a node with more streams than a source serves does not start", "[copy]") {
  Cluster cluster;
  cluster.Stop("target");
  const auto with = [](uint32_t streams) {
    return [streams](NodeOptions& options) { options.config.set_copy_streams(streams); };
  };
  const absl::Status refused = cluster.TryStart("target", with(17));
  CHECK(absl::IsInvalidArgument(refused));
  CHECK_THAT(std::string(refused.message()), Catch::Contains("copy_streams 17: at most 16"));
  CHECK(cluster.TryStart("target", with(16)).ok());
}

TEST_CASE("an empty replica's lag has no time", "[copy]") {
  Cluster cluster;
  Prepare(cluster, 1);
  SetLimits(cluster, Nothing());
  cluster.Follow("target", "source");
  const pb::NodeStatus status =
      cluster.Await("target", [](const pb::NodeStatus& now) { return now.lag().records() > 0; });
  CHECK_FALSE(status.lag().has_time());
}

TEST_CASE("commits have a latency that is said", "[copy]") {
  Cluster cluster({"source"});
  REQUIRE(Create(cluster.ledger("source"), Accounts(1, 2)).ok());
  const pb::NodeStatus status = cluster.Status("source");
  CHECK(status.commit_p99().nanos() + status.commit_p99().seconds() > 0);
}

}  // namespace
}  // namespace ledger
