// What one node sends to another, and what breaks.
#include <catch2/catch.hpp>

#include <filesystem>

#include "ledger/core/record.h"
#include "tests/ledger/node/cluster.h"

namespace ledger {
namespace {

TEST_CASE("a replica goes on where it was after every break", "[node]") {
  Cluster cluster;
  cluster.Follow("target", "source");
  REQUIRE(Create(cluster.ledger("source"), Accounts(1, 2)).ok());
  uint64_t id = 1;
  for (const char* broken : {"source", "target", "source", "target"}) {
    CAPTURE(broken, id);
    cluster.Restart(broken);
    for (int i = 0; i < 5; ++i, id += 10) {
      REQUIRE(Create(cluster.ledger("source"), Transfers(id, 10)).ok());
    }
    const pb::NodeStatus source = cluster.Status("source");
    cluster.AwaitPosition("target", source.position());
    CHECK(cluster.Status("target").log_hash() == source.log_hash());
  }
}

TEST_CASE("more than one chunk of records is copied", "[node]") {
  Cluster cluster;
  REQUIRE(Create(cluster.ledger("source"), Accounts(1, 2)).ok());
  for (uint64_t i = 0; i < 12; ++i) {
    REQUIRE(Create(cluster.ledger("source"), Transfers(1 + i * 8'190, 8'190)).ok());
  }
  cluster.Follow("target", "source");
  cluster.AwaitPosition("target", 14);
  CHECK(cluster.Status("target").transfers() == 12 * 8'190);
  CHECK(cluster.Status("target").log_hash() == cluster.Status("source").log_hash());
}

TEST_CASE("a node that was told to stop following stays where it is", "[node]") {
  Cluster cluster;
  cluster.Follow("target", "source");
  REQUIRE(Create(cluster.ledger("source"), Accounts(1, 2)).ok());
  cluster.AwaitPosition("target", 2);
  cluster.Follow("target", "");
  REQUIRE(Create(cluster.ledger("source"), Transfers(1, 2)).ok());
  cluster.Restart("target");
  CHECK(cluster.Status("target").following().empty());
  CHECK(cluster.Status("target").position() == 2);
  pb::FollowRequest request;
  request.set_node_id("nobody");
  CHECK(Call(cluster.node("target"), &pb::Node::Stub::Follow, request).status.error_code() ==
        grpc::INVALID_ARGUMENT);
  request.set_node_id("target");
  CHECK(Call(cluster.node("source"), &pb::Node::Stub::Follow, request).status.error_code() ==
        grpc::FAILED_PRECONDITION);
}

TEST_CASE("logs that diverge stop the replica with a clear fault", "[node]") {
  Cluster cluster;
  cluster.Follow("target", "source");
  REQUIRE(Create(cluster.ledger("source"), Accounts(1, 2)).ok());
  cluster.AwaitPosition("target", 2);
  cluster.Stop("source");
  std::filesystem::remove_all(cluster.DataDir("source") + "/log");
  REQUIRE(Bootstrap(cluster.Options("source")).ok());
  cluster.Start("source");
  const bool is_longer = GENERATE(true, false);
  if (is_longer) {
    for (uint64_t i = 1; i < 30; i += 3) {
      REQUIRE(Create(cluster.ledger("source"), Accounts(i, 3)).ok());
    }
    // It may have met the shorter log before.
    cluster.Follow("target", "");
    cluster.Follow("target", "source");
  }
  const pb::NodeStatus status =
      cluster.Await("target", [](const auto& target) { return !target.fault().empty(); });
  CAPTURE(status.fault());
  CHECK_THAT(status.fault(), Catch::Contains("the logs diverge"));
  CHECK_THAT(status.fault(), Catch::Contains("record 2"));
  CHECK_THAT(status.fault(), Catch::Contains(is_longer ? "ends at 11" : "ends at 1"));
  CHECK(status.position() == 2);
  CHECK(status.following() == "source");
}

struct Stream {
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReader<pb::RecordChunk>> reader;
  Stream(pb::Node::Stub& stub, uint64_t after, const std::string& hash) {
    pb::PullRequest request;
    request.set_follower("target");
    request.set_after_position(after);
    request.set_after_hash(hash);
    reader = stub.PullRecords(&context, request);
  }
  ~Stream() { context.TryCancel(); }
};

TEST_CASE("the stream gives what is there, then beats until there is more", "[node]") {
  Cluster cluster;
  REQUIRE(Create(cluster.ledger("source"), Accounts(1, 2)).ok());
  Stream stream(cluster.node("source"), 0, "");
  pb::RecordChunk chunk;
  REQUIRE(stream.reader->Read(&chunk));
  CHECK(chunk.durable_position() == 2);
  CHECK(chunk.durable_bytes() == chunk.records().size());
  const auto first = DecodeRecord(chunk.records());
  REQUIRE(first.ok());
  CHECK(first->position == 1);
  const auto second = DecodeRecord(absl::string_view(chunk.records()).substr(first->encoded_bytes));
  REQUIRE(second.ok());
  CHECK(second->position == 2);
  CHECK(second->timestamp_ns == chunk.durable_timestamp_ns());
  REQUIRE(stream.reader->Read(&chunk));
  CHECK(chunk.records().empty());
  CHECK(chunk.durable_position() == 2);
  REQUIRE(Create(cluster.ledger("source"), Transfers(1, 1)).ok());
  do REQUIRE(stream.reader->Read(&chunk));
  while (chunk.records().empty());
  CHECK(DecodeRecord(chunk.records())->position == 3);
}

TEST_CASE("the certificate is streamed to everyone who holds what it certifies", "[node]") {
  Cluster cluster;
  REQUIRE(Create(cluster.ledger("source"), Accounts(1, 2)).ok());
  const auto sealed = Seal(cluster.node("source"), "run", "target");
  REQUIRE(sealed.ok());
  const pb::NodeStatus status = cluster.Status("source");
  for (const uint64_t after : {uint64_t{0}, status.position()}) {
    Stream stream(cluster.node("source"), after, after == 0 ? "" : status.log_hash());
    pb::RecordChunk chunk;
    do REQUIRE(stream.reader->Read(&chunk));
    while (!chunk.has_certificate());
    CHECK(chunk.certificate().SerializeAsString() == sealed.response.SerializeAsString());
  }
}

TEST_CASE("who holds other records is refused with both positions", "[node]") {
  Cluster cluster;
  REQUIRE(Create(cluster.ledger("source"), Accounts(1, 2)).ok());
  const uint64_t after = GENERATE(1u, 2u, 9u);
  Stream stream(cluster.node("source"), after, std::string(32, 'x'));
  pb::RecordChunk chunk;
  CHECK_FALSE(stream.reader->Read(&chunk));
  const grpc::Status status = stream.reader->Finish();
  CHECK(status.error_code() == grpc::FAILED_PRECONDITION);
  CHECK_THAT(status.error_message(), Catch::Contains("record " + std::to_string(after)));
  CHECK_THAT(status.error_message(), Catch::Contains("ends at 2"));
}

}  // namespace
}  // namespace ledger
