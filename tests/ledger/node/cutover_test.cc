// What both sides of a cutover certify of the sealed position.
#include <catch2/catch.hpp>

#include <map>
#include <string>
#include <utility>

#include "tests/ledger/node/cluster.h"
#include "tests/ledger/node/pair.h"
#include "tests/ledger/node/shard_bench.h"

namespace ledger {
namespace {

Answer<pb::Signed> Certify(Cluster& cluster, const std::string& node, const pb::Signed& seal) {
  return Call(cluster.verification(node), &pb::Verification::Stub::CertifyCutover, seal);
}

TEST_CASE("both sides of a cutover certify the same statement, the challenge in it", "[cutover]") {
  Pair pair;
  const pb::VerifyAgainstResponse verified = pair.Verified();
  REQUIRE(verified.equal());
  pb::CreateTransfersRequest pending = Transfers(500, 1, 30);
  pending.mutable_transfers(0)->set_flags(pb::TRANSFER_FLAG_PENDING);
  pending.mutable_transfers(0)->set_timeout_s(3'600);
  REQUIRE(Create(pair.cluster.ledger("source"), pending).ok());
  const auto sealed = Seal(pair.cluster.node("source"), "run", "target");
  REQUIRE(sealed.ok());
  pair.AwaitEqual();
  CHECK(Certify(pair.cluster, "target", sealed.response).status.error_code() ==
        grpc::FAILED_PRECONDITION);
  REQUIRE(Call(pair.cluster.node("target"), &pb::Node::Stub::Compare, sealed.response)
              .response.equal());
  REQUIRE(Open(pair.cluster.node("target"), sealed.response).ok());
  REQUIRE(Create(pair.cluster.ledger("target"), Transfers(600, 10)).ok());
  // The state has gone on since, and it may still be certified.
  const auto source = Certify(pair.cluster, "source", sealed.response);
  const auto target = Certify(pair.cluster, "target", sealed.response);
  REQUIRE(source.ok());
  REQUIRE(target.ok());
  CHECK(source.response.payload() == target.response.payload());
  CHECK(source.response.signer() == "source");
  CHECK(target.response.signer() == "target");
  pb::CutoverStatement statement;
  REQUIRE(statement.ParseFromString(source.response.payload()));
  CHECK(statement.challenge().position() == verified.here().position());
  CHECK(statement.challenge().digest() == verified.here().digest());
  CHECK(statement.in_flight().pendings() == 1);
  REQUIRE(statement.in_flight().sums_size() == 1);
  CHECK(statement.in_flight().sums(0).amount() == 30);
  CHECK(statement.in_flight().next_expiry_ns() > statement.timestamp_ns());
  REQUIRE(statement.in_flight().oldest_size() == 1);
  CHECK(statement.in_flight().oldest(0).id().low() == 500);
  CHECK(statement.in_flight().oldest(0).amount() == 30);
  CHECK(statement.in_flight().oldest(0).left().seconds() < 3'600);
}

void TakeSnapshot(Cluster& cluster, const std::string& node) {
  REQUIRE(Call(cluster.node(node), &pb::Node::Stub::TakeSnapshot, pb::TakeSnapshotRequest()).ok());
}

// What both certify, or one says why not.
pb::CutoverStatement CertifiedByBoth(Cluster& cluster, const pb::Signed& seal) {
  const auto source = Certify(cluster, "source", seal);
  const auto target = Certify(cluster, "target", seal);
  CAPTURE(source.status.error_message(), target.status.error_message());
  REQUIRE(source.ok());
  REQUIRE(target.ok());
  CHECK(source.response.payload() == target.response.payload());
  pb::CutoverStatement statement;
  REQUIRE(statement.ParseFromString(source.response.payload()));
  return statement;
}

TEST_CASE("both sides certify after they started again from snapshots behind the switch",
          "[cutover]") {
  Pair pair;
  const pb::VerifyAgainstResponse verified = pair.Verified();
  const auto sealed = Seal(pair.cluster.node("source"), "run", "target");
  REQUIRE(sealed.ok());
  pair.AwaitEqual();
  REQUIRE(Open(pair.cluster.node("target"), sealed.response).ok());
  pair.cluster.Follow("source", "target");
  pair.cluster.AwaitPosition("source", pair.cluster.Status("target").position());
  for (const char* node : {"source", "target"}) {
    TakeSnapshot(pair.cluster, node);
    pair.cluster.Restart(node);
  }
  const pb::CutoverStatement statement = CertifiedByBoth(pair.cluster, sealed.response);
  CHECK(statement.challenge().digest() == verified.here().digest());
}

TEST_CASE("the owner certifies though it started again while nobody could write", "[cutover]") {
  Pair pair;
  const pb::VerifyAgainstResponse verified = pair.Verified();
  const auto sealed = Seal(pair.cluster.node("source"), "run", "target");
  REQUIRE(sealed.ok());
  pair.AwaitEqual();
  pair.cluster.Restart("source");
  REQUIRE(Open(pair.cluster.node("target"), sealed.response).ok());
  const pb::CutoverStatement statement = CertifiedByBoth(pair.cluster, sealed.response);
  CHECK(statement.challenge().digest() == verified.here().digest());
}

TEST_CASE("the challenge that is certified is known from the log, through snapshots too",
          "[cutover]") {
  Pair pair;
  const pb::VerifyAgainstResponse verified = pair.Verified();
  for (const char* node : {"source", "target"}) {
    TakeSnapshot(pair.cluster, node);
    pair.cluster.Restart(node);
  }
  const auto sealed = Seal(pair.cluster.node("source"), "run", "target");
  REQUIRE(sealed.ok());
  pair.AwaitEqual();
  REQUIRE(Open(pair.cluster.node("target"), sealed.response).ok());
  const pb::CutoverStatement statement = CertifiedByBoth(pair.cluster, sealed.response);
  CHECK(statement.challenge().position() == verified.here().position());
  CHECK(statement.challenge().digest() == verified.here().digest());
}

TEST_CASE("a node that must not open certifies nothing", "[cutover]") {
  Pair pair;
  REQUIRE(Call(pair.cluster.faults("target"), &pb::Faults::Stub::FlipStateBit,
               pb::FlipStateBitRequest())
              .ok());
  CHECK_FALSE(pair.Verified().equal());
  const auto sealed = Seal(pair.cluster.node("source"), "run", "target");
  REQUIRE(sealed.ok());
  pair.AwaitEqual();
  CHECK_FALSE(Compare(pair.cluster.node("target"), sealed.response).response.equal());
  const auto certified = Certify(pair.cluster, "target", sealed.response);
  CHECK(certified.status.error_code() == grpc::DATA_LOSS);
  CHECK_THAT(certified.status.error_message(), Catch::Contains("credits_posted"));
  // Nor after a start that reads its state back: it has not compared that.
  pair.cluster.Restart("target");
  CHECK(Certify(pair.cluster, "target", sealed.response).status.error_code() ==
        grpc::FAILED_PRECONDITION);
}

// The owner's shard with a challenge in its log, sealed before it was hashed.
struct SealedBefore {
  ShardBench bench;
  Shard& shard = *bench.shard;
  pb::CutoverChallenge challenge;
  pb::Signed seal;

  explicit SealedBefore(bool is_begun) {
    if (is_begun) {
      shard.SetOnChallenge([this](ChallengedState state) { shard.Thaw(std::move(state.image)); });
    }
    base::Hash256 nonce{};
    nonce[0] = 1;
    challenge.set_nonce(std::string(base::AsBytes(nonce)));
    challenge.set_digest("d");
    shard.StartChallenge(nonce, false, [this](const absl::StatusOr<uint64_t>& position) {
      challenge.set_position(position.value());
    });
    bench.Sync();
    pb::SealRequest request;
    request.set_run("run");
    request.set_successor("target");
    shard.Seal(request,
               [this](const absl::StatusOr<pb::Signed>& sealed) { seal = sealed.value(); });
    bench.Sync();
  }
  absl::StatusOr<pb::CutoverStatement> Certified() const {
    const auto certified = shard.CertifyCutover(seal);
    if (!certified.ok()) return certified.status();
    pb::CutoverStatement statement;
    REQUIRE(statement.ParseFromString(certified->payload()));
    return statement;
  }
};

TEST_CASE("a cutover is certified once the challenge before its seal is hashed", "[cutover]") {
  SealedBefore sealed(true);
  CHECK(absl::IsUnavailable(sealed.Certified().status()));
  sealed.shard.ChallengeDone(sealed.challenge);
  const auto statement = sealed.Certified();
  REQUIRE(statement.ok());
  CHECK(statement->challenge().position() == sealed.challenge.position());
  CHECK(statement->challenge().nonce() == sealed.challenge.nonce());
  CHECK(statement->challenge().digest() == "d");
}

TEST_CASE("a cutover whose challenge is not going to be hashed here is not certified",
          "[cutover]") {
  const SealedBefore sealed(false);
  const absl::Status status = sealed.Certified().status();
  CHECK(absl::IsFailedPrecondition(status));
  CHECK_THAT(std::string(status.message()), Catch::Contains("has not hashed the challenge"));
}

TEST_CASE("what is in flight is listed with the time that it has left", "[cutover]") {
  Pair pair;
  pb::CreateTransfersRequest pending = Transfers(500, 3, 30);
  for (pb::Transfer& transfer : *pending.mutable_transfers()) {
    transfer.set_flags(pb::TRANSFER_FLAG_PENDING);
  }
  pending.mutable_transfers(0)->set_timeout_s(100);
  REQUIRE(Create(pair.cluster.ledger("source"), pending).ok());
  pb::ListInFlightRequest request;
  request.set_limit(2);
  std::map<uint64_t, pb::InFlightPending> listed;
  for (const int expected : {2, 1, 0}) {
    const auto page =
        Call(pair.cluster.verification("source"), &pb::Verification::Stub::ListInFlight, request);
    REQUIRE(page.response.pendings_size() == expected);
    for (const pb::InFlightPending& one : page.response.pendings()) {
      listed[one.id().low()] = one;
      request.set_after_timestamp_ns(one.timestamp_ns());
    }
  }
  request.Clear();  // As many as there may be.
  CHECK(Call(pair.cluster.verification("source"), &pb::Verification::Stub::ListInFlight, request)
            .response.pendings_size() == 3);
  REQUIRE(listed.size() == 3);
  CHECK(listed[500].ledger() == 1);
  CHECK(listed[500].amount() == 30);
  CHECK(listed[500].left().seconds() == 99);
  CHECK_FALSE(listed[502].has_left());
}

}  // namespace
}  // namespace ledger
