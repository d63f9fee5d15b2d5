// A replica compares all its state with that of the primary while both go on, and names what
// differs.
#include <catch2/catch.hpp>

#include <atomic>
#include <future>
#include <string>
#include <thread>

#include "ledger/core/certificate.h"
#include "tests/ledger/node/cluster.h"
#include "tests/ledger/node/pair.h"

namespace ledger {
namespace {

std::string NameOf(uint64_t account) {
  return "account " + base::ToString(Id128{AccountId(account).high(), AccountId(account).low()});
}

bool Tells(const pb::VerifyAgainstResponse& verified, const std::string& text) {
  CAPTURE(verified.difference(), text);
  CHECK_FALSE(verified.equal());
  CHECK(verified.difference().find(text) != std::string::npos);
  return verified.difference().find(text) != std::string::npos;
}

TEST_CASE("equal nodes answer a challenge equally, again and again, each with another nonce",
          "[verify]") {
  Pair pair;
  const pb::VerifyAgainstResponse first = pair.Verified();
  CHECK(first.equal());
  CHECK(first.difference().empty());
  CHECK(first.here().position() == first.there().position());
  CHECK(first.here().log_hash() == first.there().log_hash());
  CHECK(first.here().invariants().accounts() == 1'000);
  CHECK(first.here().invariants().currencies(0).debits_posted() == 100);
  const pb::VerifyAgainstResponse second = pair.Verified();
  CHECK(second.equal());
  CHECK(second.here().position() == first.here().position() + 1);
  CHECK(second.here().digest() != first.here().digest());
  CHECK(second.here().nonce() != first.here().nonce());
}

TEST_CASE("a challenge is answered while writing goes on", "[verify]") {
  Pair pair;
  std::atomic<bool> is_over = false;
  std::atomic<uint64_t> written = 0;
  std::thread writing([&] {
    for (uint64_t id = 1'000; !is_over; id += 50) {
      if (Create(pair.cluster.ledger("source"), Transfers(id, 50)).ok()) written += 50;
    }
  });
  int equal = 0;
  for (int i = 0; i < 5; ++i) equal += pair.Verify().response.equal() ? 1 : 0;
  is_over = true;
  writing.join();
  CHECK(equal == 5);
  CHECK(written > 0);
}

TEST_CASE("a flipped bit is found, its account named with both values, and both nodes go on",
          "[verify]") {
  Pair pair;
  REQUIRE(Call(pair.cluster.faults("target"), &pb::Faults::Stub::FlipStateBit,
               pb::FlipStateBitRequest())
              .ok());
  const pb::VerifyAgainstResponse verified = pair.Verified();
  CHECK(Tells(verified, NameOf(1) + ": credits_posted is 1 at 'target', 0 at 'source'"));
  REQUIRE(verified.differences_size() == 1);
  CHECK(verified.differences(0).what() == "account");
  CHECK(verified.differences(0).fields(0).name() == "credits_posted");
  CHECK(verified.exchanges() <= 4);
  REQUIRE(Create(pair.cluster.ledger("source"), Transfers(900, 10)).ok());
  pair.AwaitEqual();
}

TEST_CASE("a transfer applied twice is found at both accounts", "[verify]") {
  Pair pair;
  pb::ApplyTwiceRequest request;
  request.set_transfer_high(7);
  request.set_transfer_low(1);
  const auto damaged = Call(pair.cluster.faults("target"), &pb::Faults::Stub::ApplyTwice, request);
  CAPTURE(damaged.status.error_message());
  REQUIRE(damaged.ok());
  const pb::VerifyAgainstResponse verified = pair.Verified();
  CHECK(Tells(verified, NameOf(1) + ": debits_posted is 101 at 'target', 100 at 'source'"));
  CHECK(Tells(verified, NameOf(2) + ": credits_posted is 101 at 'target', 100 at 'source'"));
}

TEST_CASE("balances exchanged between two accounts are found though sums stay equal", "[verify]") {
  Pair pair;
  REQUIRE(Call(pair.cluster.faults("target"), &pb::Faults::Stub::ExchangeBalances,
               pb::ExchangeBalancesRequest())
              .ok());
  const pb::VerifyAgainstResponse verified = pair.Verified();
  CHECK(verified.here().invariants().SerializeAsString() ==
        verified.there().invariants().SerializeAsString());
  CHECK(Tells(verified, NameOf(1) + ": debits_posted is 0 at 'target', 100 at 'source'"));
  CHECK(Tells(verified, NameOf(2)));
}

TEST_CASE(
    "a record that was not applied is found: of transfers by balances, of accounts by those "
    "that are missing",
    "[verify]") {
  Pair pair;
  REQUIRE(
      Call(pair.cluster.faults("target"), &pb::Faults::Stub::DropRecord, pb::DropRecordRequest())
          .ok());
  SECTION("transfers") {
    REQUIRE(Create(pair.cluster.ledger("source"), Transfers(200, 10)).ok());
    const pb::VerifyAgainstResponse verified = pair.Verified();
    CHECK(Tells(verified, NameOf(1) + ": debits_posted is 100 at 'target', 110 at 'source'"));
    CHECK(Tells(verified, "transfers is 100 at 'target', 110 at 'source'"));
  }
  SECTION("accounts") {
    REQUIRE(Create(pair.cluster.ledger("source"), Accounts(5'000, 3)).ok());
    const pb::VerifyAgainstResponse verified = pair.Verified();
    CHECK(Tells(verified, NameOf(5'000) + " is only at 'source'"));
    CHECK(Tells(verified, "accounts is 1000 at 'target', 1003 at 'source'"));
  }
}

TEST_CASE("a node that was found to differ does not open, until it has started again", "[verify]") {
  Pair pair;
  REQUIRE(Call(pair.cluster.faults("target"), &pb::Faults::Stub::FlipStateBit,
               pb::FlipStateBitRequest())
              .ok());
  CHECK_FALSE(pair.Verified().equal());
  const auto sealed = Seal(pair.cluster.node("source"), "run", "target");
  REQUIRE(sealed.ok());
  pair.AwaitEqual();
  const auto compared =
      Call(pair.cluster.node("target"), &pb::Node::Stub::Compare, sealed.response);
  CHECK_FALSE(compared.response.equal());
  const auto opened = Open(pair.cluster.node("target"), sealed.response);
  CHECK(opened.status.error_code() == grpc::DATA_LOSS);
  CAPTURE(opened.status.error_message());
  CHECK(opened.status.error_message().find("credits_posted") != std::string::npos);
  pair.cluster.Restart("target");
  CHECK(Open(pair.cluster.node("target"), sealed.response).ok());
}

TEST_CASE("a replica that a state root in the log shows to differ finds the account by itself",
          "[verify]") {
  Pair pair;
  pair.cluster.Stop("source");
  pair.cluster.Start(
      "source", [](NodeOptions& options) { options.checkpoint_interval = absl::ZeroDuration(); });
  REQUIRE(Call(pair.cluster.faults("target"), &pb::Faults::Stub::ExchangeBalances,
               pb::ExchangeBalancesRequest())
              .ok());
  for (uint64_t id = 2'000; id < 2'003; ++id) {
    const auto created = Create(pair.cluster.ledger("source"), Transfers(id, 1));
    REQUIRE(created.ok());
    pair.cluster.AwaitPosition("source", created.response.commits(0).position() + 1);
  }
  const pb::NodeStatus status =
      pair.cluster.Await("target", [](const auto& one) { return !one.fault().empty(); });
  CAPTURE(status.fault());
  CHECK(status.state_differs());
  CHECK(status.fault().find("the states are not") != std::string::npos);
  CHECK(status.fault().find(NameOf(1) + ": debits_posted is") != std::string::npos);
}

TEST_CASE("where state roots differ the trees tell before all is hashed, in five exchanges",
          "[verify]") {
  std::promise<std::string> told;
  Pair pair;
  pair.cluster.Stop("target");
  pair.cluster.Start("target", [&](NodeOptions& options) {
    options.say = [&](const std::string& sentence) {
      if (sentence.find("state roots differ") != std::string::npos) told.set_value(sentence);
    };
  });
  pair.cluster.Stop("source");
  pair.cluster.Start(
      "source", [](NodeOptions& options) { options.checkpoint_interval = absl::ZeroDuration(); });
  pb::FlipStateBitRequest request;
  request.set_noticed(true);
  request.set_account_high(AccountId(500).high());
  request.set_account_low(AccountId(500).low());
  REQUIRE(Call(pair.cluster.faults("target"), &pb::Faults::Stub::FlipStateBit, request).ok());
  for (uint64_t id = 2'000; id < 2'003; ++id) {
    const auto created = Create(pair.cluster.ledger("source"), Transfers(id, 1));
    REQUIRE(created.ok());
    pair.cluster.AwaitPosition("source", created.response.commits(0).position() + 1);
  }
  const std::string sentence = told.get_future().get();
  CAPTURE(sentence);
  CHECK(sentence.find("by 5 exchanges") != std::string::npos);
  CHECK(sentence.find(NameOf(500) + ": credits_posted is 1 at 'target', 0 at 'source'") !=
        std::string::npos);
  // It follows on until all is hashed.
  const pb::NodeStatus status = pair.cluster.Await("target", [](const auto& one) {
    return one.fault().find(". Searched: ") != std::string::npos;
  });
  CHECK(status.state_differs());
  CHECK_THAT(status.fault(), Catch::Contains(NameOf(500)));
}

TEST_CASE("a replica counts the state roots that it held against its own", "[verify]") {
  Pair pair;
  CHECK(pair.cluster.Status("target").roots_checked() == 0);
  pair.cluster.Stop("source");
  pair.cluster.Start(
      "source", [](NodeOptions& options) { options.checkpoint_interval = absl::ZeroDuration(); });
  for (uint64_t id = 2'000; pair.cluster.Status("target").roots_checked() < 3; ++id) {
    REQUIRE(Create(pair.cluster.ledger("source"), Transfers(id, 1)).ok());
  }
  CHECK_FALSE(pair.cluster.Status("target").state_differs());
}

TEST_CASE("only a primary is challenged, and only another node compared with", "[verify]") {
  Pair pair;
  CHECK(pair.Verify("source", "target").status.error_code() == grpc::FAILED_PRECONDITION);
  CHECK(pair.Verify("target", "target").status.error_code() == grpc::INVALID_ARGUMENT);
  CHECK(pair.Verify("target", "nobody").status.error_code() == grpc::INVALID_ARGUMENT);
}

TEST_CASE("a node that does not follow says so, and nobody is challenged", "[verify]") {
  Pair pair;
  pair.cluster.Follow("target", "");
  const uint64_t before = pair.cluster.Status("source").position();
  const auto verified = pair.Verify();
  CHECK(verified.status.error_code() == grpc::FAILED_PRECONDITION);
  CHECK(verified.status.error_message().find("does not follow 'source'") != std::string::npos);
  CHECK(pair.cluster.Status("source").position() == before);
}

TEST_CASE("challenges change nothing: a restarted node replays them and is equal", "[verify]") {
  Pair pair;
  CHECK(pair.Verified().equal());
  pair.cluster.Restart("source");
  pair.cluster.Restart("target");
  REQUIRE(Create(pair.cluster.ledger("source"), Transfers(300, 10)).ok());
  pair.AwaitEqual();
  CHECK(pair.Verified().equal());
}

}  // namespace
}  // namespace ledger
