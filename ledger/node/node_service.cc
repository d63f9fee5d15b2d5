#include "ledger/node/node_service.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/copy/duration.h"
#include "ledger/node/ledger_service.h"
#include "ledger/node/pull_stream.h"
#include "ledger/storage/snapshot_format.h"
#include "rpc/rpc.h"

namespace ledger {
namespace {

template <typename Response>
Shard::Answer<Response> FinishWith(grpc::ServerUnaryReactor* reactor, Response* response) {
  return [reactor, response](const absl::StatusOr<Response>& result) {
    if (result.ok()) *response = *result;
    reactor->Finish(ToGrpcWithOwner(result.status()));
  };
}

uint64_t Missing(uint64_t there, uint64_t here) { return there > here ? there - here : 0; }

pb::Lag LagOf(const Follower::Source& source, const Shard& shard) {
  pb::Lag lag;
  lag.set_records(Missing(source.position, shard.position()));
  lag.set_bytes(Missing(source.bytes, shard.log_bytes()));
  lag.set_connected(source.is_connected);
  lag.set_source_accounts_unhashed(source.accounts_unhashed);
  // Before the first record there is nothing to count the time from.
  if (lag.records() > 0 && shard.position() > 0) {
    const auto behind_ns = static_cast<int64_t>(Missing(source.timestamp_ns, shard.timestamp_ns()));
    *lag.mutable_time() = ToProto(absl::Nanoseconds(behind_ns));
  }
  return lag;
}

bool IsMember(const pb::NodeConfig& config, const std::string& node_id) {
  return std::any_of(config.members().begin(), config.members().end(),
                     [&](const pb::Member& member) { return member.node_id() == node_id; });
}

}  // namespace

grpc::ServerUnaryReactor* NodeService::Run(Reactor* reactor, Writer::Task task) {
  const absl::Status status = parts_.writer.Run(std::move(task));
  if (!status.ok()) reactor->Finish(rpc::ToGrpc(status));
  return reactor;
}

Writer::Task NodeService::StatusAnswer(Reactor* reactor, pb::NodeStatus* response) const {
  // Not on the thread that commits wait for: streams of copies, which may have to wait for a
  // processor, use the same lock.
  return [=, this, kept = parts_.copies.Kept()](Shard& shard) {
    AnswerStatus(shard, kept, reactor, response);
  };
}

void NodeService::AnswerStatus(Shard& shard, const pb::KeptCopies& kept, Reactor* reactor,
                               pb::NodeStatus* response) const {
  const Follower::Source source = parts_.follower.source();
  const bool is_following = !shard.following().empty();
  const pb::Lag lag = LagOf(source, shard);
  const std::optional<absl::Duration> commit_p99 = parts_.latency.P99();
  const size_t waiting = parts_.writer.requests_waiting();
  // It has its first record once it is whole, and then does not copy any more.
  const auto copy =
      is_following && shard.position() == 0 ? parts_.follower.copy_progress() : std::nullopt;
  shard.GetStatus([=](const absl::StatusOr<pb::NodeStatus>& status) {
    if (status.ok()) {
      *response = *status;
      if (is_following) *response->mutable_lag() = lag;
      if (!source.fault.empty()) response->set_fault(source.fault);
      if (copy) *response->mutable_copy() = *copy;
      response->set_calls_waiting(waiting);
      if (kept.copies() > 0) *response->mutable_kept_copies() = kept;
      if (commit_p99) *response->mutable_commit_p99() = ToProto(*commit_p99);
    }
    reactor->Finish(rpc::ToGrpc(status.status()));
  });
}

grpc::ServerUnaryReactor* NodeService::GetStatus(Context* context, const pb::GetStatusRequest*,
                                                 pb::NodeStatus* response) {
  Reactor* const reactor = context->DefaultReactor();
  return Run(reactor, StatusAnswer(reactor, response));
}

grpc::ServerUnaryReactor* NodeService::Seal(Context* context, const pb::SealRequest* request,
                                            pb::Signed* response) {
  Reactor* const reactor = context->DefaultReactor();
  return Run(reactor, [=](Shard& shard) { shard.Seal(*request, FinishWith(reactor, response)); });
}

grpc::ServerUnaryReactor* NodeService::Open(Context* context, const pb::Signed* request,
                                            pb::OwnershipChange* response) {
  Reactor* const reactor = context->DefaultReactor();
  return Run(reactor, [=, this](Shard& shard) {
    shard.Open(*request, FinishWith(reactor, response));
    parts_.follower.SetTarget(shard.following());
  });
}

grpc::ServerUnaryReactor* NodeService::Refuse(Context* context, const pb::Signed* request,
                                              pb::Signed* response) {
  Reactor* const reactor = context->DefaultReactor();
  return Run(reactor, [=](Shard& shard) { shard.Refuse(*request, FinishWith(reactor, response)); });
}

grpc::ServerUnaryReactor* NodeService::Unseal(Context* context, const pb::Signed* request,
                                              pb::OwnershipChange* response) {
  Reactor* const reactor = context->DefaultReactor();
  return Run(reactor, [=, this](Shard& shard) {
    shard.Unseal(*request, FinishWith(reactor, response));
    parts_.follower.SetTarget(shard.following());
  });
}

grpc::ServerUnaryReactor* NodeService::Follow(Context* context, const pb::FollowRequest* request,
                                              pb::NodeStatus* response) {
  Reactor* const reactor = context->DefaultReactor();
  const std::string& node_id = request->node_id();
  const bool is_self = node_id == parts_.config.node_id();
  if (is_self || (!node_id.empty() && !IsMember(parts_.config, node_id))) {
    reactor->Finish(rpc::ToGrpc(absl::InvalidArgumentError(
        absl::StrCat("'", node_id, "' is not another node of shard ", parts_.config.shard()))));
    return reactor;
  }
  return Run(reactor,
             [this, request, reactor, answer = StatusAnswer(reactor, response)](Shard& shard) {
               const absl::Status status = shard.SetFollowing(request->node_id());
               if (!status.ok()) return reactor->Finish(ToGrpcWithOwner(status));
               parts_.follower.SetTarget(request->node_id());
               answer(shard);
             });
}

grpc::ServerUnaryReactor* NodeService::TryFollow(Context* context,
                                                 const pb::TryFollowRequest* request,
                                                 pb::TryFollowResponse* response) {
  Reactor* const reactor = context->DefaultReactor();
  parts_.trials.Try(*request, [=](const absl::StatusOr<pb::TryFollowResponse>& found) {
    if (found.ok()) *response = *found;
    reactor->Finish(rpc::ToGrpc(found.status()));
  });
  return reactor;
}

grpc::ServerUnaryReactor* NodeService::Compare(Context* context, const pb::Signed* request,
                                               pb::Comparison* response) {
  Reactor* const reactor = context->DefaultReactor();
  return Run(reactor, [=](Shard& shard) {
    auto comparison = shard.Compare(*request);
    shard.WhenDurable([comparison = std::move(comparison),
                       finish = FinishWith(reactor, response)](const absl::Status& durable) {
      durable.ok() ? finish(comparison) : finish(durable);
    });
  });
}

grpc::ServerUnaryReactor* NodeService::Describe(Context* context,
                                                const pb::DescribeRequest* /*request*/,
                                                pb::NodeDescription* response) {
  Reactor* const reactor = context->DefaultReactor();
  response->set_pid(::getpid());
  response->set_version(HAMISHA_VERSION);
  *response->mutable_config() = parts_.config;
  response->set_log_format(kRecordFormatVersion);
  response->set_snapshot_format(kSnapshotFormatVersion);
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerUnaryReactor* NodeService::TakeSnapshot(Context* context,
                                                    const pb::TakeSnapshotRequest* /*request*/,
                                                    pb::TakeSnapshotResponse* response) {
  Reactor* const reactor = context->DefaultReactor();
  parts_.snapshotter.Take([=](const absl::StatusOr<Snapshotter::Taken>& taken) {
    if (taken.ok()) {
      response->set_position(taken->position);
      response->set_bytes(taken->bytes);
    }
    reactor->Finish(rpc::ToGrpc(taken.status()));
  });
  return reactor;
}

grpc::ServerWriteReactor<pb::RecordChunk>* NodeService::PullRecords(
    Context*, const pb::PullRequest* request) {
  return PullStream::Start(
      *request,
      {.log = parts_.log,
       .tail = parts_.tail,
       .count = streams_,
       .pulls = [this](const std::string& follower) { parts_.copies.Pulls(follower); },
       .caught_up = [this](const std::string& follower) { parts_.copies.CaughtUp(follower); }});
}

}  // namespace ledger
