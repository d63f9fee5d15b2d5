// Whether a node could follow another: what is tried before a freeze, both ways.
#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/ledger/node/cluster.h"

namespace ledger {
namespace {

Answer<pb::TryFollowResponse> Try(Cluster& cluster, const std::string& node,
                                  const std::string& other) {
  pb::TryFollowRequest request;
  request.set_node_id(other);
  return Call(cluster.node(node), &pb::Node::Stub::TryFollow, request);
}

TEST_CASE("the owner can try to follow a replica, before it follows and after", "[trial]") {
  Cluster cluster;
  REQUIRE(Create(cluster.ledger("source"), Accounts(1, 2)).ok());
  const auto empty = Try(cluster, "source", "target");
  CAPTURE(empty.status.error_message());
  REQUIRE(empty.ok());
  CHECK(empty.response.status().node_id() == "target");
  CHECK(empty.response.status().position() == 0);
  CHECK(empty.response.has_round_trip());

  cluster.Follow("target", "source");
  cluster.AwaitPosition("target", 2);
  const auto replica = Try(cluster, "source", "target");
  REQUIRE(replica.ok());
  CHECK(replica.response.status().position() == 2);
  CHECK(replica.response.status().role() == pb::ROLE_REPLICA);
}

TEST_CASE("a try changes nothing on either node", "[trial]") {
  Cluster cluster;
  REQUIRE(Create(cluster.ledger("source"), Accounts(1, 2)).ok());
  REQUIRE(Try(cluster, "source", "target").ok());
  CHECK(cluster.Status("source").role() == pb::ROLE_PRIMARY);
  CHECK(cluster.Status("source").following().empty());
  CHECK(cluster.Status("target").following().empty());
  CHECK(cluster.Status("target").position() == 0);
  CHECK(Create(cluster.ledger("source"), Transfers(1, 1)).ok());
}

TEST_CASE("a try says who is not to be reached, and where", "[trial]") {
  Cluster cluster;
  const std::string address = cluster.Address("target");
  cluster.Stop("target");
  const auto answer = Try(cluster, "source", "target");
  CHECK(answer.status.error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK_THAT(answer.status.error_message(), Catch::Contains("asking target at " + address));
}

TEST_CASE("only another node of the shard can be tried", "[trial]") {
  Cluster cluster;
  for (const std::string other : {"source", "moon", ""}) {
    CHECK(Try(cluster, "source", other).status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  }
}

TEST_CASE("a status tells of open pending transfers and of the last to expire", "[trial]") {
  Cluster cluster;
  REQUIRE(Create(cluster.ledger("source"), Accounts(1, 4)).ok());
  CHECK(cluster.Status("source").pendings() == 0);
  CHECK_FALSE(cluster.Status("source").has_pending_left_longest());
  pb::CreateTransfersRequest pending = Transfers(500, 3, 30);
  for (pb::Transfer& transfer : *pending.mutable_transfers()) {
    transfer.set_flags(pb::TRANSFER_FLAG_PENDING);
  }
  pending.mutable_transfers(0)->set_timeout_s(100);
  pending.mutable_transfers(1)->set_timeout_s(1'000);
  REQUIRE(Create(cluster.ledger("source"), pending).ok());
  const pb::NodeStatus status = cluster.Status("source");
  CHECK(status.pendings() == 3);
  CHECK(status.pending_left_longest().seconds() == 999);
}

TEST_CASE("a status tells which epoch the node has refused, after a restart too", "[trial]") {
  Cluster cluster;
  REQUIRE(Create(cluster.ledger("source"), Accounts(1, 2)).ok());
  cluster.Follow("target", "source");
  cluster.Await("source", HasAllHashed);
  const auto sealed = Seal(cluster.node("source"), "run", "target");
  REQUIRE(sealed.ok());
  CHECK(cluster.Status("target").refused_epoch() == 0);
  REQUIRE(Refuse(cluster.node("target"), sealed.response).ok());
  CHECK(cluster.Status("target").refused_epoch() == 2);
  cluster.Restart("target");
  CHECK(cluster.Status("target").refused_epoch() == 2);
}

}  // namespace
}  // namespace ledger
