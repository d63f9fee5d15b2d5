#include "ledger/client/client.h"

#include <catch2/catch.hpp>

#include "ledger/client/not_owner.h"
#include "tests/ledger/client/fake_ledger.h"

namespace ledger {
namespace {

using Mode = FakeLedger::Mode;
using Ids = std::vector<uint64_t>;

// Pauses take no time, but the client's clock goes on.
struct Patience {
  base::ManualClock clock{base::SystemClock().WallNow()};
  std::vector<absl::Duration> pauses = {};
  ClientOptions Options(std::vector<std::string> addresses) {
    return {
        .addresses = std::move(addresses), .clock = &clock, .pause = [this](absl::Duration time) {
          pauses.push_back(time);
          clock.Advance(time);
        }};
  }
};

TEST_CASE("limits are set and balances read", "[client]") {
  FakeNode node(3);
  Patience patience;
  Client client(patience.Options({node.address()}));
  pb::SetBalanceLimitsRequest limits;
  limits.add_limits();
  const auto set = client.SetBalanceLimits(limits);
  REQUIRE(set.ok());
  CHECK(set->results(0).code() == 1);
  const auto balances = client.GetAccountBalances(pb::AccountFilter());
  REQUIRE(balances.ok());
  CHECK(balances->balances(0).debits_posted() == 4);
}

TEST_CASE("the client goes where the shard went", "[client]") {
  FakeNode source;
  FakeNode target(0, 2);
  pb::NotOwner owner;
  owner.set_owner("target");
  owner.set_address(target.address());
  source.ledger.Set(Mode::kRefuses, owner);
  Patience patience;
  Client client(patience.Options({source.address()}));

  const auto first = client.CreateTransfers(TransferOn(0, 11));
  REQUIRE(first.ok());
  CHECK(first->commits(0).epoch() == 2);
  CHECK(patience.pauses.empty());
  REQUIRE(client.CreateTransfers(TransferOn(0, 12)).ok());
  CHECK(target.ledger.Executed() == Ids{11, 12});
  CHECK(source.ledger.write_calls() == 1);  // It remembers.
}

TEST_CASE("between owners the client waits", "[client]") {
  FakeNode source;
  pb::NotOwner sealed;
  sealed.set_sealed(true);
  source.ledger.Set(Mode::kRefuses, sealed);
  Patience patience;
  ClientOptions options = patience.Options({source.address()});
  options.pause = [&](absl::Duration time) {
    patience.clock.Advance(time);
    patience.pauses.push_back(time);
    if (patience.pauses.size() == 3) source.ledger.Set(Mode::kServes);
  };
  Client client(options);
  CHECK(client.CreateTransfers(TransferOn(0, 11)).ok());
  CHECK(patience.pauses.size() == 3);
}

TEST_CASE("a write whose answer was lost is repeated and succeeds once", "[client]") {
  const bool executed = GENERATE(true, false);
  CAPTURE(executed);
  FakeNode node;
  node.ledger.FailNext({grpc::StatusCode::UNAVAILABLE, "broken"}, executed);
  Patience patience;
  Client client(patience.Options({node.address()}));
  const auto answer = client.CreateTransfers(TransferOn(0, 11));
  REQUIRE(answer.ok());
  CHECK(answer->results().empty());
  CHECK(node.ledger.Executed() == Ids{11});
}

TEST_CASE("an id that the caller used before is still told to exist", "[client]") {
  FakeNode node;
  Patience patience;
  Client client(patience.Options({node.address()}));
  REQUIRE(client.CreateTransfers(TransferOn(0, 11)).ok());
  const auto again = client.CreateTransfers(TransferOn(0, 11));
  REQUIRE(again.ok());
  REQUIRE(again->results_size() == 1);
  CHECK(again->results(0).code() == 46);
}

TEST_CASE("the client gives up after its time, and says what it knows", "[client]") {
  FakeNode node;
  Patience patience;
  SECTION("never executed") {
    node.ledger.Set(Mode::kRefuses);
    Client client(patience.Options({node.address()}));
    CHECK(client.CreateTransfers(TransferOn(0, 11)).status().code() ==
          absl::StatusCode::kFailedPrecondition);
  }
  SECTION("perhaps executed in the first try") {
    node.ledger.FailNext({grpc::StatusCode::UNAVAILABLE, "broken"}, true);
    ClientOptions options = patience.Options({node.address()});
    options.pause = [&](absl::Duration time) {
      patience.clock.Advance(time);
      node.ledger.Set(Mode::kRefuses);
    };
    Client client(options);
    CHECK(client.CreateTransfers(TransferOn(0, 11)).status().code() ==
          absl::StatusCode::kUnavailable);
  }
  SECTION("malformed: at once") {
    node.ledger.FailNext({grpc::StatusCode::INVALID_ARGUMENT, "too long"}, false);
    Client client(patience.Options({node.address()}));
    CHECK(client.CreateTransfers(TransferOn(0, 11)).status().code() ==
          absl::StatusCode::kInvalidArgument);
    CHECK(patience.pauses.empty());
  }
}

TEST_CASE("the other address is tried when one cannot be reached", "[client]") {
  FakeNode gone;
  FakeNode node;
  gone.Break();
  Patience patience;
  Client client(patience.Options({gone.address(), node.address()}));
  CHECK(client.CreateTransfers(TransferOn(0, 11)).ok());
  CHECK(node.ledger.Executed() == Ids{11});
}

TEST_CASE("NotOwner is read from the details of FAILED_PRECONDITION only", "[client]") {
  pb::NotOwner told;
  told.set_owner("target");
  const std::string details = told.SerializeAsString();
  const auto read = NotOwnerOf({grpc::StatusCode::FAILED_PRECONDITION, "", details});
  REQUIRE(read);
  CHECK(read->owner() == "target");
  CHECK_FALSE(NotOwnerOf({grpc::StatusCode::FAILED_PRECONDITION, ""}));
  CHECK_FALSE(NotOwnerOf({grpc::StatusCode::FAILED_PRECONDITION, "", "\xff\xff"}));
  CHECK_FALSE(NotOwnerOf({grpc::StatusCode::UNAVAILABLE, "", details}));
}

}  // namespace
}  // namespace ledger
