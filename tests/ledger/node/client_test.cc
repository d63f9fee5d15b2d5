// What clients see of one node.
#include <catch2/catch.hpp>

#include <set>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "ledger/node/config.h"
#include "tests/ledger/node/cluster.h"
#include "tests/ledger/storage/memory_file_system.h"

namespace ledger {
namespace {

constexpr int kExists = 46;

TEST_CASE("what was created is looked up", "[node]") {
  Cluster cluster({"source"});
  auto& ledger = cluster.ledger("source");
  const auto accounts = Create(ledger, Accounts(1, 3));
  REQUIRE(accounts.ok());
  CHECK(accounts.response.results_size() == 0);
  REQUIRE(accounts.response.commits_size() == 1);
  CHECK(accounts.response.commits(0).shard() == Cluster::kShard);
  CHECK(accounts.response.commits(0).epoch() == 1);
  CHECK(accounts.response.commits(0).position() == 2);

  auto request = Transfers(1, 3, 5);
  request.mutable_transfers(1)->mutable_credit_account_id()->set_low(99);
  const auto transfers = Create(ledger, request);
  REQUIRE(transfers.ok());
  REQUIRE(transfers.response.results_size() == 1);
  CHECK(transfers.response.results(0).index() == 1);
  CHECK(transfers.response.results(0).code() == 22);  // credit_account_not_found
  CHECK(transfers.response.commits(0).position() == 3);

  pb::LookupRequest ids;
  *ids.add_ids() = AccountId(2);
  *ids.add_ids() = AccountId(77);
  *ids.add_ids() = AccountId(1);
  const auto found = Call(ledger, &pb::Ledger::Stub::LookupAccounts, ids);
  REQUIRE(found.ok());
  REQUIRE(found.response.accounts_size() == 2);
  CHECK(found.response.accounts(0).credits_posted() == 10);
  CHECK(found.response.accounts(1).debits_posted() == 10);
  CHECK(found.response.accounts(1).code() == 10);

  pb::AccountFilter filter;
  *filter.mutable_account_id() = AccountId(1);
  filter.set_debits(true);
  filter.set_limit(10);
  filter.set_reversed(true);
  const auto history = Call(ledger, &pb::Ledger::Stub::GetAccountTransfers, filter);
  REQUIRE(history.ok());
  REQUIRE(history.response.transfers_size() == 2);
  CHECK(history.response.transfers(0).id().low() == 3);
  CHECK(history.response.transfers(0).timestamp_ns() ==
        transfers.response.commits(0).timestamp_ns());
  pb::LookupRequest transfer_ids;
  *transfer_ids.add_ids() = history.response.transfers(1).id();
  const auto again = Call(ledger, &pb::Ledger::Stub::LookupTransfers, transfer_ids);
  REQUIRE(again.ok());
  REQUIRE(again.response.transfers_size() == 1);
  CHECK(again.response.transfers(0).SerializeAsString() ==
        history.response.transfers(1).SerializeAsString());
}

TEST_CASE("what no batch can hold is refused and changes nothing", "[node]") {
  Cluster cluster({"source"});
  auto& ledger = cluster.ledger("source");
  const auto check = [](const grpc::Status& status, const std::string& word) {
    CAPTURE(status.error_message());
    CHECK(status.error_code() == grpc::INVALID_ARGUMENT);
    CHECK(status.error_message().find(word) != std::string::npos);
  };
  check(Create(ledger, Transfers(1, 0)).status, "empty");
  check(Create(ledger, Transfers(1, 8'191)).status, "8190");
  check(Create(ledger, Accounts(1, 8'191)).status, "8190");
  auto code = Transfers(1, 2);
  code.mutable_transfers(1)->set_code(65'536);
  check(Create(ledger, code).status, "event 1: code is 65536");
  auto flags = Accounts(1, 1);
  flags.mutable_accounts(0)->set_flags(65'536);
  check(Create(ledger, flags).status, "event 0: flags is 65536");
  pb::LookupRequest ids;
  for (uint64_t i = 0; i < 8'191; ++i) *ids.add_ids() = AccountId(i);
  check(Call(ledger, &pb::Ledger::Stub::LookupAccounts, ids).status, "8190");
  check(Call(ledger, &pb::Ledger::Stub::LookupTransfers, ids).status, "8190");
  pb::AccountFilter filter;
  filter.set_limit(8'191);
  check(Call(ledger, &pb::Ledger::Stub::GetAccountTransfers, filter).status, "8190");
  CHECK(cluster.Status("source").position() == 1);
  CHECK(Create(ledger, Transfers(1, 8'190)).ok());
}

TEST_CASE("a sender of another epoch is refused and told", "[node]") {
  Cluster cluster({"source"});
  auto request = Accounts(1, 2);
  request.set_epoch(2);
  const auto refused = Create(cluster.ledger("source"), request);
  CHECK(refused.status.error_code() == grpc::FAILED_PRECONDITION);
  CHECK(refused.not_owner().owner() == "source");
  CHECK(refused.not_owner().epoch() == 1);
  CHECK(refused.not_owner().shard() == Cluster::kShard);
  CHECK(refused.not_owner().address() == "clients.of.source:1");
  CHECK_FALSE(refused.not_owner().sealed());
  request.set_epoch(1);
  CHECK(Create(cluster.ledger("source"), request).ok());
}

TEST_CASE("a restart brings back the same state, and repeats are answered again", "[node]") {
  Cluster cluster({"source"});
  REQUIRE(Create(cluster.ledger("source"), Accounts(1, 3)).ok());
  for (uint64_t id = 1; id < 100; id += 10) {
    REQUIRE(Create(cluster.ledger("source"), Transfers(id, 10)).ok());
  }
  pb::NodeStatus before = cluster.Status("source");
  cluster.Restart("source");
  pb::NodeStatus after = cluster.Status("source");
  // Of commits, which a restart forgets.
  before.clear_commit_p99();
  after.clear_commit_p99();
  CHECK(before.ShortDebugString() == after.ShortDebugString());
  CHECK(after.role() == pb::ROLE_PRIMARY);
  CHECK(after.transfers() == 100);
  const auto repeat = Create(cluster.ledger("source"), Transfers(95, 7));
  REQUIRE(repeat.response.results_size() == 6);
  CHECK(repeat.response.results(5).code() == kExists);
}

TEST_CASE("times grow over all events while the clock stands still", "[node]") {
  Cluster cluster({"source"});
  const base::ManualClock clock(absl::UnixEpoch() + absl::Hours(1));
  cluster.Stop("source");
  cluster.Start("source", [&](NodeOptions& options) { options.clock = &clock; });
  const auto accounts = Create(cluster.ledger("source"), Accounts(1, 3));
  const auto transfers = Create(cluster.ledger("source"), Transfers(1, 5));
  const auto more = Create(cluster.ledger("source"), Transfers(6, 1));
  REQUIRE(more.ok());
  const uint64_t start = accounts.response.commits(0).timestamp_ns();
  CHECK(transfers.response.commits(0).timestamp_ns() == start + 5);
  CHECK(more.response.commits(0).timestamp_ns() == start + 6);
}

TEST_CASE("many callers at once are each answered for their own batch", "[node]") {
  constexpr int kCallers = 8;
  constexpr int kBatches = 50;
  Cluster cluster({"source"});
  auto& ledger = cluster.ledger("source");
  REQUIRE(Create(ledger, Accounts(1, 2)).ok());
  std::vector<std::vector<uint64_t>> times(kCallers);
  std::vector<std::thread> callers;
  for (size_t caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&ledger, caller, &seen = times[caller]] {
      for (uint64_t i = 0; i < kBatches; ++i) {
        const auto answer = Create(ledger, Transfers(1 + caller * 1'000 + i, 1));
        if (answer.ok() && answer.response.results_size() == 0) {
          seen.push_back(answer.response.commits(0).timestamp_ns());
        }
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  std::set<uint64_t> all;
  for (const auto& seen : times) {
    CHECK(seen.size() == kBatches);
    CHECK(std::is_sorted(seen.begin(), seen.end()));
    all.insert(seen.begin(), seen.end());
  }
  CHECK(all.size() == kCallers * kBatches);
  CHECK(cluster.Status("source").transfers() == kCallers * kBatches);
}

TEST_CASE("past its bound the node asks clients to come again, and still obeys orders", "[node]") {
  Cluster cluster({"source"});
  cluster.Stop("source");
  cluster.Start("source", [](NodeOptions& options) { options.requests_max = 0; });
  const auto refused = Create(cluster.ledger("source"), Accounts(1, 1));
  CHECK(refused.status.error_code() == grpc::RESOURCE_EXHAUSTED);
  CHECK(cluster.Status("source").role() == pb::ROLE_PRIMARY);
}

TEST_CASE("after a disk error nothing is acknowledged any more", "[node]") {
  Cluster cluster({"source"});
  cluster.Stop("source");
  MemoryFileSystem disk;
  NodeOptions options = cluster.Options("source");
  options.files = &disk;
  const std::string key = options.config.data_dir() + "/key.pem";
  REQUIRE(disk.Replace(key, base::SystemFileSystem().Read(key).value()).ok());
  REQUIRE(Bootstrap(options).ok());
  std::atomic<int> fatal = 0;
  cluster.Start("source", [&](NodeOptions& changed) {
    changed.files = &disk;
    changed.on_fatal = [&](const absl::Status&) { ++fatal; };
  });
  REQUIRE(Create(cluster.ledger("source"), Accounts(1, 2)).ok());
  disk.FailAfter(GENERATE(0, 1));  // The write, or the sync.
  const auto lost = Create(cluster.ledger("source"), Transfers(1, 1));
  CAPTURE(lost.status.error_message());
  CHECK(lost.status.error_code() == grpc::UNAVAILABLE);
  CHECK(lost.status.error_message().find("the test's disk fails") != std::string::npos);
  CHECK(Create(cluster.ledger("source"), Transfers(2, 1)).status.error_code() == grpc::UNAVAILABLE);
  pb::LookupRequest ids;
  CHECK(
      Call(cluster.ledger("source"), &pb::Ledger::Stub::LookupAccounts, ids).status.error_code() ==
      grpc::UNAVAILABLE);
  CHECK(Seal(cluster.node("source"), "run", "source").status.error_code() == grpc::UNAVAILABLE);
  CHECK(fatal == 1);
  cluster.Stop("source");
}

TEST_CASE("a node does not start where it would do harm", "[node]") {
  Cluster cluster;
  const auto message = [](const absl::Status& status) { return std::string(status.message()); };
  CHECK_THAT(message(cluster.TryStart("source")), Catch::Contains("in use by another program"));
  CHECK_THAT(message(Bootstrap(cluster.Options("target"))), Catch::Contains("first owner"));
  cluster.Stop("source");
  CHECK_THAT(message(Bootstrap(cluster.Options("source"))), Catch::Contains("empty log"));
  const auto wrong = [&](const std::function<void(pb::NodeConfig&)>& change) {
    return message(
        cluster.TryStart("source", [&](NodeOptions& options) { change(options.config); }));
  };
  CHECK_THAT(wrong([](auto& config) { config.set_node_id("nobody"); }),
             Catch::Contains("not among the members"));
  CHECK_THAT(wrong([](auto& config) { config.mutable_members(0)->set_public_key("12"); }),
             Catch::Contains("64 hexadecimal digits"));
  CHECK_THAT(wrong([](auto& config) { config.mutable_members(1)->set_node_id("source"); }),
             Catch::Contains("twice"));
  CHECK_THAT(wrong([](auto& config) {
               config.mutable_members(0)->set_public_key(config.members(1).public_key());
             }),
             Catch::Contains("not the one that the members list"));
  CHECK_THAT(wrong([&](auto& config) { config.set_data_dir(cluster.DataDir("elsewhere")); }),
             Catch::Contains("hamisha-ledger init"));
  CHECK_THAT(wrong([](auto& config) { config.set_listen("0.0.0.0:0"); }),
             Catch::Contains("loopback"));
  cluster.Start("source");
}

TEST_CASE("faults can be made only where they are allowed", "[node]") {
  Cluster cluster({"source"});
  cluster.Stop("source");
  cluster.Start("source", [](NodeOptions& options) { options.config.set_lab_faults(false); });
  const auto answer =
      Call(cluster.faults("source"), &pb::Faults::Stub::FlipStateBit, pb::FlipStateBitRequest());
  CHECK(answer.status.error_code() == grpc::UNIMPLEMENTED);
}

}  // namespace
}  // namespace ledger
