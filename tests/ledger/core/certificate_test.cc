#include <catch2/catch.hpp>

#include <string>
#include <utility>

#include "ledger/core/certificate.h"

namespace ledger {
namespace {

using Catch::Matchers::Contains;

constexpr uint32_t kShard = 3;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kUnauthenticated = absl::StatusCode::kUnauthenticated;

struct Members {
  base::SigningKey source = base::SigningKey::Generate();
  base::SigningKey target = base::SigningKey::Generate();
  MemberKeys keys{{"source-0", source.public_key()}, {"target-0", target.public_key()}};
};

pb::SealStatement Seal() {
  pb::SealStatement seal;
  seal.set_shard(kShard);
  seal.set_epoch(5);
  seal.set_position(700);
  seal.set_log_hash(std::string(32, 'l'));
  seal.set_state_root(std::string(32, 's'));
  seal.set_owner("source-0");
  seal.set_successor("target-0");
  seal.set_run("weekend");
  seal.set_timestamp_ns(12);
  return seal;
}

pb::RefusalStatement Refusal() {
  pb::RefusalStatement refusal;
  refusal.set_shard(kShard);
  refusal.set_epoch(6);
  refusal.set_refuser("target-0");
  refusal.set_seal_log_hash(std::string(32, 'l'));
  return refusal;
}

template <typename Statement>
void CheckRefused(const absl::StatusOr<Statement>& result, absl::StatusCode code,
                  const std::string& message) {
  CHECK(result.status().code() == code);
  CHECK_THAT(std::string(result.status().message()), Contains(message));
}

TEST_CASE("a seal certificate says what its owner signed", "[certificate]") {
  const Members members;
  const pb::Signed certificate = SignSeal(Seal(), members.source);
  CHECK(certificate.type() == "hamisha.seal.v1");
  CHECK(certificate.signer() == "source-0");
  const auto seal = VerifySeal(certificate, kShard, members.keys);
  REQUIRE(seal.ok());
  CHECK(seal->SerializeAsString() == Seal().SerializeAsString());
  const SealFacts facts = ToFacts(*seal);
  CHECK(facts.epoch == 5);
  CHECK(facts.position == 700);
  CHECK(base::AsBytes(facts.log_hash) == absl::string_view(seal->log_hash()));
  CHECK(facts.owner == "source-0");
  CHECK(facts.successor == "target-0");
}

TEST_CASE("a refusal certificate says what its refuser signed", "[certificate]") {
  const Members members;
  const pb::Signed certificate = SignRefusal(Refusal(), members.target);
  CHECK(certificate.type() == "hamisha.refusal.v1");
  const auto refusal = VerifyRefusal(certificate, kShard, members.keys);
  REQUIRE(refusal.ok());
  CHECK(ToFacts(*refusal).epoch == 6);
  CHECK(ToFacts(*refusal).refuser == "target-0");
}

TEST_CASE("a certificate that anybody changed or another signed is refused", "[certificate]") {
  const Members members;
  pb::Signed seal = SignSeal(Seal(), members.source);
  SECTION("payload") {
    seal.mutable_payload()->back() ^= 1;
    CheckRefused(VerifySeal(seal, kShard, members.keys), kUnauthenticated, "");
  }
  SECTION("signature") {
    seal.mutable_signature()->front() ^= 1;
    CheckRefused(VerifySeal(seal, kShard, members.keys), kUnauthenticated, "");
  }
  SECTION("no signature") {
    seal.clear_signature();
    CheckRefused(VerifySeal(seal, kShard, members.keys), kUnauthenticated, "");
  }
  SECTION("signed with another member's key") {
    seal = SignSeal(Seal(), members.target);
    CheckRefused(VerifySeal(seal, kShard, members.keys), kUnauthenticated, "");
  }
  SECTION("signed by another member in its own name") {
    seal = SignSeal(Seal(), members.target);
    seal.set_signer("target-0");
    CheckRefused(VerifySeal(seal, kShard, members.keys), kUnauthenticated,
                 "only the owner 'source-0' may");
  }
  SECTION("a stranger") {
    seal.set_signer("stranger");
    CheckRefused(VerifySeal(seal, kShard, members.keys), kUnauthenticated, "not a member");
  }
  SECTION("a refusal in a seal's place") {
    CheckRefused(VerifySeal(SignRefusal(Refusal(), members.target), kShard, members.keys), kInvalid,
                 "'hamisha.seal.v1' is needed");
    CheckRefused(VerifyRefusal(seal, kShard, members.keys), kInvalid, "this is 'hamisha.seal.v1'");
  }
  SECTION("a seal passed off as a refusal") {
    seal.set_type("hamisha.refusal.v1");
    CheckRefused(VerifyRefusal(seal, kShard, members.keys), kUnauthenticated, "");
  }
  SECTION("another shard") {
    CheckRefused(VerifySeal(seal, kShard + 1, members.keys), kInvalid, "is for shard 3");
    CheckRefused(VerifyRefusal(SignRefusal(Refusal(), members.target), 0, members.keys), kInvalid,
                 "is for shard 3");
  }
}

TEST_CASE("a signed statement with a field that cannot be is refused", "[certificate]") {
  using Change = void (*)(pb::SealStatement&);
  const auto [change, message] = GENERATE(table<Change, const char*>({
      {[](pb::SealStatement& seal) { seal.set_log_hash("short"); }, "log hash has 5 bytes"},
      {[](pb::SealStatement& seal) { seal.clear_state_root(); }, "state root has 0 bytes"},
      {[](pb::SealStatement& seal) { seal.set_epoch(0); }, "is 0"},
      {[](pb::SealStatement& seal) { seal.set_position(0); }, "is 0"},
      {[](pb::SealStatement& seal) { seal.set_successor("source-0"); }, "not another node"},
      {[](pb::SealStatement& seal) { seal.set_successor("stranger"); }, "not another node"},
  }));
  const Members members;
  pb::SealStatement seal = Seal();
  change(seal);
  CheckRefused(VerifySeal(SignSeal(seal, members.source), kShard, members.keys), kInvalid, message);

  pb::RefusalStatement refusal = Refusal();
  refusal.set_seal_log_hash("short");
  CheckRefused(VerifyRefusal(SignRefusal(refusal, members.target), kShard, members.keys), kInvalid,
               "log hash has 5 bytes");
  refusal = Refusal();
  refusal.set_epoch(0);
  CheckRefused(VerifyRefusal(SignRefusal(refusal, members.target), kShard, members.keys), kInvalid,
               "epoch is 0");
}

TEST_CASE("what differs first is said in words", "[certificate]") {
  pb::SealStatement certified = Seal();
  *certified.mutable_invariants() =
      ToProto({.accounts = 2, .transfers = 9, .currencies = {{404, 50, 50, 0, 0}}});
  pb::SealStatement found = certified;
  CHECK(FirstDifference(certified, found).empty());
  found.set_state_root(std::string(32, 'x'));
  CHECK_THAT(FirstDifference(certified, found), Contains("state root: certified 7373"));
  found.mutable_invariants()->mutable_currencies(0)->set_credits_posted(51);
  CHECK(FirstDifference(certified, found) ==
        "credits posted of currency 404: certified 50, found 51");
  found.mutable_invariants()->set_transfers(8);
  CHECK(FirstDifference(certified, found) == "number of transfers: certified 9, found 8");
  found.set_log_hash(std::string(32, 'y'));
  CHECK_THAT(FirstDifference(certified, found), Contains("log hash: certified 6c6c"));
  found.set_position(699);
  CHECK(FirstDifference(certified, found) == "position: certified 700, found 699");
}

// --- Cutovers ---

pb::CutoverStatement Cutover() {
  pb::CutoverStatement cutover = ToCutover(Seal());
  cutover.mutable_challenge()->set_position(650);
  cutover.mutable_challenge()->set_digest("digest");
  cutover.mutable_in_flight()->set_pendings(4);
  return cutover;
}

TEST_CASE("a cutover is certified by its owner and its successor, and by nobody else",
          "[certificate]") {
  const Members members;
  for (const auto& [signer, key] :
       {std::pair("source-0", &members.source), std::pair("target-0", &members.target)}) {
    const auto cutover = VerifyCutover(SignCutover(Cutover(), signer, *key), members.keys);
    REQUIRE(cutover.ok());
    CHECK(cutover->position() == 700);
    CHECK(cutover->state_root() == std::string(32, 's'));
  }
  MemberKeys keys = members.keys;
  const auto third = base::SigningKey::Generate();
  keys["third"] = third.public_key();
  CheckRefused(VerifyCutover(SignCutover(Cutover(), "third", third), keys), kUnauthenticated,
               "'third' signed, but only 'source-0' and 'target-0' may");
  pb::Signed forged = SignCutover(Cutover(), "source-0", members.source);
  forged.mutable_payload()->back() ^= 1;
  CHECK_FALSE(VerifyCutover(forged, members.keys).ok());
}

TEST_CASE("a seal is no certificate of a cutover", "[certificate]") {
  const Members members;
  CheckRefused(VerifyCutover(SignSeal(Seal(), members.source), members.keys), kInvalid,
               "'hamisha.cutover.v1' is needed");
}

TEST_CASE("what two statements of a cutover do not have in common is told", "[certificate]") {
  pb::CutoverStatement other = Cutover();
  CHECK(CutoverDifference(Cutover(), other).empty());
  std::string expected;
  SECTION("position") { other.set_position(701), expected = "position: certified 700, found 701"; }
  SECTION("root") { other.set_state_root(std::string(32, 'x')), expected = "state root"; }
  SECTION("sums") { other.mutable_invariants()->set_accounts(1), expected = "number of accounts"; }
  SECTION("challenge") { other.mutable_challenge()->set_digest("x"), expected = "challenge"; }
  SECTION("in flight") { other.mutable_in_flight()->set_pendings(5), expected = "open pending"; }
  SECTION("run") { other.set_run("x"), expected = "names or times"; }
  CHECK_THAT(CutoverDifference(Cutover(), other), Contains(expected));
}

}  // namespace
}  // namespace ledger
