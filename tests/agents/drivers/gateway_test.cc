#include <catch2/catch.hpp>

#include <deque>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "agents/drivers/gateway/drivers.h"
#include "agents/drivers/probe/canary.h"
#include "hamisha/action/v1/gateway.pb.h"
#include "hamisha/ledger/v1/gateway.grpc.pb.h"
#include "hamisha/ledger/v1/ledger.grpc.pb.h"
#include "rpc/rpc.h"
#include "tests/agents/drivers/drive.h"

namespace agents {
namespace {

namespace action = ::hamisha::action::v1;
using Strings = std::vector<std::string>;

// A gateway of two shards whose kept writes go away one at each question.
class FakeGateway final : public ledger_pb::Gateway::Service {
 public:
  FakeGateway() {
    for (const uint32_t shard : {0U, 1U}) {
      ledger_pb::ShardGate& gate = *status.add_shards();
      gate.mutable_route()->set_shard(shard);
      gate.mutable_route()->set_node_id(absl::StrCat("source-", shard));
    }
    running_ = *rpc::Serve({.services = {this}});
    AddGatewayDrivers(ledger_pb::Gateway::NewStub(rpc::Connect(running_.address)), drivers);
  }
  ~FakeGateway() override { running_.server->Shutdown(); }

  grpc::Status GetGatewayStatus(grpc::ServerContext* /*context*/,
                                const ledger_pb::GetGatewayStatusRequest* /*request*/,
                                ledger_pb::GatewayStatus* response) override {
    absl::MutexLock lock(&mutex);
    for (ledger_pb::ShardGate& gate : *status.mutable_shards()) {
      if (!gate.holding() && gate.held_requests() > 0) {
        gate.set_held_requests(gate.held_requests() - 1);
      }
    }
    *response = status;
    return grpc::Status::OK;
  }
  grpc::Status Hold(grpc::ServerContext* /*context*/, const ledger_pb::HoldRequest* request,
                    ledger_pb::GatewayStatus* response) override {
    return Set(request->shards(), true, absl::StrCat("hold ", request->bounds().max_requests()),
               response);
  }
  grpc::Status Release(grpc::ServerContext* /*context*/, const ledger_pb::ReleaseRequest* request,
                       ledger_pb::GatewayStatus* response) override {
    return Set(request->shards(), false, "release", response);
  }
  grpc::Status Route(grpc::ServerContext* /*context*/, const ledger_pb::RouteRequest* request,
                     ledger_pb::GatewayStatus* response) override {
    absl::MutexLock lock(&mutex);
    for (const ledger_pb::ShardRoute& route : request->routes()) {
      told.push_back(
          absl::StrCat("shard ", route.shard(), " to ", route.node_id(), " epoch ", route.epoch()));
      *status.mutable_shards(static_cast<int>(route.shard()))->mutable_route() = route;
    }
    *response = status;
    return grpc::Status::OK;
  }

  grpc::Status Restrict(grpc::ServerContext* /*context*/, const ledger_pb::RestrictRequest* request,
                        ledger_pb::GatewayStatus* response) override {
    absl::MutexLock lock(&mutex);
    told.push_back(request->ShortDebugString());
    if (request->has_close()) *status.mutable_closed() = request->close();
    if (request->has_open() || request->open_all()) status.clear_closed();
    *response = status;
    return grpc::Status::OK;
  }

  absl::Mutex mutex;
  ledger_pb::GatewayStatus status;
  Strings told;
  Drivers drivers;

 private:
  template <typename Shards>
  grpc::Status Set(const Shards& shards, bool holding, const std::string& what,
                   ledger_pb::GatewayStatus* response) {
    absl::MutexLock lock(&mutex);
    told.push_back(what);
    for (const uint32_t shard : shards) {
      status.mutable_shards(static_cast<int>(shard))->set_holding(holding);
    }
    *response = status;
    return grpc::Status::OK;
  }

