#pragma once

#include <deque>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "agents/drivers/ledger/drivers.h"
#include "hamisha/action/v1/ledger.pb.h"
#include "hamisha/ledger/v1/node.grpc.pb.h"
#include "hamisha/ledger/v1/verification.grpc.pb.h"
#include "rpc/rpc.h"
#include "tests/agents/drivers/drive.h"

namespace agents {

namespace action = ::hamisha::action::v1;

inline constexpr auto kOk = pb::OUTCOME_SUCCEEDED;
inline constexpr auto kFailed = pb::OUTCOME_FAILED;
inline constexpr auto kUnknown = pb::OUTCOME_UNKNOWN;

// What it says of its state.
class FakeVerification final : public ledger_pb::Verification::Service {
 public:
  grpc::Status VerifyAgainst(grpc::ServerContext* /*context*/,
                             const ledger_pb::VerifyAgainstRequest* request,
                             ledger_pb::VerifyAgainstResponse* response) override {
    absl::MutexLock lock(&mutex);
    asked.push_back("verify against " + request->node_id());
    if (!errors.empty()) {
      const grpc::Status error = errors.front();
      errors.pop_front();
      return error;
    }
    *response = verified;
    return grpc::Status::OK;
  }
  grpc::Status CertifyCutover(grpc::ServerContext* /*context*/, const ledger_pb::Signed* request,
                              ledger_pb::Signed* response) override {
    absl::MutexLock lock(&mutex);
    ledger_pb::SealStatement seal;
    seal.ParseFromString(request->payload());
    asked.push_back(absl::StrCat("certify epoch ", seal.epoch()));
    if (!errors.empty()) {
      const grpc::Status error = errors.front();
      errors.pop_front();
      return error;
    }
    *response = certified;
    return grpc::Status::OK;
  }

  absl::Mutex mutex;
  std::deque<grpc::Status> errors;
  ledger_pb::VerifyAgainstResponse verified;
  ledger_pb::Signed certified;
  std::vector<std::string> asked;
};

// A node that says what the test wants and notes what it is told.
class FakeNode final : public ledger_pb::Node::Service {
 public:
  FakeNode() {
    running_ = *rpc::Serve({.services = {this, &verification}});
    const auto channel = rpc::Connect(running_.address);
    AddLedgerDrivers(ledger_pb::Node::NewStub(channel), ledger_pb::Verification::NewStub(channel),
                     drivers);
  }
  ~FakeNode() override { running_.server->Shutdown(); }

  grpc::Status GetStatus(grpc::ServerContext* /*context*/, const ledger_pb::GetStatusRequest* /**/,
                         ledger_pb::NodeStatus* response) override {
    absl::MutexLock lock(&mutex);
    if (!later.empty()) {
      status = later.front();
      later.pop_front();
    }
    *response = status;
    asked = true;
    return grpc::Status::OK;
  }
  grpc::Status Seal(grpc::ServerContext* /*context*/, const ledger_pb::SealRequest* request,
                    ledger_pb::Signed* response) override {
    if (const auto error = Note("seal " + request->run() + " for " + request->successor());
        !error.ok()) {
      return error;
    }
    absl::MutexLock lock(&mutex);
    *response = SealOf(status.epoch(), status.node_id(), request->successor());
    return grpc::Status::OK;
  }
  grpc::Status Open(grpc::ServerContext* /*context*/, const ledger_pb::Signed* request,
                    ledger_pb::OwnershipChange* response) override {
    ledger_pb::SealStatement statement;
    statement.ParseFromString(request->payload());
    response->set_epoch(statement.epoch() + 1);
    response->set_position(statement.position() + 1);
    return Note(absl::StrCat("open by ", statement.epoch()));
  }
  grpc::Status Refuse(grpc::ServerContext* /*context*/, const ledger_pb::Signed* request,
                      ledger_pb::Signed* response) override {
    ledger_pb::SealStatement statement;
    statement.ParseFromString(request->payload());
    *response = RefusalOf(statement.epoch() + 1, statement.successor());
    return Note(absl::StrCat("refuse ", statement.epoch() + 1));
  }
  grpc::Status Unseal(grpc::ServerContext* /*context*/, const ledger_pb::Signed* request,
                      ledger_pb::OwnershipChange* response) override {
    ledger_pb::RefusalStatement statement;
    statement.ParseFromString(request->payload());
    response->set_epoch(statement.epoch() + 1);
    return Note(absl::StrCat("unseal by ", statement.epoch()));
  }
  grpc::Status Follow(grpc::ServerContext* /*context*/, const ledger_pb::FollowRequest* request,
                      ledger_pb::NodeStatus* response) override {
    if (const auto error = Note("follow '" + request->node_id() + "'"); !error.ok()) return error;
    absl::MutexLock lock(&mutex);
    status.set_following(request->node_id());
    *response = status;
    return grpc::Status::OK;
  }
  grpc::Status Compare(grpc::ServerContext* /*context*/, const ledger_pb::Signed* /*request*/,
                       ledger_pb::Comparison* response) override {
    absl::MutexLock lock(&mutex);
    *response = comparison;
    return grpc::Status::OK;
  }

