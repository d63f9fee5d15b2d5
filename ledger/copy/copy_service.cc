#include "ledger/copy/copy_service.h"

#include <grpcpp/support/proto_buffer_reader.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "ledger/copy/copy_stream.h"
#include "rpc/rpc.h"

namespace ledger {
namespace {

constexpr size_t kCopyIdBytesMax = 64;
// A snapshot with no more of the log behind it is not taken anew.
constexpr uint64_t kFreshLogBytes = 64 << 20;
// A follower that waits for a snapshot asks twice a second.
constexpr absl::Duration kAskedFor = absl::Minutes(5);
constexpr int kStreamsMax = 32;
// Ours have some hundred ranges of a few bytes.
constexpr size_t kReadRequestBytesMax = 64 << 10;

bool IsCopyId(const std::string& text) {
  return !text.empty() && text.size() <= kCopyIdBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return ('a' <= c && c <= 'z') || ('0' <= c && c <= '9') || c == '-';
         });
}

// By the records' average length.
uint64_t LogBytesBehind(uint64_t position, const pb::SourceTail& tail) {
  if (tail.position() <= position) return 0;
  const double part =
      static_cast<double>(tail.position() - position) / static_cast<double>(tail.position());
  return static_cast<uint64_t>(part * static_cast<double>(tail.bytes()));
}

}  // namespace

grpc::ServerUnaryReactor* CopyService::Later(Context* context, std::function<absl::Status()> work) {
  Reactor* const reactor = context->DefaultReactor();
  // Ends with Finish(), after which it touches nothing of the node.
  const bool is_queued =
      queue_.Run([reactor, work = std::move(work)] { reactor->Finish(rpc::ToGrpc(work())); });
  if (is_queued) return reactor;
  reactor->Finish(rpc::ToGrpc(
      closed_ ? absl::UnavailableError("the node is stopping")
              : absl::ResourceExhaustedError("too many calls about copies; try again later")));
  return reactor;
}

grpc::ServerUnaryReactor* CopyService::BeginCopy(Context* context,
                                                 const pb::BeginCopyRequest* request,
                                                 pb::BeginCopyResponse* response) {
  return Later(context, [=, this] { return Begin(*request, *response); });
}