  rpc::RunningServer running_;
};

template <typename Action>
pb::Order GatewayOrder(pb::Mode mode, const Action& message) {
  return MakeOrder("gateway-0", mode, message, {0, 1});
}

TEST_CASE("hold keeps writes, and its undo lets them go", "[drivers]") {
  FakeGateway gateway;
  action::GatewayHold hold;
  hold.mutable_max_hold()->set_seconds(20);
  hold.set_max_requests(7);
  CHECK(Drive(gateway.drivers, GatewayOrder(pb::MODE_PROBE, hold)).outcome() == pb::OUTCOME_FAILED);
  CHECK(Drive(gateway.drivers, GatewayOrder(pb::MODE_CHECK, hold)).outcome() ==
        pb::OUTCOME_SUCCEEDED);
  CHECK(Drive(gateway.drivers, GatewayOrder(pb::MODE_APPLY, hold)).outcome() ==
        pb::OUTCOME_SUCCEEDED);
  CHECK(Drive(gateway.drivers, GatewayOrder(pb::MODE_PROBE, hold)).outcome() ==
        pb::OUTCOME_SUCCEEDED);
  CHECK(Drive(gateway.drivers, GatewayOrder(pb::MODE_UNDO, hold)).outcome() ==
        pb::OUTCOME_SUCCEEDED);
  CHECK(gateway.told == Strings{"hold 7", "release"});
  gateway.status.mutable_shards(0)->set_holding(true);
  CHECK(Drive(gateway.drivers, GatewayOrder(pb::MODE_PROBE, hold)).outcome() ==
        pb::OUTCOME_UNKNOWN);
}

TEST_CASE("restrict closes classes of writes, and its undo opens just these", "[drivers]") {
  FakeGateway gateway;
  action::GatewayRestrict restrict;
  restrict.set_new_accounts(true);
  restrict.add_transfer_codes(7);
  CHECK(Drive(gateway.drivers, GatewayOrder(pb::MODE_PROBE, restrict)).outcome() ==
        pb::OUTCOME_FAILED);
  const auto result = Drive(gateway.drivers, GatewayOrder(pb::MODE_APPLY, restrict));
  CHECK(result.outcome() == pb::OUTCOME_SUCCEEDED);
  CHECK(result.message() == "closed: new accounts, transfers of code 7");
  CHECK(Drive(gateway.drivers, GatewayOrder(pb::MODE_PROBE, restrict)).outcome() ==
        pb::OUTCOME_SUCCEEDED);
  gateway.status.mutable_closed()->set_new_accounts(false);
  CHECK(Drive(gateway.drivers, GatewayOrder(pb::MODE_PROBE, restrict)).outcome() ==
        pb::OUTCOME_UNKNOWN);
  CHECK(Drive(gateway.drivers, GatewayOrder(pb::MODE_UNDO, restrict)).outcome() ==
        pb::OUTCOME_SUCCEEDED);
  CHECK(gateway.told == Strings{"close { new_accounts: true transfer_codes: 7 }",
                                "open { new_accounts: true transfer_codes: 7 }"});
}

TEST_CASE("reopen opens all that was closed", "[drivers]") {
  FakeGateway gateway;
  gateway.status.mutable_closed()->set_balance_limits(true);
  const action::GatewayReopen reopen;
  CHECK(Drive(gateway.drivers, GatewayOrder(pb::MODE_PROBE, reopen)).outcome() ==
        pb::OUTCOME_FAILED);
  CHECK(Drive(gateway.drivers, GatewayOrder(pb::MODE_APPLY, reopen)).outcome() ==
        pb::OUTCOME_SUCCEEDED);
  CHECK(gateway.told == Strings{"open_all: true"});
}

TEST_CASE("release waits until nothing is kept, and tells what was", "[drivers]") {
  FakeGateway gateway;
  ledger_pb::ShardGate& gate = *gateway.status.mutable_shards(1);
  gate.set_holding(true);
  gate.set_held_requests(5);
  gate.mutable_held_longest()->set_nanos(345'000'000);
  const auto result =
      Drive(gateway.drivers, GatewayOrder(pb::MODE_APPLY, action::GatewayRelease()));
  CHECK(result.outcome() == pb::OUTCOME_SUCCEEDED);
  CHECK(result.facts().at("held_requests") == "5");
  CHECK(result.facts().at("held_longest_ms") == "345");
  CHECK(gateway.status.shards(1).held_requests() == 0);
}

TEST_CASE("a release that does not drain in time is unknown", "[drivers]") {
  FakeGateway gateway;
  gateway.status.mutable_shards(1)->set_held_requests(1'000'000);
  auto order = GatewayOrder(pb::MODE_APPLY, action::GatewayRelease());
  order.mutable_timeout()->set_seconds(0);
  order.mutable_timeout()->set_nanos(100'000'000);
  CHECK(Drive(gateway.drivers, order).outcome() == pb::OUTCOME_UNKNOWN);
}

TEST_CASE("route takes the epoch from the newest certificate, if that names the node",
          "[drivers]") {
  FakeGateway gateway;
  action::GatewayRoute route;
  route.set_to("target");
  auto order = GatewayOrder(pb::MODE_APPLY, route);
  *order.add_certificates() = SealOf(1, "source-0", "target-0");
  *order.add_certificates() = SealOf(1, "source-1", "target-1");
  *order.add_certificates() = SealOf(2, "target-1", "source-1");
  CHECK(Drive(gateway.drivers, order).outcome() == pb::OUTCOME_SUCCEEDED);
  CHECK(gateway.told == Strings{"shard 0 to target-0 epoch 2", "shard 1 to target-1 epoch 0"});
  CHECK(Drive(gateway.drivers, GatewayOrder(pb::MODE_PROBE, route)).outcome() ==
        pb::OUTCOME_SUCCEEDED);
  route.set_to("source");
  CHECK(Drive(gateway.drivers, GatewayOrder(pb::MODE_PROBE, route)).outcome() ==
        pb::OUTCOME_FAILED);
  route.set_to("moon");
  const auto result = Drive(gateway.drivers, GatewayOrder(pb::MODE_APPLY, route));
  CHECK(result.outcome() == pb::OUTCOME_FAILED);
  CHECK_THAT(result.message(), Catch::Contains("no node on site 'moon'"));
}

TEST_CASE("a way back that finds its gateway as it is to be has undone nothing", "[drivers]") {
  FakeGateway gateway;
  action::GatewayRoute route;
  route.set_to("source");
  const auto was_there = Drive(gateway.drivers, GatewayOrder(pb::MODE_BACK, route));
  CHECK(was_there.outcome() == pb::OUTCOME_SUCCEEDED);
  CHECK(was_there.nothing_to_do());
  route.set_to("target");
  CHECK_FALSE(Drive(gateway.drivers, GatewayOrder(pb::MODE_BACK, route)).nothing_to_do());
  action::GatewayHold hold;
  hold.mutable_max_hold()->set_seconds(20);
  CHECK_FALSE(Drive(gateway.drivers, GatewayOrder(pb::MODE_BACK, hold)).nothing_to_do());
  CHECK(Drive(gateway.drivers, GatewayOrder(pb::MODE_BACK, hold)).nothing_to_do());
}

// A ledger just good enough for canaries.
class FakeLedger final : public ledger_pb::Ledger::Service {
 public:
  FakeLedger() {
    running_ = *rpc::Serve({.services = {this}});
    AddCanaryDriver(ledger_pb::Ledger::NewStub(rpc::Connect(running_.address)), drivers);
  }
  ~FakeLedger() override { running_.server->Shutdown(); }

