#pragma once

#include <atomic>

#include "hamisha/ledger/v1/node.grpc.pb.h"
#include "ledger/copy/commit_latency.h"
#include "ledger/copy/copy_service.h"
#include "ledger/node/durable_tail.h"
#include "ledger/node/follow_trials.h"
#include "ledger/node/follower.h"
#include "ledger/node/snapshotter.h"
#include "ledger/node/writer.h"
#include "ledger/storage/log.h"

namespace ledger {

// What the services of one node work on; all must outlive them.
struct NodeParts {
  const pb::NodeConfig& config;
  Writer& writer;
  Follower& follower;
  Log& log;
  DurableTail& tail;
  Snapshotter& snapshotter;
  CopyService& copies;
  const CommitLatency& latency;
  FollowTrials& trials;
};

// hamisha/ledger/v1/node.proto.
class NodeService final : public pb::Node::CallbackService {
 public:
  explicit NodeService(NodeParts parts) : parts_(parts) {}

  using Reactor = grpc::ServerUnaryReactor;
  using Context = grpc::CallbackServerContext;
  Reactor* GetStatus(Context* context, const pb::GetStatusRequest* request,
                     pb::NodeStatus* response) override;
  Reactor* Seal(Context* context, const pb::SealRequest* request, pb::Signed* response) override;
  Reactor* Open(Context* context, const pb::Signed* request,
                pb::OwnershipChange* response) override;
  Reactor* Refuse(Context* context, const pb::Signed* request, pb::Signed* response) override;
  Reactor* Unseal(Context* context, const pb::Signed* request,
                  pb::OwnershipChange* response) override;
  Reactor* Follow(Context* context, const pb::FollowRequest* request,
                  pb::NodeStatus* response) override;
  Reactor* TryFollow(Context* context, const pb::TryFollowRequest* request,
                     pb::TryFollowResponse* response) override;
  Reactor* Compare(Context* context, const pb::Signed* request, pb::Comparison* response) override;
  Reactor* Describe(Context* context, const pb::DescribeRequest* request,
                    pb::NodeDescription* response) override;
  Reactor* TakeSnapshot(Context* context, const pb::TakeSnapshotRequest* request,
                        pb::TakeSnapshotResponse* response) override;
  grpc::ServerWriteReactor<pb::RecordChunk>* PullRecords(Context* context,
                                                         const pb::PullRequest* request) override;

 private:
  Writer::Task StatusAnswer(Reactor* reactor, pb::NodeStatus* response) const;
  void AnswerStatus(Shard& shard, const pb::KeptCopies& kept, Reactor* reactor,
                    pb::NodeStatus* response) const;
  Reactor* Run(Reactor* reactor, Writer::Task task);

  const NodeParts parts_;
  std::atomic<int> streams_ = 0;
};

}  // namespace ledger
