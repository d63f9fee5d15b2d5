#include "tests/ledger/node/cluster.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "ledger/node/config.h"
#include "rpc/rpc.h"

namespace ledger {
namespace {

// A bound socket that does not listen: the kernel gives the port to nobody who does not ask for it.
int ReservePort(int& port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  INVARIANT(::bind(descriptor, reinterpret_cast<sockaddr*>(&address), length) == 0);
  INVARIANT(::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  port = ntohs(address.sin_port);
  return descriptor;
}

}  // namespace

Cluster::Cluster(const std::vector<std::string>& nodes) : places_(nodes.size()) {
  for (size_t i = 0; i < nodes.size(); ++i) {
    int port = 0;
    places_[i].reserved_port = ReservePort(port);
    pb::Member& member = places_[i].member;
    member.set_node_id(nodes[i]);
    member.set_site(nodes[i]);
    member.set_address(absl::StrCat("127.0.0.1:", port));
    member.set_client_address(absl::StrCat("clients.of.", nodes[i], ":1"));
    member.set_public_key(CreateKey(base::SystemFileSystem(), DataDir(nodes[i])).value());
  }
  REQUIRE(Bootstrap(Options("source")).ok());
  for (const std::string& node : nodes) Start(node);
}

Cluster::~Cluster() {
  for (Place& place : places_) {
    place.running.reset();
    ::close(place.reserved_port);
  }
}

NodeOptions Cluster::Options(const std::string& node) const {
  NodeOptions options;
  options.checkpoint_interval = absl::InfiniteDuration();
  pb::NodeConfig& config = options.config;
  config.set_shard(kShard);
  config.set_node_id(node);
  config.set_data_dir(DataDir(node));
  config.set_first_owner("source");
  config.set_lab_faults(true);
  for (const Place& place : places_) {
    *config.add_members() = place.member;
    if (place.member.node_id() == node) config.set_listen(place.member.address());
  }
  return options;
}

absl::Status Cluster::TryStart(const std::string& node,
                               const std::function<void(NodeOptions&)>& change) {
  NodeOptions options = Options(node);
  if (change) change(options);
  auto started = LedgerNode::Start(std::move(options));
  if (!started.ok()) return started.status();
  Place& place = At(node);
  place.running = std::move(started).value();
  const auto channel = rpc::Connect(place.running->address());
  place.ledger = pb::Ledger::NewStub(channel);
  place.node = pb::Node::NewStub(channel);
  place.faults = pb::Faults::NewStub(channel);
  place.verification = pb::Verification::NewStub(channel);
  return absl::OkStatus();
}

void Cluster::Start(const std::string& node, const std::function<void(NodeOptions&)>& change) {
  const absl::Status status = TryStart(node, change);
  CAPTURE(status);
  REQUIRE(status.ok());
}

void Cluster::Stop(const std::string& node) { At(node).running.reset(); }

void Cluster::Restart(const std::string& node) {
  Stop(node);
  Start(node);
}

std::string Cluster::DataDir(const std::string& node) const {
  return absl::StrCat(folder_.path(), "/", node);
}

std::string Cluster::Address(const std::string& node) const { return At(node).member.address(); }

pb::NodeStatus Cluster::Status(const std::string& node) {
  const auto answer = Call(*At(node).node, &pb::Node::Stub::GetStatus, pb::GetStatusRequest());
  CAPTURE(answer.status.error_message());
  REQUIRE(answer.ok());
  return answer.response;
}

pb::NodeStatus Cluster::Await(const std::string& node,
                              const std::function<bool(const pb::NodeStatus&)>& is_wanted) {
  pb::NodeStatus status;
  for (int tries = 0; tries < 50'000; ++tries) {
    status = Status(node);
    if (is_wanted(status)) return status;
  }
  FAIL("not reached: " << status.ShortDebugString());
  return status;
}

void Cluster::AwaitPosition(const std::string& node, uint64_t position) {
  Await(node, [&](const pb::NodeStatus& status) { return status.position() >= position; });
}

pb::NodeStatus Cluster::AwaitCopied(const std::string& node, uint64_t position) {
  for (int tries = 0; tries < 200'000; ++tries) {
    const auto answer = Call(*At(node).node, &pb::Node::Stub::GetStatus, pb::GetStatusRequest());
    if (answer.ok() && answer.response.position() >= position) return answer.response;
    if (answer.ok() && !answer.response.fault().empty()) FAIL(answer.response.fault());
  }
  FAIL("not reached: " << position);
  return {};
}

void Cluster::Follow(const std::string& node, const std::string& followed) {
  pb::FollowRequest request;
  request.set_node_id(followed);
  const auto answer = Call(*At(node).node, &pb::Node::Stub::Follow, request);
  CAPTURE(answer.status.error_message());
  REQUIRE(answer.ok());
  REQUIRE(answer.response.following() == followed);
}

const Cluster::Place& Cluster::At(const std::string& node) const {
  for (const Place& place : places_) {
    if (place.member.node_id() == node) return place;
  }
  UNREACHABLE();
}

Cluster::Place& Cluster::At(const std::string& node) {
  for (Place& place : places_) {
    if (place.member.node_id() == node) return place;
  }
  UNREACHABLE();
}

bool HasAllHashed(const pb::NodeStatus& status) { return status.accounts_unhashed() == 0; }

pb::Id AccountId(uint64_t number) {
  pb::Id id;
  id.set_high(uint64_t{Cluster::kShard} << 48);
  id.set_low(number);
  return id;
}

pb::CreateAccountsRequest Accounts(uint64_t first, int count) {
  pb::CreateAccountsRequest request;
  for (int i = 0; i < count; ++i) {
    pb::Account& account = *request.add_accounts();
    *account.mutable_id() = AccountId(first + static_cast<uint64_t>(i));
    account.set_ledger(1);
    account.set_code(10);
  }
  return request;
}

pb::CreateTransfersRequest Transfers(uint64_t first_id, int count, uint64_t amount) {
  pb::CreateTransfersRequest request;
  for (int i = 0; i < count; ++i) {
    pb::Transfer& transfer = *request.add_transfers();
    transfer.mutable_id()->set_high(7);
    transfer.mutable_id()->set_low(first_id + static_cast<uint64_t>(i));
    *transfer.mutable_debit_account_id() = AccountId(1);
    *transfer.mutable_credit_account_id() = AccountId(2);
    transfer.set_amount(amount);
    transfer.set_ledger(1);
    transfer.set_code(20);
  }
  return request;
}

Answer<pb::CreateResponse> Create(pb::Ledger::Stub& stub,
                                  const pb::CreateAccountsRequest& request) {
  return Call(stub, &pb::Ledger::Stub::CreateAccounts, request);
}

Answer<pb::CreateResponse> Create(pb::Ledger::Stub& stub,
                                  const pb::CreateTransfersRequest& request) {
  return Call(stub, &pb::Ledger::Stub::CreateTransfers, request);
}

Answer<pb::Signed> Seal(pb::Node::Stub& stub, const std::string& run, const std::string& successor,
                        uint64_t epoch) {
  pb::SealRequest request;
  request.set_run(run);
  request.set_successor(successor);
  request.set_epoch(epoch);
  return Call(stub, &pb::Node::Stub::Seal, request);
}

Answer<pb::OwnershipChange> Open(pb::Node::Stub& stub, const pb::Signed& certificate) {
  return Call(stub, &pb::Node::Stub::Open, certificate);
}

Answer<pb::Signed> Refuse(pb::Node::Stub& stub, const pb::Signed& certificate) {
  return Call(stub, &pb::Node::Stub::Refuse, certificate);
}

Answer<pb::OwnershipChange> Unseal(pb::Node::Stub& stub, const pb::Signed& certificate) {
  return Call(stub, &pb::Node::Stub::Unseal, certificate);
}

Answer<pb::Comparison> Compare(pb::Node::Stub& stub, const pb::Signed& certificate) {
  return Call(stub, &pb::Node::Stub::Compare, certificate);
}

}  // namespace ledger
