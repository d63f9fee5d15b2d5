// ledger.challenge and ledger.certify.
#include <catch2/catch.hpp>

#include <string>

#include "tests/agents/drivers/fake_node.h"

namespace agents {
namespace {

action::LedgerChallenge Against(const std::string& site) {
  action::LedgerChallenge challenge;
  challenge.set_against(site);
  return challenge;
}

TEST_CASE("a challenge is against the shard's node on the site, and succeeds when all is equal",
          "[drivers]") {
  FakeNode node;
  node.status = Replica("target-0");
  node.verification.verified.set_equal(true);
  node.verification.verified.mutable_here()->set_position(1'204);
  node.verification.verified.mutable_here()->set_digest("d");
  node.verification.verified.mutable_here()->mutable_facts()->set_accounts(20'000'000);
  const auto result = Drive(node.drivers, MakeOrder("target-0", pb::MODE_APPLY, Against("source")));
  CHECK(result.outcome() == kOk);
  CHECK(node.verification.asked == Strings{"verify against source-0"});
  CHECK_THAT(result.message(), Catch::Contains("position 1,204"));
  CHECK_THAT(result.message(), Catch::Contains("20,000,000 accounts"));
  CHECK(result.facts().at("digest") == "64");
}

TEST_CASE("a challenge that finds a difference fails and names it", "[drivers]") {
  FakeNode node;
  node.status = Replica("target-0");
  node.verification.verified.set_difference("account 17: credits_posted is 5 at 'a', 6 at 'b'");
  const auto result = Drive(node.drivers, MakeOrder("target-0", pb::MODE_APPLY, Against("source")));
  CHECK(result.outcome() == kFailed);
  CHECK(result.mismatch());
  CHECK_THAT(result.message(), Catch::Contains("account 17: credits_posted is 5 at 'a', 6"));
}

TEST_CASE("a challenge waits while another comparison is under way", "[drivers]") {
  FakeNode node;
  node.status = Replica("target-0");
  node.verification.verified.set_equal(true);
  node.verification.errors.emplace_back(grpc::StatusCode::ABORTED, "under way");
  CHECK(Drive(node.drivers, MakeOrder("target-0", pb::MODE_APPLY, Against("source"))).outcome() ==
        kOk);
  CHECK(node.verification.asked.size() == 2);
}

TEST_CASE("a challenge that the node cannot make fails with its reason", "[drivers]") {
  FakeNode node;
  node.status = Replica("target-0");
  node.verification.errors.emplace_back(grpc::StatusCode::FAILED_PRECONDITION, "not primary");
  const auto result = Drive(node.drivers, MakeOrder("target-0", pb::MODE_APPLY, Against("source")));
  CHECK(result.outcome() == kFailed);
  CHECK_FALSE(result.mismatch());
  CHECK_THAT(result.message(), Catch::Contains("not primary"));
}

TEST_CASE("a node is not challenged against itself, nor against a site without one", "[drivers]") {
  FakeNode node;
  node.status = Replica("target-0");
  for (const char* site : {"target", "moon"}) {
    CHECK(Drive(node.drivers, MakeOrder("target-0", pb::MODE_APPLY, Against(site))).outcome() ==
          kFailed);
  }
  CHECK(node.verification.asked.empty());
}

// --- certify ---

TEST_CASE("certify takes the newest seal that the node made or that names it", "[drivers]") {
  FakeNode node;
  node.status = Replica("source-0", 4);
  ledger_pb::CutoverStatement statement;
  statement.set_position(10);
  statement.mutable_in_flight()->set_pendings(3);
  ledger_pb::InFlightSum& sum = *statement.mutable_in_flight()->add_sums();
  sum.set_ledger(404);
  sum.set_amount(77);
  node.verification.certified.set_type("hamisha.cutover.v1");
  node.verification.certified.set_payload(statement.SerializeAsString());
  auto order = MakeOrder("source-0", pb::MODE_APPLY, action::LedgerCertify());
  *order.add_certificates() = SealOf(3, "source-0", "target-0");
  *order.add_certificates() = SealOf(2, "target-0", "source-0");
  const auto result = Drive(node.drivers, order);
  CHECK(result.outcome() == kOk);
  CHECK(node.verification.asked == Strings{"certify epoch 3"});
  REQUIRE(result.certificates_size() == 1);
  CHECK(result.certificates(0).type() == "hamisha.cutover.v1");
  CHECK(result.facts().at("in_flight") == "3");
  CHECK(result.facts().at("in_flight_by_currency") == "404:77");
}

TEST_CASE("a node whose state is not the sealed one does not certify: a mismatch", "[drivers]") {
  FakeNode node;
  node.status = Replica("source-0", 4);
  const auto [code, is_mismatch] = GENERATE(table<grpc::StatusCode, bool>(
      {{grpc::StatusCode::DATA_LOSS, true}, {grpc::StatusCode::FAILED_PRECONDITION, false}}));
  node.verification.errors.emplace_back(code, "this node must not open");
  auto order = MakeOrder("source-0", pb::MODE_APPLY, action::LedgerCertify());
  *order.add_certificates() = SealOf(3, "source-0", "target-0");
  const auto result = Drive(node.drivers, order);
  CHECK(result.outcome() == kFailed);
  CHECK(result.mismatch() == is_mismatch);
  CHECK_THAT(result.message(), Catch::Contains("this node must not open"));
}

TEST_CASE("without a seal there is nothing to certify", "[drivers]") {
  FakeNode node;
  node.status = Replica("target-0");
  CHECK(Drive(node.drivers, MakeOrder("target-0", pb::MODE_APPLY, action::LedgerCertify()))
            .outcome() == kFailed);
  CHECK(node.verification.asked.empty());
}

}  // namespace
}  // namespace agents
