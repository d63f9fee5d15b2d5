#include "ledger/copy/copy_service.h"

#include <grpcpp/support/proto_buffer_reader.h>

#include <algorithm>
#include <thread>
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

// Reads and links files: not on a thread of gRPC. Ends with Finish(), after which it touches
// nothing of the node.
grpc::ServerUnaryReactor* CopyService::BeginCopy(Context* context,
                                                 const pb::BeginCopyRequest* request,
                                                 pb::BeginCopyResponse* response) {
  Reactor* const reactor = context->DefaultReactor();
  std::thread([=, this] { reactor->Finish(rpc::ToGrpc(Begin(*request, *response))); }).detach();
  return reactor;
}

absl::Status CopyService::Begin(const pb::BeginCopyRequest& request,
                                pb::BeginCopyResponse& response) {
  if (!IsCopyId(request.copy_id())) {
    return absl::InvalidArgumentError(absl::StrCat("copy_id '", request.copy_id(), "': 1 to ",
                                                   kCopyIdBytesMax, " of a-z, 0-9 and '-'"));
  }
  const absl::MutexLock lock(&begin_mutex_);
  if (closed_) return absl::UnavailableError("the node is stopping");
  DropUnasked();
  *response.mutable_tail() = parts_.tail();
  std::shared_ptr<Export> found = parts_.exports.Find(request.copy_id());
  if (found == nullptr) {
    const bool is_whole = parts_.log.first_position() == 1;
    if (response.tail().position() == 0) return absl::OkStatus();
    if (is_whole && response.tail().bytes() <= request.log_bytes()) return absl::OkStatus();
    parts_.throttle.Begin();  // Before the snapshot, which commits feel as well.
    ASSIGN_OR_RETURN(const uint64_t position, FreshSnapshot(request.copy_id(), response.tail()));
    ASSIGN_OR_RETURN(found, parts_.exports.Make(request.follower(), request.copy_id(), position));
    asked_.erase(request.copy_id());
  }
  parts_.throttle.Begin();
  *response.mutable_manifest() = found->manifest();
  response.set_sent_bytes(found->sent_bytes);
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> CopyService::FreshSnapshot(const std::string& copy_id,
                                                    const pb::SourceTail& tail) {
  ASSIGN_OR_RETURN(const std::vector<uint64_t> positions, parts_.snapshots.List());
  const auto asked = asked_.find(copy_id);
  if (!positions.empty() && parts_.log.first_position() <= positions.front() + 1) {
    const uint64_t newest = positions.front();
    const bool is_as_asked = asked != asked_.end() && newest >= asked->second;
    if (is_as_asked || LogBytesBehind(newest, tail) <= kFreshLogBytes) return newest;
  }
  if (asked == asked_.end()) {
    if (asked_.size() >= Exports::kMax) asked_.clear();  // Of some that never came back.
    asked_[copy_id] = tail.position();
  }
  if (!is_taking_->exchange(true)) {
    parts_.take_snapshot([is_taking = is_taking_](const absl::Status&) { *is_taking = false; });
  }
  return absl::UnavailableError("a snapshot is being taken for the copy; ask again");
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* CopyService::ReadCopy(Context* /*context*/,
                                                                  const grpc::ByteBuffer* request) {
  grpc::ByteBuffer message = *request;
  grpc::ProtoBufferReader reader(&message);
  pb::ReadCopyRequest parsed;
  const bool is_read = reader.status().ok() && parsed.ParseFromZeroCopyStream(&reader);
  return CopyStream::Start(is_read ? parsed : pb::ReadCopyRequest(), *this);
}

grpc::ServerUnaryReactor* CopyService::EndCopy(Context* context, const pb::EndCopyRequest* request,
                                               pb::EndCopyResponse* response) {
  Reactor* const reactor = context->DefaultReactor();
  std::thread([=, this] {
    if (const auto found = parts_.exports.Find(request->copy_id()); found != nullptr) {
      response->set_sent_bytes(found->sent_bytes);
    }
    const absl::Status status = parts_.exports.End(request->copy_id());
    DropUnasked();
    reactor->Finish(rpc::ToGrpc(status));
  }).detach();
  return reactor;
}

grpc::ServerUnaryReactor* CopyService::SetCopyLimits(Context* context,
                                                     const pb::CopyLimits* request,
                                                     pb::CopyLimits* response) {
  Reactor* const reactor = context->DefaultReactor();
  const absl::Status status = parts_.throttle.SetLimits(*request);
  *response = parts_.throttle.limits();
  reactor->Finish(rpc::ToGrpc(status));
  return reactor;
}

grpc::ServerUnaryReactor* CopyService::GetCopyLimits(Context* context,
                                                     const pb::GetCopyLimitsRequest* /*request*/,
                                                     pb::CopyLimits* response) {
  Reactor* const reactor = context->DefaultReactor();
  *response = parts_.throttle.limits();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

void CopyService::CaughtUp(const std::string& follower) {
  // What stays is removed when nobody has asked for it for long.
  parts_.exports.EndOf(follower).IgnoreError();
  DropUnasked();
}

void CopyService::DropUnasked() {
  if (parts_.exports.DropUnasked()) parts_.throttle.NoneIsLeft();
}

void CopyService::Close() {
  closed_ = true;
  parts_.throttle.Close();
}

}  // namespace ledger
