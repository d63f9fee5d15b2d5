#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "tests/agents/drivers/fake_node.h"

namespace agents {
namespace {

TEST_CASE("seal names the shard's node on the site and gives the certificate", "[drivers]") {
  FakeNode node;
  node.status = Primary("source-0");
  const auto result = Drive(node.drivers, MakeOrder("source-0", pb::MODE_APPLY, SealTo("target")));
  CHECK(result.outcome() == pb::OUTCOME_SUCCEEDED);
  CHECK(node.told == Strings{"seal run-1 for target-0"});
  CHECK_FALSE(node.asked);  // The write pause has begun: no question first.
  REQUIRE(result.certificates_size() == 1);
  CHECK(result.facts().at("position") == "10");
  CHECK(result.facts().at("state_root") == "726f6f74");
}

TEST_CASE("what the node answers to a change decides between failed and unknown", "[drivers]") {
  FakeNode node;
  node.status = Primary("source-0");
  struct Row {
    std::vector<grpc::StatusCode> answers;
    pb::Outcome outcome;
    size_t times;
  };
  const auto row = GENERATE(values<Row>({
      {{grpc::StatusCode::FAILED_PRECONDITION}, pb::OUTCOME_FAILED, 1},
      {{grpc::StatusCode::INVALID_ARGUMENT}, pb::OUTCOME_FAILED, 1},
      {{grpc::StatusCode::DEADLINE_EXCEEDED}, pb::OUTCOME_UNKNOWN, 1},
      {{grpc::StatusCode::INTERNAL}, pb::OUTCOME_UNKNOWN, 1},
      {{grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::UNAVAILABLE}, pb::OUTCOME_SUCCEEDED, 3},
  }));
  for (const grpc::StatusCode code : row.answers) node.errors.emplace_back(code, "because");
  const auto result = Drive(node.drivers, MakeOrder("source-0", pb::MODE_APPLY, SealTo("target")));
  CAPTURE(result.message());
  CHECK(result.outcome() == row.outcome);
  CHECK(node.told.size() == row.times);
}

TEST_CASE("a node that nobody can reach leaves a change unknown, a wait failed", "[drivers]") {
  Drivers drivers;
  const auto nowhere = rpc::Connect("127.0.0.1:1");
  AddLedgerDrivers(ledger_pb::Node::NewStub(nowhere), ledger_pb::Verification::NewStub(nowhere),
                   drivers);
  const auto outcome = [&drivers](const google::protobuf::Message& message, pb::Mode mode) {
    pb::Order order = MakeOrder("source-0", mode, message);
    order.mutable_timeout()->set_seconds(0);
    order.mutable_timeout()->set_nanos(100'000'000);
    return Drive(drivers, order).outcome();
  };
  CHECK(outcome(SealTo("target"), pb::MODE_APPLY) == pb::OUTCOME_UNKNOWN);
  CHECK(outcome(SealTo("target"), pb::MODE_PROBE) == pb::OUTCOME_UNKNOWN);
  CHECK(outcome(action::LedgerAwaitPosition(), pb::MODE_APPLY) == pb::OUTCOME_FAILED);
  CHECK(outcome(action::LedgerAwaitPosition(), pb::MODE_PROBE) == pb::OUTCOME_UNKNOWN);
  CHECK(outcome(action::LedgerRefuse(), pb::MODE_BACK) == pb::OUTCOME_FAILED);  // Nothing was sent.
}

TEST_CASE("replicate waits until the stream stands, and takes itself back on a fault",
          "[drivers]") {
  FakeNode node;
  const auto order = MakeOrder("target-0", pb::MODE_APPLY, ReplicateFrom("source"));
  auto standing = Replica("target-0");
  standing.set_following("source-0");
  auto stopped = standing;
  stopped.set_fault("the logs diverge at position 7");
  standing.mutable_lag()->set_connected(true);
  node.status = Replica("target-0");

  SECTION("it stands") {
    node.later = {Replica("target-0"), Replica("target-0"), standing};
    CHECK(Drive(node.drivers, order).outcome() == kOk);
    CHECK(node.told == Strings{"follow 'source-0'"});
  }
  SECTION("it cannot stand") {
    node.later = {Replica("target-0"), stopped};
    const auto result = Drive(node.drivers, order);
    CHECK(result.outcome() == kFailed);
    CHECK_THAT(result.message(), Catch::Contains("diverge at position 7"));
    CHECK(node.told == Strings{"follow 'source-0'", "follow ''"});
  }
}

TEST_CASE("await_position waits for the position and looks at the hash", "[drivers]") {
  FakeNode node;
  auto order = MakeOrder("target-0", pb::MODE_APPLY, action::LedgerAwaitPosition());
  auto behind = Replica("target-0");
  behind.set_position(9);
  behind.set_log_hash("hash-9");
  node.later = {behind, behind, Replica("target-0")};

  SECTION("the order brings the certificate") {
    *order.add_certificates() = SealOf(1, "source-0", "target-0");
  }
  SECTION("the certificate comes with the records") {
    *node.later.back().add_certificates() = SealOf(1, "source-0", "target-0");
  }
  SECTION("an old certificate is waited past") {
    *order.add_certificates() = SealOf(1, "source-0", "target-0", 5);
    for (auto& status : node.later) status.set_epoch(3);
    *node.later.back().add_certificates() = SealOf(3, "source-0", "target-0");
  }
  const auto result = Drive(node.drivers, order);
  CAPTURE(result.message());
  CHECK(result.outcome() == kOk);
  CHECK(node.later.empty());
  CHECK(result.certificates_size() == 1);
  CHECK(result.facts().at("position") == "10");
}

TEST_CASE("await_position fails at once when waiting is of no use", "[drivers]") {
  FakeNode node;
  auto order = MakeOrder("target-0", pb::MODE_APPLY, action::LedgerAwaitPosition());
  *order.add_certificates() = SealOf(1, "source-0", "target-0");
  node.status = Replica("target-0");
  SECTION("another hash") {
    node.status.set_log_hash("another");
    const auto result = Drive(node.drivers, order);
    CHECK(result.outcome() == kFailed);
    CHECK(result.mismatch());
  }
  SECTION("a fault") {
    node.status.set_fault("state root differs at position 8");
    const auto result = Drive(node.drivers, order);
    CHECK(result.outcome() == kFailed);
    CHECK_THAT(result.message(), Catch::Contains("state root differs at position 8"));
  }
}

TEST_CASE("a wait ends when its order is cancelled", "[drivers]") {
  FakeNode node;
  node.status = Replica("target-0");
  const auto order = MakeOrder("target-0", pb::MODE_APPLY, action::LedgerAwaitPosition());
  OrderContext context(order, base::SystemClock(), [](const std::string&) {});
  std::thread canceller([&] {
    absl::MutexLock lock(&node.mutex);
    node.mutex.Await(absl::Condition(&node.asked));
    context.Cancel();
  });
  const auto result = node.drivers.Find(order.action().type_url())->Run(context);
  canceller.join();
  CHECK(result.outcome() == kFailed);
  CHECK_THAT(result.message(), Catch::Contains("cancelled"));
}

TEST_CASE("await_lag says how far a copy is, and waits for what comes behind it", "[drivers]") {
  FakeNode node;
  action::LedgerAwaitLag wanted;
  wanted.mutable_max_lag()->set_seconds(1);
  auto order = MakeOrder("target-0", pb::MODE_APPLY, wanted);
  auto near = Replica("target-0");
  near.set_following("source-0");
  near.mutable_lag()->set_connected(true);
  auto copying = near;
  copying.mutable_lag()->set_records(70'000);
  ledger_pb::CopyProgress& copy = *copying.mutable_copy();
  copy.set_position(69'000);
  copy.set_bytes_done(250'000'000);
  copy.set_bytes_total(1'000'000'000);
  copy.set_accounts_done(5'000'000);
  copy.set_accounts_total(20'000'000);
  copy.set_bytes_per_s(50'000'000);
  copy.mutable_time_left()->set_seconds(15);
  copy.mutable_pacing()->set_held_back_by_commits(true);
  copy.mutable_pacing()->mutable_commit_p99()->set_nanos(9'000'000);
  copy.mutable_pacing()->mutable_commit_p99_before()->set_nanos(4'000'000);
  node.later = {copying, near};
  std::vector<std::string> progress;
  OrderContext context(order, base::SystemClock(),
                       [&](const std::string& message) { progress.push_back(message); });
  CHECK(node.drivers.Find(order.action().type_url())->Run(context).outcome() == kOk);
  CHECK(progress ==
        Strings{"copying record 69,000: 250 of 1000 MB, 5,000,000 of 20,000,000 "
                "accounts, 50 MB/s, 15s left, held back by commits: p99 9ms, before 4ms; "
                "lag 70,000 records"});
}

TEST_CASE("await_lag waits until the replica is near enough", "[drivers]") {
  FakeNode node;
  action::LedgerAwaitLag wanted;
  wanted.mutable_max_lag()->set_seconds(1);
  wanted.set_max_records(100);
  auto order = MakeOrder("target-0", pb::MODE_APPLY, wanted);
  auto far = Replica("target-0");
  far.set_following("source-0");
  far.mutable_lag()->set_connected(true);
  far.mutable_lag()->set_records(1204);
  far.mutable_lag()->mutable_time()->set_nanos(800'000'000);
  auto near = far;
  near.mutable_lag()->set_records(90);
  auto broken = near;
  broken.mutable_lag()->set_connected(false);
  auto unhashed = near;
  unhashed.set_accounts_unhashed(5'000'000);
  auto unhashed_there = near;
  unhashed_there.mutable_lag()->set_source_accounts_unhashed(5'000'000);
  node.later = {far, broken, unhashed, unhashed_there, near};
  std::vector<std::string> progress;
  OrderContext context(order, base::SystemClock(),
                       [&](const std::string& message) { progress.push_back(message); });
  const auto result = node.drivers.Find(order.action().type_url())->Run(context);
  CHECK(result.outcome() == kOk);
  CHECK(result.message() == "lag 90 records, 0.8 s");
  CHECK(node.later.empty());
  CHECK(progress == Strings{"lag 1,204 records, 0.8 s"});

  node.status.set_fault("the source has lost data");
  CHECK(Drive(node.drivers, order).outcome() == kFailed);
}

TEST_CASE("the check of a seal fails while the state root lacks many accounts", "[drivers]") {
  FakeNode node;
  node.status.set_accounts_unhashed(5'000'000);
  auto order = MakeOrder("source-0", pb::MODE_CHECK, SealTo("target"));
  const auto result = Drive(node.drivers, order);
  CHECK(result.outcome() == kFailed);
  CHECK_THAT(result.message(), Catch::Contains("still lacks 5,000,000 accounts"));
}

TEST_CASE("an unequal comparison is a failure that names shard and difference", "[drivers]") {
  FakeNode node;
  node.status = Replica("target-0");
  auto order = MakeOrder("target-0", pb::MODE_APPLY, action::LedgerCompare());
  *order.add_certificates() = SealOf(1, "source-0", "target-0");
  node.comparison.set_equal(true);
  CHECK(Drive(node.drivers, order).outcome() == kOk);
  node.comparison.set_equal(false);
  node.comparison.set_difference("the state root");
  const auto result = Drive(node.drivers, order);
  CHECK(result.outcome() == kFailed);
  CHECK(result.mismatch());
  CHECK_THAT(result.message(), Catch::Contains("shard 0") && Catch::Contains("the state root"));
}

}  // namespace
}  // namespace agents
