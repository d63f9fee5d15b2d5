#include "ledger/gateway/server.h"

#include <catch2/catch.hpp>

#include <functional>
#include <future>
#include <memory>

#include "base/clock.h"
#include "base/file_system.h"
#include "hamisha/ledger/v1/gateway.grpc.pb.h"
#include "tests/ledger/client/fake_ledger.h"
#include "tests/temporary_folder.h"

namespace ledger {
namespace {

using Mode = FakeLedger::Mode;
using Ids = std::vector<uint64_t>;

struct Answer {
  grpc::Status status;
  pb::CreateResponse response;
};

void SetDeadline(grpc::ClientContext* context) {
  context->set_deadline(absl::ToChronoTime(base::SystemClock().WallNow() + kPatience));
}

// Two shards with a node on each site, and a gateway before them.
class Platform {
 public:
  Platform() { StartGateway(); }

  void StartGateway() {
    server = nullptr;
    pb::GatewayConfig config;
    config.set_data_dir(folder.path());
    config.set_first_site("source");
    AddNode(0, "source", source, &config);
    AddNode(0, "target", target, &config);
    AddNode(1, "source", other_source, &config);
    auto started = GatewayServer::Start(config, base::SystemFileSystem(), base::SystemClock());
    REQUIRE(started.ok());
    server = *std::move(started);
    const auto channel = rpc::Connect(server->address());
    ledger = pb::Ledger::NewStub(channel);
    gateway = pb::Gateway::NewStub(channel);
  }

  std::future<Answer> Send(const pb::CreateTransfersRequest& request) {
    return std::async(std::launch::async, [stub = ledger.get(), request] {
      Answer answer;
      grpc::ClientContext context;
      SetDeadline(&context);
      answer.status = stub->CreateTransfers(&context, request, &answer.response);
      return answer;
    });
  }
  std::future<Answer> Send(uint64_t id) { return Send(TransferOn(0, id)); }

  Ids Lookup(const Ids& ids) {
    grpc::ClientContext context;
    SetDeadline(&context);
    pb::LookupRequest request;
    for (const uint64_t id : ids) request.add_ids()->set_low(id);
    pb::TransfersResponse response;
    REQUIRE(ledger->LookupTransfers(&context, request, &response).ok());
    Ids found;
    for (const pb::Transfer& transfer : response.transfers()) found.push_back(transfer.id().low());
    return found;
  }

  void Hold(absl::Duration max_hold = absl::Seconds(60)) {
    grpc::ClientContext context;
    pb::HoldRequest request;
    request.mutable_bounds()->mutable_max_hold()->set_seconds(absl::ToInt64Seconds(max_hold));
    request.mutable_bounds()->set_max_requests(3);
    pb::GatewayStatus status;
    REQUIRE(gateway->Hold(&context, request, &status).ok());
    CHECK(status.shards(0).holding());
  }
  grpc::Status Route(const std::string& node_id, uint64_t epoch) {
    grpc::ClientContext context;
    pb::RouteRequest request;
    pb::ShardRoute* route = request.add_routes();
    route->set_node_id(node_id);
    route->set_epoch(epoch);
    pb::GatewayStatus status;
    return gateway->Route(&context, request, &status);
  }
  void Release() {
    grpc::ClientContext context;
    pb::GatewayStatus status;
    REQUIRE(gateway->Release(&context, {}, &status).ok());
    CHECK_FALSE(status.shards(0).holding());
  }
  pb::ShardGate Gate() {
    grpc::ClientContext context;
    pb::GatewayStatus status;
    REQUIRE(gateway->GetGatewayStatus(&context, {}, &status).ok());
    return status.shards(0);
  }
  void AwaitHeld(uint64_t requests) {
    const absl::Duration end = base::SystemClock().MonotonicNow() + kPatience;
    while (Gate().held_requests() != requests) {
      REQUIRE(base::SystemClock().MonotonicNow() < end);
    }
  }