  grpc::Status CreateAccounts(grpc::ServerContext* /*context*/,
                              const ledger_pb::CreateAccountsRequest* request,
                              ledger_pb::CreateResponse* response) override {
    absl::MutexLock lock(&mutex);
    if (const auto error = NextError(); !error.ok()) return error;
    for (int index = 0; index < request->accounts_size(); ++index) {
      const auto& account = request->accounts(index);
      if (!accounts.emplace(KeyOf(account.id()), account).second) Add(index, 21, response);
    }
    return grpc::Status::OK;
  }
  grpc::Status CreateTransfers(grpc::ServerContext* /*context*/,
                               const ledger_pb::CreateTransfersRequest* request,
                               ledger_pb::CreateResponse* response) override {
    absl::MutexLock lock(&mutex);
    for (int index = 0; index < request->transfers_size(); ++index) {
      const auto& transfer = request->transfers(index);
      if (!transfers.emplace(KeyOf(transfer.id()), transfer).second) {
        Add(index, 46, response);
        continue;
      }
      auto& debit = accounts.at(KeyOf(transfer.debit_account_id()));
      debit.set_debits_posted(debit.debits_posted() + transfer.amount());
      auto& credit = accounts.at(KeyOf(transfer.credit_account_id()));
      credit.set_credits_posted(credit.credits_posted() + transfer.amount());
    }
    return NextError();  // Done, but the answer may be lost.
  }
  grpc::Status LookupAccounts(grpc::ServerContext* /*context*/,
                              const ledger_pb::LookupRequest* request,
                              ledger_pb::AccountsResponse* response) override {
    absl::MutexLock lock(&mutex);
    for (const auto& id : request->ids()) *response->add_accounts() = accounts.at(KeyOf(id));
    return grpc::Status::OK;
  }
  grpc::Status LookupTransfers(grpc::ServerContext* /*context*/,
                               const ledger_pb::LookupRequest* request,
                               ledger_pb::TransfersResponse* response) override {
    absl::MutexLock lock(&mutex);
    for (const auto& id : request->ids()) {
      if (!forgets) *response->add_transfers() = transfers.at(KeyOf(id));
    }
    return grpc::Status::OK;
  }

