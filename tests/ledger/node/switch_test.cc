// The shard moves from one node to the other and back.
#include <unistd.h>
#include <catch2/catch.hpp>

#include "base/clock.h"
#include "ledger/core/record.h"
#include "tests/ledger/node/cluster.h"

namespace ledger {
namespace {

// Two nodes with some state, the target following.
struct Pair {
  Cluster cluster;
  pb::Ledger::Stub& at_source = cluster.ledger("source");
  pb::Ledger::Stub& at_target = cluster.ledger("target");

  Pair() {
    cluster.Follow("target", "source");
    REQUIRE(Create(cluster.ledger("source"), Accounts(1, 10)).ok());
    REQUIRE(Create(cluster.ledger("source"), Transfers(1, 100)).ok());
  }
  pb::Signed SealForTarget(const std::string& run = "run-1") {
    const auto sealed = Seal(cluster.node("source"), run, "target");
    CAPTURE(sealed.status.error_message());
    REQUIRE(sealed.ok());
    return sealed.response;
  }
  void AwaitSealed(const pb::Signed& certificate) {
    pb::SealStatement statement;
    REQUIRE(statement.ParseFromString(certificate.payload()));
    cluster.AwaitPosition("target", statement.position());
  }
};

pb::SealStatement StatementOf(const pb::Signed& certificate) {
  pb::SealStatement statement;
  REQUIRE(statement.ParseFromString(certificate.payload()));
  return statement;
}

TEST_CASE("a replica gets every record and answers no client", "[node]") {
  Pair pair;
  pair.cluster.AwaitPosition("target", 3);
  const pb::NodeStatus source = pair.cluster.Status("source");
  const pb::NodeStatus target =
      pair.cluster.Await("target", [](const auto& status) { return status.lag().connected(); });
  CHECK(target.log_hash() == source.log_hash());
  CHECK(target.role() == pb::ROLE_REPLICA);
  CHECK(target.following() == "source");
  CHECK(target.lag().records() == 0);
  CHECK(target.lag().time().seconds() == 0);
  CHECK(target.transfers() == 100);
  CHECK(target.fault().empty());
  pb::LookupRequest ids;
  const auto read = Call(pair.at_target, &pb::Ledger::Stub::LookupAccounts, ids);
  CHECK(read.status.error_code() == grpc::FAILED_PRECONDITION);
  CHECK(read.not_owner().address() == "clients.of.source:1");
  const auto write = Create(pair.at_target, Transfers(500, 1));
  CHECK(write.status.error_code() == grpc::FAILED_PRECONDITION);
  CHECK(write.not_owner().owner() == "source");
}

TEST_CASE("a node says which program it is and with which configuration it runs", "[node]") {
  Cluster cluster;
  grpc::ClientContext context;
  pb::NodeDescription description;
  REQUIRE(cluster.node("target").Describe(&context, {}, &description).ok());
  CHECK(description.pid() == ::getpid());
  CHECK_FALSE(description.version().empty());
  CHECK(description.config().node_id() == "target");
  CHECK(description.config().members_size() == 2);
  CHECK(description.log_format() == kRecordFormatVersion);
  CHECK(description.snapshot_format() == 1);
}

TEST_CASE("the shard moves and the former owner follows", "[node]") {
  Pair pair;
  Cluster& cluster = pair.cluster;
  const pb::Signed certificate = pair.SealForTarget();
  CHECK(StatementOf(certificate).invariants().transfers() == 100);

  // A client that comes now is told where the shard went.
  const auto refused = Create(pair.at_source, Transfers(200, 1));
  CHECK(refused.status.error_code() == grpc::FAILED_PRECONDITION);
  CHECK(refused.not_owner().sealed());
  CHECK(refused.not_owner().owner() == "target");
  CHECK(refused.not_owner().address() == "clients.of.target:1");
  pb::LookupRequest ids;
  CHECK(Call(pair.at_source, &pb::Ledger::Stub::LookupAccounts, ids).ok());

  // The certificate comes to the target with the records.
  const pb::NodeStatus status =
      cluster.Await("target", [](const auto& target) { return target.certificates_size() == 1; });
  CHECK(status.position() == StatementOf(certificate).position());
  CHECK(status.certificates(0).SerializeAsString() == certificate.SerializeAsString());
  cluster.Restart("target");
  CHECK(cluster.Status("target").certificates_size() == 1);

  const auto comparison = Compare(cluster.node("target"), certificate);
  REQUIRE(comparison.ok());
  CHECK(comparison.response.equal());
  CHECK(comparison.response.difference().empty());
  CHECK(comparison.response.found().SerializeAsString() ==
        comparison.response.certified().SerializeAsString());

  const auto opened = Open(cluster.node("target"), certificate);
  CAPTURE(opened.status.error_message());
  REQUIRE(opened.ok());
  CHECK(opened.response.epoch() == 2);
  CHECK(opened.response.position() == StatementOf(certificate).position() + 1);
  auto write = Transfers(200, 3);
  write.set_epoch(2);
  REQUIRE(Create(cluster.ledger("target"), write).ok());
  CHECK(Open(cluster.node("target"), certificate).response.position() ==
        opened.response.position());
  const pb::NodeStatus primary = cluster.Status("target");
  CHECK(primary.role() == pb::ROLE_PRIMARY);
  CHECK(primary.following().empty());

  cluster.Follow("source", "target");
  cluster.AwaitPosition("source", primary.position());
  const pb::NodeStatus former = cluster.Status("source");
  CHECK(former.role() == pb::ROLE_REPLICA);
  CHECK(former.log_hash() == primary.log_hash());
  CHECK_FALSE(Create(pair.at_source, Transfers(300, 1)).not_owner().sealed());
  // The same order again gets the same certificate, also after a restart of a log that went on.
  CHECK(Seal(cluster.node("source"), "run-1", "target").response.SerializeAsString() ==
        certificate.SerializeAsString());
  cluster.Restart("source");
  CHECK(Seal(cluster.node("source"), "run-1", "target").response.SerializeAsString() ==
        certificate.SerializeAsString());
  CHECK(Seal(cluster.node("source"), "run-2", "target").status.error_code() ==
        grpc::FAILED_PRECONDITION);
}

TEST_CASE("after a switch the shard moves back the same way", "[node]") {
  Pair pair;
  Cluster& cluster = pair.cluster;
  const pb::Signed there = pair.SealForTarget();
  pair.AwaitSealed(there);
  REQUIRE(Open(cluster.node("target"), there).ok());
  cluster.Follow("source", "target");
  REQUIRE(Create(pair.at_target, Transfers(200, 10)).ok());
  const auto back = Seal(cluster.node("target"), "run-1", "source");
  REQUIRE(back.ok());
  cluster.AwaitPosition("source", StatementOf(back.response).position());
  const auto opened = Open(cluster.node("source"), back.response);
  CAPTURE(opened.status.error_message());
  REQUIRE(opened.ok());
  CHECK(opened.response.epoch() == 3);
  CHECK(Create(pair.at_source, Transfers(300, 10)).ok());
  CHECK(cluster.Status("source").transfers() == 120);
  // A late order of the way there does nothing.
  CHECK(Open(cluster.node("target"), there).response.epoch() == 2);
  CHECK(cluster.Status("target").role() == pb::ROLE_SEALED);
}

TEST_CASE("a shard of very many currencies moves too", "[node]") {
  Pair pair;
  for (uint64_t batch = 0; batch < 2; ++batch) {
    auto accounts = Accounts(1'000 + batch * kBatchEventsMax, kBatchEventsMax);
    for (auto& account : *accounts.mutable_accounts()) {
      account.set_ledger(static_cast<uint32_t>(UINT32_MAX - account.id().low()));
    }
    REQUIRE(Create(pair.at_source, accounts).response.results_size() == 0);
  }
  const pb::Signed seal = pair.SealForTarget();
  CHECK(seal.ByteSizeLong() > kOpenBodyBytesMax);
  pair.AwaitSealed(seal);
  CHECK(Open(pair.cluster.node("target"), seal).ok());
  CHECK(Create(pair.at_target, Transfers(101, 1)).ok());
}

TEST_CASE("what the target refused, the source unseals", "[node]") {
  Pair pair;
  Cluster& cluster = pair.cluster;
  const pb::Signed certificate = pair.SealForTarget();
  if (GENERATE(true, false)) pair.AwaitSealed(certificate);
  const auto refusal = Refuse(cluster.node("target"), certificate);
  CAPTURE(refusal.status.error_message());
  REQUIRE(refusal.ok());
  cluster.Restart("target");
  CHECK(Refuse(cluster.node("target"), certificate).response.SerializeAsString() ==
        refusal.response.SerializeAsString());
  CHECK(Open(cluster.node("target"), certificate).status.error_code() == grpc::FAILED_PRECONDITION);

  if (GENERATE(true, false)) cluster.Restart("source");
  const auto unsealed = Unseal(cluster.node("source"), refusal.response);
  CAPTURE(unsealed.status.error_message());
  REQUIRE(unsealed.ok());
  CHECK(unsealed.response.epoch() == 3);
  REQUIRE(Create(cluster.ledger("source"), Transfers(200, 1)).ok());
  CHECK(Unseal(cluster.node("source"), refusal.response).response.position() ==
        unsealed.response.position());
  // And the next try of the weekend goes well.
  cluster.AwaitPosition("target", unsealed.response.position() + 1);
  const pb::Signed next = pair.SealForTarget();
  CHECK(StatementOf(next).epoch() == 3);
  cluster.AwaitPosition("target", StatementOf(next).position());
  CHECK(Open(cluster.node("target"), next).response.epoch() == 4);
}

TEST_CASE("one order sealed the other way is refused by whom it does not name", "[node]") {
  Cluster cluster({"source", "target", "third"});
  for (const char* node : {"target", "third"}) cluster.Follow(node, "source");
  REQUIRE(Create(cluster.ledger("source"), Accounts(1, 2)).ok());
  const auto sealed = Seal(cluster.node("source"), "run", "target");
  REQUIRE(sealed.ok());
  for (const char* node : {"target", "third"}) {
    cluster.AwaitPosition(node, StatementOf(sealed.response).position());
  }
  CHECK(Open(cluster.node("third"), sealed.response).status.error_code() ==
        grpc::FAILED_PRECONDITION);
  CHECK(Refuse(cluster.node("third"), sealed.response).status.error_code() ==
        grpc::FAILED_PRECONDITION);
  pb::Signed forged = sealed.response;
  forged.mutable_payload()->back() ^= 1;
  CHECK(Open(cluster.node("target"), forged).status.error_code() == grpc::UNAUTHENTICATED);
  CHECK(Seal(cluster.node("source"), "run", "third").status.error_code() ==
        grpc::FAILED_PRECONDITION);
  CHECK(Seal(cluster.node("source"), "", "target").status.error_code() == grpc::INVALID_ARGUMENT);
  CHECK(Open(cluster.node("target"), sealed.response).ok());
}

TEST_CASE("a target whose state differs says where and does not open", "[node]") {
  Pair pair;
  Cluster& cluster = pair.cluster;
  const pb::Signed certificate = pair.SealForTarget();
  pair.AwaitSealed(certificate);
  pb::FlipStateBitRequest flip;
  flip.set_noticed(true);
  const auto flipped = Call(cluster.faults("target"), &pb::Faults::Stub::FlipStateBit, flip);
  REQUIRE(flipped.ok());
  CHECK_FALSE(flipped.response.account_id().empty());
  const auto comparison = Compare(cluster.node("target"), certificate);
  REQUIRE(comparison.ok());
  CHECK_FALSE(comparison.response.equal());
  CHECK_FALSE(comparison.response.difference().empty());
  const auto opened = Open(cluster.node("target"), certificate);
  CAPTURE(opened.status.error_message());
  CHECK(opened.status.error_code() == grpc::DATA_LOSS);
  CHECK(opened.status.error_message().find("certified") != std::string::npos);
  CHECK(cluster.Status("target").role() == pb::ROLE_REPLICA);
  // The way back is open, and a restart mends the memory.
  const auto refusal = Refuse(cluster.node("target"), certificate);
  REQUIRE(refusal.ok());
  CHECK(Unseal(cluster.node("source"), refusal.response).ok());
  cluster.Restart("target");
  const pb::Signed next = pair.SealForTarget();
  cluster.AwaitPosition("target", StatementOf(next).position());
  CHECK(Open(cluster.node("target"), next).ok());
}

TEST_CASE("comparing too early, and with another shard's certificate, is refused", "[node]") {
  Pair pair;
  pair.cluster.AwaitPosition("target", 3);
  pair.cluster.Follow("target", "");
  const pb::Signed certificate = pair.SealForTarget();
  const auto early = Compare(pair.cluster.node("target"), certificate);
  CHECK(early.status.error_code() == grpc::FAILED_PRECONDITION);
  CHECK_THAT(early.status.error_message(), Catch::Contains("wait"));
  pb::Signed other = certificate;
  other.set_signer("target");
  CHECK(Compare(pair.cluster.node("target"), other).status.error_code() == grpc::UNAUTHENTICATED);
}

TEST_CASE("times go on growing on a target whose clock is behind", "[node]") {
  Cluster cluster;
  const base::ManualClock slow(absl::UnixEpoch() + absl::Hours(1));
  cluster.Stop("target");
  cluster.Start("target", [&](NodeOptions& options) { options.clock = &slow; });
  cluster.Follow("target", "source");
  const auto accounts = Create(cluster.ledger("source"), Accounts(1, 2));
  const auto sealed = Seal(cluster.node("source"), "run", "target");
  REQUIRE(sealed.ok());
  cluster.AwaitPosition("target", StatementOf(sealed.response).position());
  REQUIRE(Open(cluster.node("target"), sealed.response).ok());
  const auto transfers = Create(cluster.ledger("target"), Transfers(1, 4));
  REQUIRE(transfers.ok());
  CHECK(transfers.response.commits(0).timestamp_ns() ==
        StatementOf(sealed.response).timestamp_ns() + 1 + 4);
}

}  // namespace
}  // namespace ledger
