// Classes of writes that a running gateway keeps closed.
#include <catch2/catch.hpp>

#include "base/clock.h"
#include "base/file_system.h"
#include "hamisha/ledger/v1/gateway.grpc.pb.h"
#include "ledger/gateway/server.h"
#include "tests/ledger/client/fake_ledger.h"
#include "tests/temporary_folder.h"

namespace ledger {
namespace {

std::unique_ptr<GatewayServer> StartGateway(const std::string& folder, const FakeNode& node) {
  pb::GatewayConfig config;
  config.set_data_dir(folder);
  config.set_first_site("source");
  pb::GatewayNode& known = *config.add_nodes();
  known.set_node_id("source-0");
  known.set_site("source");
  known.set_address(node.address());
  auto started = GatewayServer::Start(config, base::SystemFileSystem(), base::SystemClock());
  REQUIRE(started.ok());
  return *std::move(started);
}

TEST_CASE("what is closed stays closed across a restart, and all else passes", "[gateway]") {
  const TemporaryFolder folder;
  FakeNode node{0, 1};
  auto server = StartGateway(folder.path(), node);
  grpc::ClientContext context;
  pb::RestrictRequest request;
  request.mutable_close()->set_new_accounts(true);
  pb::GatewayStatus status;
  const auto gateway = pb::Gateway::NewStub(rpc::Connect(server->address()));
  REQUIRE(gateway->Restrict(&context, request, &status).ok());
  CHECK(status.closed().new_accounts());
  server = nullptr;
  server = StartGateway(folder.path(), node);

  const auto ledger = pb::Ledger::NewStub(rpc::Connect(server->address()));
  grpc::ClientContext creating;
  pb::CreateAccountsRequest accounts;
  accounts.add_accounts()->mutable_id()->set_low(1);
  pb::CreateResponse response;
  CHECK(ledger->CreateAccounts(&creating, accounts, &response).error_code() ==
        grpc::StatusCode::RESOURCE_EXHAUSTED);
  grpc::ClientContext transferring;
  CHECK(ledger->CreateTransfers(&transferring, TransferOn(0, 1), &response).ok());
}

}  // namespace
}  // namespace ledger