  using Key = std::pair<uint64_t, uint64_t>;
  absl::Mutex mutex;
  std::map<Key, ledger_pb::Account> accounts;
  std::map<Key, ledger_pb::Transfer> transfers;
  std::deque<grpc::StatusCode> errors;
  bool forgets = false;
  Drivers drivers;

 private:
  static Key KeyOf(const ledger_pb::Id& id) { return {id.high(), id.low()}; }
  static void Add(int index, uint32_t code, ledger_pb::CreateResponse* response) {
    response->add_results()->set_index(static_cast<uint32_t>(index));
    response->mutable_results(response->results_size() - 1)->set_code(code);
  }
  grpc::Status NextError() {
    if (errors.empty()) return grpc::Status::OK;
    const grpc::Status error(errors.front(), "because");
    errors.pop_front();
    return error;
  }

  rpc::RunningServer running_;
};

TEST_CASE("a canary moves money there and back on every shard", "[drivers]") {
  FakeLedger ledger;
  auto order = GatewayOrder(pb::MODE_APPLY, action::ProbeCanary());
  SECTION("undisturbed") {}
  SECTION("although answers are lost and bounds are reached") {
    ledger.errors = {grpc::StatusCode::RESOURCE_EXHAUSTED, grpc::StatusCode::UNAVAILABLE,
                     grpc::StatusCode::OK, grpc::StatusCode::UNAVAILABLE};
  }
  SECTION("again and again") {
    CHECK(Drive(ledger.drivers, order).outcome() == pb::OUTCOME_SUCCEEDED);
    CHECK(ledger.transfers.size() == 4);
    ledger.transfers.clear();
    order.mutable_key()->set_attempt(2);
  }
  const auto result = Drive(ledger.drivers, order);
  CAPTURE(result.message());
  CHECK(result.outcome() == pb::OUTCOME_SUCCEEDED);
  CHECK(result.facts().contains("latency_ms_max"));
  CHECK(ledger.accounts.size() == 4);
  CHECK(ledger.transfers.size() == 4);
  for (const auto& [id, account] : ledger.accounts) {
    CHECK(account.debits_posted() == account.credits_posted());
    CHECK((id.first & 0xFFFF) == 0xCA11);
  }
  for (const auto& [id, transfer] : ledger.transfers) {
    CHECK(id.first >> 48 == transfer.debit_account_id().high() >> 48);
  }
}

TEST_CASE("a canary that is refused or not found afterwards fails", "[drivers]") {
  FakeLedger ledger;
  const auto order = GatewayOrder(pb::MODE_APPLY, action::ProbeCanary());
  SECTION("refused") {
    ledger.errors = {grpc::StatusCode::INVALID_ARGUMENT};
    const auto result = Drive(ledger.drivers, order);
    CHECK(result.outcome() == pb::OUTCOME_FAILED);
    CHECK_FALSE(result.mismatch());
  }
  SECTION("not found") {
    ledger.forgets = true;
    const auto result = Drive(ledger.drivers, order);
    CHECK(result.outcome() == pb::OUTCOME_FAILED);
    CHECK(result.mismatch());
  }
}

TEST_CASE("a canary's ids are the same for the same order only", "[drivers]") {
  const pb::OrderKey key = GatewayOrder(pb::MODE_APPLY, action::ProbeCanary()).key();
  std::map<std::string, int> seen;
  const auto note = [&seen](const pb::OrderKey& of, uint32_t shard, uint32_t direction) {
    ++seen[CanaryTransferId(of, shard, direction).SerializeAsString()];
  };
  note(key, 0, 0);
  note(key, 0, 0);
  note(key, 0, 1);
  note(key, 1, 0);
  pb::OrderKey other = key;
  other.set_attempt(2);
  note(other, 0, 0);
  other = key;
  other.set_host("gateway-1");
  note(other, 0, 0);
  other = key;
  other.set_run("run-1s");
  other.set_step("tep");
  note(other, 0, 0);
  CHECK(seen.size() == 6);
}

}  // namespace
}  // namespace agents