  grpc::Status TryFollow(grpc::ServerContext* /*context*/,
                         const ledger_pb::TryFollowRequest* request,
                         ledger_pb::TryFollowResponse* response) override {
    if (const auto error = Note("try to follow " + request->node_id()); !error.ok()) return error;
    absl::MutexLock lock(&mutex);
    *response = tried;
    return grpc::Status::OK;
  }

  grpc::Status Describe(grpc::ServerContext* /*context*/,
                        const ledger_pb::DescribeRequest* /*request*/,
                        ledger_pb::NodeDescription* response) override {
    absl::MutexLock lock(&mutex);
    *response = description;
    return grpc::Status::OK;
  }

  NodeStub stub() const { return ledger_pb::Node::NewStub(rpc::Connect(running_.address)); }

  // What the test sets before an order, and sees after it.
  absl::Mutex mutex;
  ledger_pb::NodeStatus status;
  std::deque<ledger_pb::NodeStatus> later;  // Told one by one from the next question on.
  std::deque<grpc::Status> errors;          // Answers to the next changes.
  ledger_pb::Comparison comparison;
  ledger_pb::NodeDescription description;
  ledger_pb::TryFollowResponse tried;
  FakeVerification verification;
  std::vector<std::string> told;
  bool asked = false;
  Drivers drivers;

 private:
  grpc::Status Note(const std::string& what) {
    absl::MutexLock lock(&mutex);
    told.push_back(what);
    if (errors.empty()) return grpc::Status::OK;
    const grpc::Status error = errors.front();
    errors.pop_front();
    return error;
  }

  rpc::RunningServer running_;
};

using Strings = std::vector<std::string>;

inline ledger_pb::NodeStatus StatusOf(ledger_pb::Role role, const std::string& node_id,
                                      uint64_t epoch) {
  ledger_pb::NodeStatus status;
  status.set_shard(0);
  status.set_node_id(node_id);
  status.set_role(role);
  status.set_epoch(epoch);
  status.set_owner(role == ledger_pb::ROLE_REPLICA ? "source-0" : node_id);
  status.set_position(10);
  status.set_log_hash("hash-10");
  return status;
}
inline ledger_pb::NodeStatus Primary(const std::string& node_id, uint64_t epoch = 1) {
  return StatusOf(ledger_pb::ROLE_PRIMARY, node_id, epoch);
}
inline ledger_pb::NodeStatus Replica(const std::string& node_id, uint64_t epoch = 1) {
  return StatusOf(ledger_pb::ROLE_REPLICA, node_id, epoch);
}
inline ledger_pb::NodeStatus Sealed(const std::string& node_id, uint64_t epoch = 1,
                                    const std::string& run = "run-1") {
  ledger_pb::NodeStatus status = StatusOf(ledger_pb::ROLE_SEALED, node_id, epoch);
  const std::string successor = node_id == "source-0" ? "target-0" : "source-0";
  status.set_successor(successor);
  *status.add_certificates() = SealOf(epoch, node_id, successor, 10, run);
  return status;
}

inline action::LedgerSeal SealTo(const std::string& site) {
  action::LedgerSeal seal;
  seal.set_to(site);
  return seal;
}
inline action::LedgerReplicate ReplicateFrom(const std::string& site) {
  action::LedgerReplicate replicate;
  replicate.set_from(site);
  return replicate;
}

}  // namespace agents
