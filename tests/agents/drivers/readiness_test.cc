// What counts as being in the way of a freeze, row by row, and what the drivers make of it.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agents/drivers/readiness/gateway.h"
#include "agents/drivers/readiness/ledger.h"
#include "tests/agents/drivers/fake_node.h"
#include "tests/temporary_folder.h"

namespace agents {
namespace {

using Catch::Matchers::Contains;

constexpr uint64_t kGiB = uint64_t{1} << 30;

action::LedgerReadiness Wanted() {
  action::LedgerReadiness wanted;
  wanted.set_from("source");
  wanted.set_to("target");
  return wanted;
}

pb::HostFacts GoodMachine() {
  pb::HostFacts machine;
  machine.set_disk_free_bytes(100 * kGiB);
  machine.set_clock_synchronized(true);
  machine.mutable_clock_error_max()->set_nanos(1'000'000);
  return machine;
}

LedgerSituation GoodSource() {
  ledger_pb::TryFollowResponse tried;
  *tried.mutable_status() = Replica("target-0");
  tried.mutable_round_trip()->set_nanos(150'000'000);
  return {.status = Primary("source-0"),
          .machine = GoodMachine(),
          .from = "source-0",
          .to = "target-0",
          .reverse = tried};
}

LedgerSituation GoodTarget() {
  LedgerSituation target = {.status = Replica("target-0"),
                            .machine = GoodMachine(),
                            .from = "source-0",
                            .to = "target-0",
                            .reverse = {}};
  target.status.set_following("source-0");
  target.status.mutable_lag()->set_connected(true);
  return target;
}

// "block: what", "tell: what".
std::vector<std::string> Verdicts(const action::LedgerReadiness& wanted,
                                  const LedgerSituation& situation) {
  std::vector<std::string> verdicts;
  for (const pb::Obstacle& obstacle : ObstaclesOf(wanted, situation)) {
    verdicts.push_back((obstacle.blocks() ? "block: " : "tell: ") + obstacle.what());
    CHECK_FALSE(obstacle.found().empty());
  }
  return verdicts;
}

TEST_CASE("nothing is in the way of two sides that are well", "[readiness]") {
  CHECK(Verdicts(Wanted(), GoodSource()).empty());
  CHECK(Verdicts(Wanted(), GoodTarget()).empty());
}

using Change = std::function<void(LedgerSituation&)>;
using All = std::vector<std::string>;

struct Row {
  std::string what;
  Change change;
  All verdicts;
};

TEST_CASE("each thing on the side that writes has its own judgement", "[readiness]") {
  const auto row = GENERATE(values<Row>({
      {"sealed by an earlier run", [](auto& it) { it.status = Sealed("source-0"); },
       All{"block: leftover"}},
      {"not the owner", [](auto& it) { it.status = Replica("source-0", 2); },
       All{"block: ownership"}},
      {"a tree that lacks accounts", [](auto& it) { it.status.set_accounts_unhashed(5'000'000); },
       All{"block: state_root"}},
      {"slow commits", [](auto& it) { it.status.mutable_commit_p99()->set_nanos(251'000'000); },
       All{"block: commit_latency"}},
      {"commits at the limit",
       [](auto& it) { it.status.mutable_commit_p99()->set_nanos(250'000'000); }, All{}},
      {"many calls that wait", [](auto& it) { it.status.set_calls_waiting(1'001); },
       All{"block: calls_waiting"}},
      {"a pending transfer for another two days",
       [](auto& it) { it.status.mutable_pending_left_longest()->set_seconds(2 * 86'400); },
       All{"tell: pendings"}},
      {"a disk with less than a GiB", [](auto& it) { it.machine.set_disk_free_bytes(kGiB - 1); },
       All{"block: disk_space"}},
      {"a disk with less than two", [](auto& it) { it.machine.set_disk_free_bytes(2 * kGiB - 1); },
       All{"tell: disk_space"}},
      {"a disk that nobody may look at", [](auto& it) { it.machine.clear_disk_free_bytes(); },
       All{"block: disk_space"}},
      {"a clock that may be off by two seconds",
       [](auto& it) { it.machine.mutable_clock_error_max()->set_seconds(2); }, All{"block: clock"}},
      {"a clock that may be off by 200 ms",
       [](auto& it) { it.machine.mutable_clock_error_max()->set_nanos(200'000'000); },
       All{"tell: clock"}},
      {"a clock that nothing sets", [](auto& it) { it.machine.set_clock_synchronized(false); },
       All{"tell: clock"}},
      {"a target that it cannot reach",
       [](auto& it) { it.reverse = absl::UnavailableError("asking target-0: refused"); },
       All{"block: reverse_path"}},
      {"another node at the target's address",
       [](auto& it) { (*it.reverse)->mutable_status()->set_node_id("target-1"); },
       All{"block: reverse_path"}},
      {"a target that is an epoch ahead",
       [](auto& it) { (*it.reverse)->mutable_status()->set_epoch(2); }, All{"block: leftover"}},
      {"a target that has refused what a seal would give it",
       [](auto& it) { (*it.reverse)->mutable_status()->set_refused_epoch(2); },
       All{"block: leftover"}},
      {"a target that refused long ago",
       [](auto& it) { (*it.reverse)->mutable_status()->set_refused_epoch(1); }, All{}},
      {"a target that is sealed from a way back which has ended",
       [](auto& it) {
         it.status.set_epoch(3);
         *(*it.reverse)->mutable_status() = Sealed("target-0", 2);
       },
       All{}},
      {"a target that holds what is three seconds old",
       [](auto& it) {
         it.status.set_timestamp_ns(9'000'000'000);
         (*it.reverse)->mutable_status()->set_following("source-0");
         (*it.reverse)->mutable_status()->set_timestamp_ns(6'000'000'000);
       },
       All{"block: lag"}},
      {"a target that holds what is two seconds and a round trip old",
       [](auto& it) {
         it.status.set_timestamp_ns(9'000'000'000);
         (*it.reverse)->mutable_status()->set_following("source-0");
         (*it.reverse)->mutable_status()->set_timestamp_ns(6'850'000'000);
       },
       All{}},
      {"a link that is slow", [](auto& it) { (*it.reverse)->mutable_round_trip()->set_seconds(2); },
       All{"block: round_trip"}},
  }));
  DYNAMIC_SECTION(row.what) {
    LedgerSituation source = GoodSource();
    row.change(source);
    CHECK(Verdicts(Wanted(), source) == row.verdicts);
  }
}

void SetLag(LedgerSituation& it, int64_t seconds, uint64_t records) {
  it.status.mutable_lag()->set_records(records);
  it.status.mutable_lag()->mutable_time()->set_seconds(seconds);
}

TEST_CASE("each thing on the side that is to write has its own judgement", "[readiness]") {
  const auto row = GENERATE(values<Row>({
      {"two seconds behind", [](auto& it) { SetLag(it, 2, 100); }, All{}},
      {"three seconds behind", [](auto& it) { SetLag(it, 3, 100); }, All{"block: lag"}},
      {"behind, nobody knows since when", [](auto& it) { it.status.mutable_lag()->set_records(7); },
       All{"block: lag"}},
      {"a stream that is broken", [](auto& it) { it.status.mutable_lag()->set_connected(false); },
       All{"block: replication"}},
      {"a copy that is under way", [](auto& it) { it.status.mutable_copy(); },
       All{"block: replication"}},
      {"replication that was not begun", [](auto& it) { it.status.clear_following(); },
       All{"block: replication"}},
      {"replication from elsewhere", [](auto& it) { it.status.set_following("third-0"); },
       All{"block: leftover"}},
      {"writes already", [](auto& it) { it.status = Primary("target-0", 2); },
       All{"block: ownership", "block: replication"}},
      {"sealed on its way back", [](auto& it) { it.status = Sealed("target-0", 2); },
       All{"block: replication"}},
      {"logs that diverge", [](auto& it) { it.status.set_fault("the logs diverge"); },
       All{"block: replication"}},
      {"a state that differs",
       [](auto& it) { it.status.set_state_differs(true), it.status.set_fault("row 7"); },
       All{"block: state"}},
  }));
  DYNAMIC_SECTION(row.what) {
    LedgerSituation target = GoodTarget();
    row.change(target);
    CHECK(Verdicts(Wanted(), target) == row.verdicts);
  }
}

TEST_CASE("limits are the playbook's to say", "[readiness]") {
  action::LedgerReadiness wanted = Wanted();
  LedgerSituation target = GoodTarget();
  SetLag(target, 3, 100);
  wanted.mutable_max_lag()->set_seconds(3);
  CHECK(Verdicts(wanted, target).empty());
  wanted.set_max_lag_records(99);
  CHECK(Verdicts(wanted, target) == All{"block: lag"});

  target = GoodTarget();
  target.status.clear_following();
  wanted.set_replicas_may_be_missing(true);
  CHECK(Verdicts(wanted, target) == All{"tell: replication"});
}

TEST_CASE("an obstacle says how bad it is, what would do, and what to do", "[readiness]") {
  LedgerSituation target = GoodTarget();
  SetLag(target, 12, 60'321);
  target.status.mutable_lag()->set_bytes(7 << 20);
  const auto found = ObstaclesOf(Wanted(), target);
  REQUIRE(found.size() == 1);
  CHECK(Describe(found[0]) ==
        "lag: 12 s, 60,321 records, 7.0 MiB behind (at most 2 s): wait until the replica has "
        "caught up; if it does not, the link or the target's disk is too slow for this load");
}

TEST_CASE("facts are plain numbers", "[readiness]") {
  LedgerSituation target = GoodTarget();
  SetLag(target, 3, 100);
  const auto facts = FactsOf(target);
  CHECK(facts.at("lag_us") == "3000000");
  CHECK(facts.at("lag_records") == "100");
  CHECK(facts.at("disk_free_bytes") == absl::StrCat(100 * kGiB));
  CHECK(FactsOf(GoodSource()).at("round_trip_us") == "150000");
  CHECK_FALSE(FactsOf(GoodSource()).contains("lag_us"));
}

// A fake node of this very process, with a data folder of its own.
struct World {
  World() {
    node.description.set_pid(::getpid());
    node.description.mutable_config()->set_data_dir(folder.path());
    node.status = GoodSource().status;
    node.tried = **GoodSource().reverse;
  }
  pb::OrderResult Run() {
    // Of this machine's disk and clock nothing is expected.
    action::LedgerReadiness wanted = Wanted();
    wanted.set_min_disk_free_mib(1);
    wanted.mutable_max_clock_offset()->set_seconds(1'000'000);
    return Drive(node.drivers, MakeOrder(node.status.node_id(), pb::MODE_APPLY, wanted));
  }

  const TemporaryFolder folder;
  FakeNode node;
};

TEST_CASE("the side that writes tries the reverse path, the other does not", "[drivers]") {
  World world;
  auto result = world.Run();
  CAPTURE(result.message());
  CHECK(result.outcome() == kOk);
  CHECK(world.node.told == Strings{"try to follow target-0"});
  CHECK(result.facts().at("round_trip_us") == "150000");
  CHECK(result.clock_offset_max().seconds() == 1'000'000);

  world.node.told.clear();
  world.node.status = GoodTarget().status;
  result = world.Run();
  CHECK(result.outcome() == kOk);
  CHECK(world.node.told.empty());
}

TEST_CASE("what is in the way refuses, all of it at once", "[drivers]") {
  World world;
  world.node.status = Sealed("source-0");
  world.node.errors = {{grpc::StatusCode::UNAVAILABLE, "asking target-0: no route"}};
  const auto result = world.Run();
  CHECK(result.outcome() == kFailed);
  CHECK(result.refused());
  CHECK_THAT(result.message(), Contains("sealed in epoch 1 for target-0") &&
                                   Contains("hamisha rollback") && Contains("no route"));
  int blocking = 0;
  for (const auto& obstacle : result.obstacles()) blocking += obstacle.blocks() ? 1 : 0;
  CHECK(blocking == 2);
}

TEST_CASE("a ledger node that does not answer is in the way", "[drivers]") {
  Drivers drivers;
  AddReadinessDriver(ledger_pb::Node::NewStub(rpc::Connect("127.0.0.1:1")), drivers);
  pb::Order order = MakeOrder("source-0", pb::MODE_APPLY, Wanted());
  order.mutable_timeout()->set_seconds(0);
  order.mutable_timeout()->set_nanos(100'000'000);
  const auto result = Drive(drivers, order);
  CHECK(result.outcome() == kFailed);
  CHECK(result.refused());
  REQUIRE(result.obstacles_size() == 1);
  CHECK(result.obstacles(0).what() == "ledger_node");
}

ledger_pb::GatewayStatus GoodGateway() {
  ledger_pb::GatewayStatus status;
  for (const uint32_t shard : {0U, 1U}) {
    ledger_pb::ShardGate& gate = *status.add_shards();
    gate.mutable_route()->set_shard(shard);
    gate.mutable_route()->set_node_id(absl::StrCat("source-", shard));
    gate.set_in_flight(50);
  }
  return status;
}

TEST_CASE("each thing at a gateway has its own judgement", "[readiness]") {
  struct GatewayRow {
    std::string what;
    std::function<void(ledger_pb::GatewayStatus&)> change;
    All verdicts;
  };
  const auto row = GENERATE(values<GatewayRow>({
      {"well", [](auto& /*it*/) {}, All{}},
      {"holds a shard", [](auto& it) { it.mutable_shards(1)->set_holding(true); },
       All{"block: leftover"}},
      {"lets writes go still", [](auto& it) { it.mutable_shards(0)->set_held_requests(3); },
       All{"block: leftover"}},
      {"routes a shard elsewhere",
       [](auto& it) { it.mutable_shards(1)->mutable_route()->set_node_id("target-1"); },
       All{"block: route"}},
      {"does not know a shard", [](auto& it) { it.mutable_shards()->RemoveLast(); },
       All{"block: route"}},
      {"has closed a class of writes",
       [](auto& it) { it.mutable_closed()->set_new_accounts(true); }, All{"tell: restricted"}},
      {"has many writes out", [](auto& it) { it.mutable_shards(0)->set_in_flight(10'000); },
       All{"block: in_flight"}},
  }));
  action::GatewayReadiness wanted;
  wanted.set_from("source");
  DYNAMIC_SECTION(row.what) {
    ledger_pb::GatewayStatus status = GoodGateway();
    row.change(status);
    All verdicts;
    const auto order = MakeOrder("gateway-0", pb::MODE_APPLY, wanted, {0, 1});
    for (const pb::Obstacle& obstacle : ObstaclesOf(wanted, order, status)) {
      verdicts.push_back((obstacle.blocks() ? "block: " : "tell: ") + obstacle.what());
    }
    CHECK(verdicts == row.verdicts);
  }
}

}  // namespace
}  // namespace agents
