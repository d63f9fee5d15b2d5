// What an auditor computes from a node's log alone.
#include <catch2/catch.hpp>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "base/file_system.h"
#include "ledger/core/certificate.h"
#include "ledger/node/replay.h"
#include "ledger/storage/log.h"
#include "ledger/storage/small_file.h"
#include "tests/ledger/node/cluster.h"

namespace ledger {
namespace {

absl::StatusOr<Replayed> ReplayOf(const Cluster& cluster, const std::string& node) {
  return ReplayLog(base::SystemFileSystem(), cluster.DataDir(node), Cluster::kShard);
}

TEST_CASE("a replay of the log comes to what the node certified", "[replay]") {
  Cluster cluster;
  REQUIRE(Create(cluster.ledger("source"), Accounts(1, 20)).ok());
  REQUIRE(Create(cluster.ledger("source"), Transfers(1, 30)).ok());
  REQUIRE(
      Call(cluster.node("source"), &pb::Node::Stub::TakeSnapshot, pb::TakeSnapshotRequest()).ok());
  REQUIRE(Create(cluster.ledger("source"), Transfers(31, 30)).ok());
  const auto sealed = Seal(cluster.node("source"), "run", "target");
  REQUIRE(sealed.ok());
  pb::SealStatement certified;
  REQUIRE(certified.ParseFromString(sealed.response.payload()));
  cluster.Stop("source");

  const auto replayed = ReplayOf(cluster, "source");
  REQUIRE(replayed.ok());
  CHECK(replayed->position == certified.position());
  CHECK(base::AsBytes(replayed->log_hash) == certified.log_hash());
  CHECK(base::AsBytes(replayed->state_root) == certified.state_root());
  CHECK(replayed->accounts == 20);
  CHECK(replayed->transfers == 60);
  CHECK(ToJson(*replayed) == absl::StrCat(R"({"shard": 3, "position": 5, "log_hash": ")",
                                          base::ToHex(replayed->log_hash), R"(", "state_root": ")",
                                          base::ToHex(replayed->state_root),
                                          R"(", "roots": 0, "accounts": 20, "transfers": 60})"));
}

TEST_CASE("a replay changes nothing of the log", "[replay]") {
  Cluster cluster({"source"});
  REQUIRE(Create(cluster.ledger("source"), Accounts(1, 20)).ok());
  cluster.Stop("source");
  const std::string segment = cluster.DataDir("source") + "/log/0001";
  const std::string before = base::SystemFileSystem().Read(segment).value();
  REQUIRE(ReplayOf(cluster, "source").ok());
  CHECK((base::SystemFileSystem().Read(segment).value() == before));
}

TEST_CASE("a replay is refused while the node runs", "[replay]") {
  Cluster cluster({"source"});
  const absl::Status status = ReplayOf(cluster, "source").status();
  CHECK(absl::IsFailedPrecondition(status));
  CHECK_THAT(std::string(status.message()), Catch::Contains("in use by another program"));
}

TEST_CASE("a replay is refused when the log does not begin at record 1", "[replay]") {
  Cluster cluster({"source"});
  cluster.Stop("source");
  REQUIRE(Log::StartOver(base::SystemFileSystem(), cluster.DataDir("source") + "/log", 7).ok());
  const absl::Status status = ReplayOf(cluster, "source").status();
  CHECK(absl::IsFailedPrecondition(status));
  CHECK_THAT(std::string(status.message()), Catch::Contains("begins at record 7"));
  CHECK_THAT(std::string(status.message()), Catch::Contains("has been trimmed"));
}

TEST_CASE("a replay on a node that began with a copy says so, and where to go", "[replay]") {
  Cluster cluster({"source"});
  cluster.Stop("source");
  const std::string folder = cluster.DataDir("source");
  REQUIRE(Log::StartOver(base::SystemFileSystem(), folder + "/log", 7).ok());
  REQUIRE(SmallFiles(base::SystemFileSystem(), folder).SaveCopiedHistory(5).ok());
  const absl::Status status = ReplayOf(cluster, "source").status();
  CHECK(absl::IsFailedPrecondition(status));
  CHECK_THAT(std::string(status.message()), Catch::Contains("began with a copy"));
  CHECK_THAT(std::string(status.message()), Catch::Contains("the node that it was copied from"));
}

TEST_CASE("a replay of a folder that is no node's creates nothing", "[replay]") {
  const TemporaryFolder folder;
  const std::string nothing = folder.path() + "/nothing";
  const absl::Status status = ReplayLog(base::SystemFileSystem(), nothing, 0).status();
  CHECK(absl::IsNotFound(status));
  CHECK_THAT(std::string(status.message()), Catch::Contains("holds no log"));
  CHECK_FALSE(std::filesystem::exists(nothing));
}

}  // namespace
}  // namespace ledger
