#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hamisha/ledger/v1/ledger.grpc.pb.h"
#include "hamisha/ledger/v1/node.grpc.pb.h"
#include "hamisha/ledger/v1/verification.grpc.pb.h"
#include "ledger/node/node.h"
#include "tests/temporary_folder.h"

namespace ledger {

namespace pb = ::hamisha::ledger::v1;

// Nodes of one shard in this process, with real files and sockets. `source` is bootstrapped.
class Cluster {
 public:
  static constexpr uint32_t kShard = 3;

  // All started but those that a test starts itself.
  explicit Cluster(const std::vector<std::string>& nodes = {"source", "target"});
  ~Cluster();

  // `change` may set what the options say.
  absl::Status TryStart(const std::string& node,
                        const std::function<void(NodeOptions&)>& change = {});
  void Start(const std::string& node, const std::function<void(NodeOptions&)>& change = {});
  void Stop(const std::string& node);
  void Restart(const std::string& node);
  // Without checkpoints, so that positions can be told beforehand.
  NodeOptions Options(const std::string& node) const;
  std::string DataDir(const std::string& node) const;
  std::string Address(const std::string& node) const;

  pb::Ledger::Stub& ledger(const std::string& node) { return *At(node).ledger; }
  pb::Node::Stub& node(const std::string& node) { return *At(node).node; }
  pb::Faults::Stub& faults(const std::string& node) { return *At(node).faults; }
  pb::Verification::Stub& verification(const std::string& node) { return *At(node).verification; }

  pb::NodeStatus Status(const std::string& node);
  // Asks until the status is as wanted.
  pb::NodeStatus Await(const std::string& node,
                       const std::function<bool(const pb::NodeStatus&)>& is_wanted);
  void AwaitPosition(const std::string& node, uint64_t position);
  // The same of a node that may copy before: while it is opened with its copy it does not answer.
  pb::NodeStatus AwaitCopied(const std::string& node, uint64_t position);
  void Follow(const std::string& node, const std::string& followed);

 private:
  struct Place {
    pb::Member member;
    int reserved_port = -1;  // A socket that keeps the port ours.
    std::unique_ptr<LedgerNode> running;
    std::unique_ptr<pb::Ledger::Stub> ledger;
    std::unique_ptr<pb::Node::Stub> node;
    std::unique_ptr<pb::Faults::Stub> faults;
    std::unique_ptr<pb::Verification::Stub> verification;
  };
  Place& At(const std::string& node);
  const Place& At(const std::string& node) const;

  TemporaryFolder folder_;
  std::vector<Place> places_;
};

// A wanted status: a seal has nothing to wait for.
bool HasAllHashed(const pb::NodeStatus& status);

// Requests. Account `number` of the shard; its currency is 1.
pb::Id AccountId(uint64_t number);
pb::CreateAccountsRequest Accounts(uint64_t first, int count);
pb::CreateTransfersRequest Transfers(uint64_t first_id, int count, uint64_t amount = 1);

// Calls; a failure is in the status of the result.
template <typename Response>
struct Answer {
  grpc::Status status;
  Response response;
  bool ok() const { return status.ok(); }
  pb::NotOwner not_owner() const {
    pb::NotOwner message;
    message.ParseFromString(status.error_details());
    return message;
  }
};
template <typename Stub, typename Request, typename Response>
Answer<Response> Call(Stub& stub,
                      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                      const Request& request) {
  grpc::ClientContext context;
  Answer<Response> answer;
  answer.status = (stub.*method)(&context, request, &answer.response);
  return answer;
}
Answer<pb::CreateResponse> Create(pb::Ledger::Stub& stub, const pb::CreateAccountsRequest& request);
Answer<pb::CreateResponse> Create(pb::Ledger::Stub& stub,
                                  const pb::CreateTransfersRequest& request);
Answer<pb::Signed> Seal(pb::Node::Stub& stub, const std::string& run, const std::string& successor,
                        uint64_t epoch = 0);
Answer<pb::OwnershipChange> Open(pb::Node::Stub& stub, const pb::Signed& certificate);
Answer<pb::Signed> Refuse(pb::Node::Stub& stub, const pb::Signed& certificate);
Answer<pb::OwnershipChange> Unseal(pb::Node::Stub& stub, const pb::Signed& certificate);
Answer<pb::Comparison> Compare(pb::Node::Stub& stub, const pb::Signed& certificate);

}  // namespace ledger
