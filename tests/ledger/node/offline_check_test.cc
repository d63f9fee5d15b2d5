// What an auditor checks of a cutover without asking anybody.
#include "ledger/node/offline_check.h"

#include <google/protobuf/util/json_util.h>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "base/file_system.h"
#include "ledger/core/certificate.h"
#include "ledger/node/replay.h"
#include "tests/ledger/node/cluster.h"
#include "tests/temporary_folder.h"

namespace ledger {
namespace {

std::string Json(const google::protobuf::Message& message) {
  std::string text;
  REQUIRE(google::protobuf::util::MessageToJsonString(message, &text).ok());
  return text;
}

// A shard that has moved, and files about it.
struct Moved {
  Cluster cluster;
  TemporaryFolder folder;
  std::vector<pb::Signed> certificates;
  pb::CutoverStatement statement;

  Moved() {
    cluster.Follow("target", "source");
    REQUIRE(Create(cluster.ledger("source"), Accounts(1, 100)).ok());
    REQUIRE(Create(cluster.ledger("source"), Transfers(1, 30)).ok());
    const auto sealed = Seal(cluster.node("source"), "run", "target");
    REQUIRE(sealed.ok());
    cluster.AwaitPosition("target", cluster.Status("source").position());
    REQUIRE(Open(cluster.node("target"), sealed.response).ok());
    REQUIRE(Create(cluster.ledger("target"), Transfers(50, 10)).ok());
    for (const char* node : {"source", "target"}) {
      certificates.push_back(
          Call(cluster.verification(node), &pb::Verification::Stub::CertifyCutover, sealed.response)
              .response);
      Write(node, Json(certificates.back()));
    }
    REQUIRE(statement.ParseFromString(certificates[0].payload()));
    Write("keys", Json(cluster.Options("source").config));
  }
  std::string Path(const std::string& name) const { return folder.path() + "/" + name; }
  void Write(const std::string& name, const std::string& text) const {
    REQUIRE(base::SystemFileSystem().Replace(Path(name), text).ok());
  }
  CutoverFiles Files(const std::string& proof = "") const {
    return {.certificates = {Path("source"), Path("target")},
            .proof = proof.empty() ? "" : Path(proof),
            .keys = Path("keys")};
  }
  absl::StatusOr<std::string> Check(const CutoverFiles& given) const {
    return CheckCutover(base::SystemFileSystem(), given);
  }
  absl::StatusOr<pb::AccountProof> Prove(uint64_t account) {
    return ProveFromLog(
        base::SystemFileSystem(), cluster.DataDir("target"),
        {.shard = Cluster::kShard,
         .position = statement.position(),
         .account = {.high = AccountId(account).high(), .low = AccountId(account).low()}});
  }
};

TEST_CASE("certificates of both sides are checked by keys alone", "[offline_check]") {
  const Moved moved;
  const auto checked = moved.Check(moved.Files());
  CAPTURE(checked.status());
  REQUIRE(checked.ok());
  CHECK_THAT(*checked, Catch::Contains(R"("signers": ["source", "target"])"));
  CHECK_THAT(*checked, Catch::Contains(R"("run":"run")"));
}

TEST_CASE("one side's certificate alone proves nothing, given once or twice", "[offline_check]") {
  const Moved moved;
  const auto [given, missing] = GENERATE(table<std::vector<std::string>, std::string>(
      {{{"source"}, "target"}, {{"target", "target"}, "source"}}));
  CutoverFiles files = moved.Files();
  files.certificates.clear();
  for (const std::string& node : given) files.certificates.push_back(moved.Path(node));
  const absl::Status status = moved.Check(files).status();
  CHECK(absl::IsFailedPrecondition(status));
  CHECK_THAT(std::string(status.message()),
             Catch::Contains("the certificate of '" + missing + "' is missing"));
}

TEST_CASE("a certificate that was changed, or of which the key is not there, is refused",
          "[offline_check]") {
  Moved moved;
  SECTION("changed") {
    pb::Signed forged = moved.certificates[1];
    forged.mutable_payload()->back() ^= 1;
    moved.Write("target", Json(forged));
  }
  SECTION("key") {
    pb::NodeConfig keys = moved.cluster.Options("source").config;
    keys.mutable_members(1)->set_node_id("other");
    moved.Write("keys", Json(keys));
  }
  const absl::Status status = moved.Check(moved.Files()).status();
  CHECK(absl::IsUnauthenticated(status));
  CHECK_THAT(std::string(status.message()), Catch::Contains(moved.Path("target")));
}

TEST_CASE("an account's proof from the log of either side holds under the certificates",
          "[offline_check]") {
  Moved moved;
  moved.cluster.Stop("target");
  const auto proof = moved.Prove(1);
  CAPTURE(proof.status());
  REQUIRE(proof.ok());
  CHECK(proof->account().debits_posted() == 30);  // Not the ten that came behind the seal.
  moved.Write("proof", ToJson(*proof));
  const auto checked = moved.Check(moved.Files("proof"));
  CAPTURE(checked.status());
  REQUIRE(checked.ok());
  CHECK_THAT(*checked, Catch::Contains(R"("debits_posted":"30")"));

  pb::AccountProof forged = *proof;
  forged.mutable_account()->set_debits_posted(31);
  moved.Write("proof", ToJson(forged));
  CHECK(absl::IsInvalidArgument(moved.Check(moved.Files("proof")).status()));
  CHECK(absl::IsNotFound(moved.Prove(5'000).status()));
}

TEST_CASE("an account's id is 32 hexadecimal digits", "[offline_check]") {
  CHECK(*ParseAccountId("0003000000000000000000000000000a") ==
        Id128{.high = uint64_t{3} << 48, .low = 10});
  CHECK_FALSE(ParseAccountId("17").ok());
  CHECK_FALSE(ParseAccountId("0003000000000000000000000000000x").ok());
}

}  // namespace
}  // namespace ledger
