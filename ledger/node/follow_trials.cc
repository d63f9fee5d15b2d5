#include "ledger/node/follow_trials.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "ledger/copy/duration.h"
#include "rpc/rpc.h"

namespace ledger {
namespace {

namespace pb = ::hamisha::ledger::v1;

constexpr absl::Duration kTimeoutByDefault = absl::Seconds(5);

absl::Status Annotated(const absl::Status& status, absl::string_view what) {
  if (status.ok()) return status;
  return {status.code(), absl::StrCat(what, ": ", status.message())};
}

}  // namespace

void FollowTrials::Try(const pb::TryFollowRequest& request, Done done) {
  if (tries_.Run([this, request, done] { done(Run(request)); })) return;
  done(absl::ResourceExhaustedError("other nodes are being tried, or this one is stopping"));
}

void FollowTrials::Stop() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
    if (calling_ != nullptr) calling_->TryCancel();
  }
  tries_.Stop();
}

absl::Status FollowTrials::Call(absl::Time deadline,
                                const std::function<grpc::Status(grpc::ClientContext&)>& call) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(deadline));
  {
    const absl::MutexLock lock(&mutex_);
    if (stopping_) return absl::UnavailableError("the node is stopping");
    calling_ = &context;
  }
  const grpc::Status status = call(context);
  const absl::MutexLock lock(&mutex_);
  calling_ = nullptr;
  return rpc::FromGrpc(status);
}

absl::StatusOr<pb::TryFollowResponse> FollowTrials::Run(const pb::TryFollowRequest& request) {
  const std::string& other = request.node_id();
  const auto address = parts_.addresses.find(other);
  if (address == parts_.addresses.end() || other == parts_.self) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", other, "' is not another node of shard ", parts_.shard));
  }
  const absl::Duration timeout =
      request.has_timeout() ? FromProto(request.timeout()) : kTimeoutByDefault;
  const absl::Time deadline = parts_.clock->WallNow() + timeout;
  const auto stub = pb::Node::NewStub(rpc::Connect(address->second));
  const std::string place = absl::StrCat(other, " at ", address->second);

  pb::TryFollowResponse found;
  RETURN_IF_ERROR(Annotated(Call(deadline,
                                 [&](grpc::ClientContext& context) {
                                   return stub->GetStatus(&context, {}, found.mutable_status());
                                 }),
                            absl::StrCat("asking ", place)));
  const absl::Duration asked = parts_.clock->MonotonicNow();
  pb::NodeDescription description;
  RETURN_IF_ERROR(Annotated(Call(deadline,
                                 [&](grpc::ClientContext& context) {
                                   return stub->Describe(&context, {}, &description);
                                 }),
                            absl::StrCat("asking ", place)));
  *found.mutable_round_trip() = ToProto(parts_.clock->MonotonicNow() - asked);

  pb::PullRequest pull;  // By no follower's name: what is kept for those is not touched.
  pull.set_after_position(found.status().position());
  if (found.status().position() > 0) pull.set_after_hash(found.status().log_hash());
  RETURN_IF_ERROR(Annotated(Call(deadline,
                                 [&](grpc::ClientContext& context) {
                                   const auto stream = stub->PullRecords(&context, pull);
                                   pb::RecordChunk chunk;
                                   const bool has_come = stream->Read(&chunk);
                                   if (has_come) context.TryCancel();
                                   const grpc::Status ended = stream->Finish();
                                   return has_come ? grpc::Status::OK : ended;
                                 }),
                            absl::StrCat("pulling records from ", place)));
  return found;
}

}  // namespace ledger