absl::Status CopyService::Begin(const pb::BeginCopyRequest& request,
                                pb::BeginCopyResponse& response) {
  if (!IsCopyId(request.copy_id())) {
    return absl::InvalidArgumentError(absl::StrCat("copy_id '", request.copy_id(), "': 1 to ",
                                                   kCopyIdBytesMax, " of a-z, 0-9 and '-'"));
  }
  if (!parts_.followers.contains(request.follower())) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", request.follower(), "' is not another node of this shard"));
  }
  const absl::MutexLock lock(&begin_mutex_);
  if (closed_) return absl::UnavailableError("the node is stopping");
  Drop();
  *response.mutable_tail() = parts_.tail();
  std::shared_ptr<Export> found = parts_.exports.Find(request.copy_id());
  if (found == nullptr) {
    const bool is_whole = parts_.log.first_position() == 1;
    if (response.tail().position() == 0) return absl::OkStatus();
    if (is_whole && response.tail().bytes() <= request.log_bytes()) return absl::OkStatus();
    parts_.throttle.Begin();  // Before the snapshot, which commits feel as well.
    ASSIGN_OR_RETURN(const uint64_t position, FreshSnapshot(request, response.tail()));
    ASSIGN_OR_RETURN(found, parts_.exports.Make(request.follower(), request.copy_id(), position,
                                                parts_.throttle.pacing()));
    asked_.erase(request.follower());
  }
  parts_.throttle.Begin(found->commit_p99_before());
  *response.mutable_manifest() = found->manifest();
  response.set_sent_bytes(found->sent_bytes);
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> CopyService::FreshSnapshot(const pb::BeginCopyRequest& request,
                                                    const pb::SourceTail& tail) {
  const std::string& follower = request.follower();
  ASSIGN_OR_RETURN(const std::vector<uint64_t> positions, parts_.snapshots.List());
  const auto asked = asked_.find(follower);
  if (!positions.empty() && parts_.log.first_position() <= positions.front() + 1) {
    const uint64_t newest = positions.front();
    const bool is_damaged = newest == request.damaged_position();
    const bool is_as_asked = asked != asked_.end() && newest >= asked->second.position;
    const bool is_fresh = is_as_asked || LogBytesBehind(newest, tail) <= kFreshLogBytes;
    if (is_fresh && !is_damaged) return newest;
  }
  const absl::Duration now = parts_.clock.MonotonicNow();
  if (asked == asked_.end()) {
    asked_[follower] = {.position = tail.position(), .at = now};
  } else {
    asked->second.at = now;
  }
  return snapshots_.Ask();
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* CopyService::ReadCopy(Context* /*context*/,
                                                                  const grpc::ByteBuffer* request) {
  if (++streams_ > kStreamsMax) {
    return CopyStream::Refuse(absl::ResourceExhaustedError("too many streams of copies; try later"),
                              *this);
  }
  grpc::ByteBuffer message = *request;
  pb::ReadCopyRequest parsed;
  bool is_read = message.Length() <= kReadRequestBytesMax;
  if (is_read) {
    grpc::ProtoBufferReader reader(&message);
    is_read = reader.status().ok() && parsed.ParseFromZeroCopyStream(&reader);
  }
  if (is_read) return CopyStream::Start(parsed, *this);
  return CopyStream::Refuse(
      absl::InvalidArgumentError(absl::StrCat("no ReadCopyRequest of at most ",
                                              kReadRequestBytesMax, " bytes: ask for less")),
      *this);
}

grpc::ServerUnaryReactor* CopyService::EndCopy(Context* context, const pb::EndCopyRequest* request,
                                               pb::EndCopyResponse* response) {
  return Later(context, [=, this]() -> absl::Status {
    if (const auto found = parts_.exports.Find(request->copy_id()); found != nullptr) {
      response->set_sent_bytes(found->sent_bytes);
    }
    const absl::Status status = parts_.exports.End(request->copy_id());
    DropUnasked();
    return status;
  });
}

grpc::ServerUnaryReactor* CopyService::SetCopyLimits(Context* context,
                                                     const pb::CopyLimits* request,
                                                     pb::CopyLimits* response) {
  return Later(context, [=, this]() -> absl::Status {
    const absl::Status status = parts_.throttle.SetLimits(*request);
    Answer(*response);
    return status;
  });
}

grpc::ServerUnaryReactor* CopyService::GetCopyLimits(Context* context,
                                                     const pb::GetCopyLimitsRequest* /*request*/,
                                                     pb::CopyLimits* response) {
  Reactor* const reactor = context->DefaultReactor();
  Answer(*response);
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

void CopyService::Answer(pb::CopyLimits& limits) const {
  limits = parts_.throttle.limits();
  *limits.mutable_pacing() = parts_.throttle.pacing();
}

void CopyService::CaughtUp(const std::string& follower) {
  // What stays is removed when nobody has asked for it for long.
  queue_.Run([this, follower] {
    parts_.exports.EndOf(follower).IgnoreError();
    DropUnasked();
  });
}

void CopyService::DropUnasked() {
  const absl::MutexLock lock(&begin_mutex_);
  Drop();
}

void CopyService::Drop() {
  const absl::Duration now = parts_.clock.MonotonicNow();
  std::erase_if(asked_, [&](const auto& asked) { return now - asked.second.at > kAskedFor; });
  // Who waits for a snapshot copies already: commits feel it being written.
  if (parts_.exports.DropUnasked() && asked_.empty()) parts_.throttle.NoneIsLeft();
}

void CopyService::Close() {
  closed_ = true;
  parts_.throttle.Close();
  queue_.Stop();
}

}  // namespace ledger