  TemporaryFolder folder;
  FakeNode source{0, 1};
  FakeNode target{0, 2};
  FakeNode other_source{1, 1};
  std::unique_ptr<GatewayServer> server;
  std::unique_ptr<pb::Ledger::Stub> ledger;
  std::unique_ptr<pb::Gateway::Stub> gateway;

 private:
  static void AddNode(uint32_t shard, const std::string& site, const FakeNode& fake,
                      pb::GatewayConfig* config) {
    pb::GatewayNode* node = config->add_nodes();
    node->set_shard(shard);
    node->set_node_id(site + "-" + std::to_string(shard));
    node->set_site(site);
    node->set_address(fake.address());
  }
};

void CheckSucceeded(std::future<Answer> future) {
  const Answer answer = future.get();
  CAPTURE(answer.status.error_message());
  CHECK(answer.status.ok());
  CHECK(answer.response.results().empty());
  CHECK(answer.response.commits_size() == 1);
}

TEST_CASE("held writes go to the new route in order of arrival, and reads pass", "[gateway]") {
  Platform platform;
  CheckSucceeded(platform.Send(1));
  platform.Hold();
  std::vector<std::future<Answer>> held;
  for (uint64_t id = 2; id <= 4; ++id) {
    held.push_back(platform.Send(id));
    platform.AwaitHeld(id - 1);
  }
  const Answer late = platform.Send(5).get();
  CHECK(late.status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  CHECK(platform.Lookup({1, 2}) == Ids{1});

  REQUIRE(platform.Route("target-0", 2).ok());
  CHECK(platform.target.ledger.write_calls() == 0);
  platform.Release();
  for (auto& one : held) CheckSucceeded(std::move(one));
  CHECK(platform.target.ledger.Executed() == Ids{2, 3, 4});
  CHECK(platform.target.ledger.write_calls() == 1);
  CHECK(platform.target.ledger.last_epoch() == 2);
  CHECK(platform.source.ledger.Executed() == Ids{1});
  CheckSucceeded(platform.Send(6));
  CHECK(platform.target.ledger.Executed().back() == 6);
}

TEST_CASE("a write that meets the seal is kept and goes to the successor", "[gateway]") {
  Platform platform;
  platform.source.ledger.Set(Mode::kHangs);
  auto met = platform.Send(1);
  platform.source.ledger.AwaitWriteCalls(1);
  platform.Hold();
  auto held = platform.Send(2);
  platform.AwaitHeld(1);
  pb::NotOwner sealed;
  sealed.set_owner("target-0");
  sealed.set_sealed(true);
  platform.source.ledger.Set(Mode::kRefuses, sealed);
  platform.source.ledger.Let();
  platform.AwaitHeld(2);
  REQUIRE(platform.Route("target-0", 2).ok());
  platform.Release();
  CheckSucceeded(std::move(met));
  CheckSucceeded(std::move(held));
  CHECK(platform.target.ledger.Executed() == Ids{1, 2});
}

TEST_CASE("a connection that breaks amid a write is not the client's business", "[gateway]") {
  Platform platform;
  platform.source.ledger.Set(Mode::kExecutesAndHangs);
  auto broken = platform.Send(1);
  platform.source.ledger.AwaitWriteCalls(1);
  platform.source.Break();
  platform.source.ledger.Set(Mode::kServes);
  platform.source.StartAgain();
  CheckSucceeded(std::move(broken));  // Not `exists`.
  CHECK(platform.source.ledger.Executed() == Ids{1});
  CHECK(platform.source.ledger.write_calls() >= 2);
  CheckSucceeded(platform.Send(2));
}

TEST_CASE("a write that hangs on the old node goes to the new one with the rest", "[gateway]") {
  Platform platform;
  platform.source.ledger.Set(Mode::kHangs);
  auto hanging = platform.Send(1);
  platform.source.ledger.AwaitWriteCalls(1);
  platform.Hold();
  auto held = platform.Send(2);
  platform.AwaitHeld(1);
  REQUIRE(platform.Route("target-0", 2).ok());
  platform.Release();
  CheckSucceeded(std::move(hanging));
  CheckSucceeded(std::move(held));
  CHECK(platform.target.ledger.Executed() == Ids{1, 2});
}

TEST_CASE("the way back: the same node in a newer epoch is found without a new route",
          "[gateway]") {
  Platform platform;
  REQUIRE(platform.Route("source-0", 1).ok());
  pb::NotOwner itself;
  itself.set_owner("source-0");
  itself.set_epoch(3);
  platform.source.ledger.Set(Mode::kRefuses, itself);
  auto sent = platform.Send(1);
  platform.source.ledger.AwaitWriteCalls(2);
  CHECK(platform.source.ledger.last_epoch() == 3);
  platform.source.ledger.Set(Mode::kServes);
  CheckSucceeded(std::move(sent));
}

TEST_CASE("routes and holds outlive the gateway", "[gateway]") {
  Platform platform;
  platform.Hold();
  REQUIRE(platform.Route("target-0", 2).ok());
  auto lost = platform.Send(1);
  platform.AwaitHeld(1);
  platform.StartGateway();
  CHECK(lost.get().status.error_code() == grpc::StatusCode::UNAVAILABLE);

  const pb::ShardGate gate = platform.Gate();
  CHECK(gate.holding());
  CHECK(gate.route().node_id() == "target-0");
  CHECK(gate.route().epoch() == 2);
  auto held = platform.Send(1);
  platform.AwaitHeld(1);
  platform.Release();
  CheckSucceeded(std::move(held));
  CHECK(platform.target.ledger.Executed() == Ids{1});

  platform.StartGateway();
  CHECK_FALSE(platform.Gate().holding());
  CHECK(platform.Route("source-0", 1).error_code() == grpc::StatusCode::FAILED_PRECONDITION);
  CHECK(platform.Route("nobody", 3).error_code() == grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_CASE("a request over all shards is executed by each, but for transfers between them",
          "[gateway]") {
  Platform platform;
  pb::CreateTransfersRequest request;
  AddTransfer(1, 1, 1, &request);
  AddTransfer(2, 0, 1, &request);
  AddTransfer(3, 0, 0, &request);
  AddTransfer(4, 1, 1, &request);
  const Answer answer = platform.Send(request).get();
  REQUIRE(answer.status.ok());
  REQUIRE(answer.response.results_size() == 1);
  CHECK(answer.response.results(0).index() == 1);
  CHECK(answer.response.results(0).code() == 1000);
  REQUIRE(answer.response.commits_size() == 2);
  CHECK(answer.response.commits(1).shard() == 1);
  CHECK(platform.source.ledger.Executed() == Ids{3});
  CHECK(platform.other_source.ledger.Executed() == Ids{1, 4});
  CHECK(platform.Lookup({4, 2, 3, 1}) == Ids{4, 3, 1});
}

TEST_CASE("accounts are looked up on their shards and answered in order", "[gateway]") {
  Platform platform;
  pb::LookupRequest request;
  for (const uint64_t shard : Ids{1, 0, 7, 1}) {
    pb::Id* id = request.add_ids();
    id->set_high(shard << 48);
    id->set_low(static_cast<uint64_t>(request.ids_size()));
  }
  grpc::ClientContext context;
  pb::AccountsResponse response;
  REQUIRE(platform.ledger->LookupAccounts(&context, request, &response).ok());
  REQUIRE(response.accounts_size() == 3);
  CHECK(response.accounts(0).id().low() == 1);
  CHECK(response.accounts(1).id().low() == 2);
  CHECK(response.accounts(2).id().low() == 4);
  CHECK(response.accounts(0).code() == 2);
  CHECK(response.accounts(1).code() == 1);
}

TEST_CASE("limits are set and balances read on the account's shard", "[gateway]") {
  Platform platform;
  pb::SetBalanceLimitsRequest request;
  for (const uint64_t shard : Ids{1, 7, 0}) {
    request.add_limits()->mutable_account_id()->set_high(shard << 48);
    request.mutable_limits(request.limits_size() - 1)->mutable_account_id()->set_low(5);
  }
  grpc::ClientContext context;
  pb::CreateResponse response;
  REQUIRE(platform.ledger->SetBalanceLimits(&context, request, &response).ok());
  REQUIRE(response.results_size() == 3);
  CHECK(response.results(0).code() == 1);
  CHECK(response.results(1).code() == 1000);
  CHECK(response.results(2).code() == 1);
  CHECK(response.commits_size() == 2);

  pb::AccountFilter filter;
  filter.mutable_account_id()->set_high(uint64_t{1} << 48);
  filter.mutable_account_id()->set_low(5);
  grpc::ClientContext read;
  pb::BalancesResponse balances;
  REQUIRE(platform.ledger->GetAccountBalances(&read, filter, &balances).ok());
  REQUIRE(balances.balances_size() == 1);
  CHECK(balances.balances(0).debits_posted() == 2);
}

TEST_CASE("a read finds the node again after a break", "[gateway]") {
  Platform platform;
  CheckSucceeded(platform.Send(1));
  platform.source.Break();
  auto read = std::async(std::launch::async, [&] { return platform.Lookup({1}); });
  platform.source.StartAgain();
  CHECK(read.get() == Ids{1});
}

TEST_CASE("a malformed request is refused at the door", "[gateway]") {
  Platform platform;
  pb::CreateTransfersRequest request;
  SECTION("no event") {}
  SECTION("too many events") {
    for (uint64_t id = 0; id < 8'191; ++id) AddTransfer(id, 0, 0, &request);
  }
  SECTION("a code of more than 16 bits") {
    AddTransfer(1, 0, 0, &request);
    request.mutable_transfers(0)->set_code(65'536);
  }
  CHECK(platform.Send(request).get().status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(platform.source.ledger.write_calls() == 0);
}

TEST_CASE("many writes at once are each answered", "[gateway]") {
  Platform platform;
  std::vector<std::future<Answer>> sent;
  for (uint64_t id = 1; id <= 200; ++id) sent.push_back(platform.Send(TransferOn(id % 2, id)));
  for (auto& one : sent) CheckSucceeded(std::move(one));
  CHECK(platform.source.ledger.Executed().size() == 100);
  CHECK(platform.other_source.ledger.Executed().size() == 100);
}

struct BadConfig {
  const char* name;
  std::function<void(pb::GatewayConfig*)> spoil;
  const char* message;
};

TEST_CASE("a configuration that cannot work is refused with what to do", "[gateway]") {
  const TemporaryFolder folder;
  const auto row = GENERATE(values<BadConfig>({
      {"no nodes", [](pb::GatewayConfig* config) { config->clear_nodes(); }, "nodes: is empty"},
      {"no folder", [](pb::GatewayConfig* config) { config->clear_data_dir(); }, "data_dir"},
      {"no such site", [](pb::GatewayConfig* config) { config->set_first_site("moon"); },
       "no node on site \"moon\""},
      {"a name twice", [](pb::GatewayConfig* config) { *config->add_nodes() = config->nodes(0); },
       "node_id of its own"},
      {"not loopback", [](pb::GatewayConfig* config) { config->set_listen("0.0.0.0:0"); },
       "loopback"},
  }));
  DYNAMIC_SECTION(row.name) {
    pb::GatewayConfig config;
    config.set_data_dir(folder.path());
    config.set_first_site("source");
    pb::GatewayNode* node = config.add_nodes();
    node->set_node_id("source-0");
    node->set_site("source");
    node->set_address("127.0.0.1:1");
    row.spoil(&config);
    const auto server = GatewayServer::Start(config, base::SystemFileSystem(), base::SystemClock());
    CHECK(server.status().code() == absl::StatusCode::kInvalidArgument);
    CHECK(std::string(server.status().message()).find(row.message) != std::string::npos);
  }
}

}  // namespace
}  // namespace ledger
