#include "ledger/copy/copy_stream.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/priority.h"
#include "base/status_macros.h"
#include "ledger/copy/copy_service.h"
#include "rpc/rpc.h"

namespace ledger {

CopyStream* CopyStream::Start(const pb::ReadCopyRequest& request, CopyService& service) {
  auto* const stream = new CopyStream(request, service);
  // Ends with Finish(), after which it touches nothing of the node.
  std::thread([stream] {
    // Reading and compressing give way to the node's customers.
    base::RunWhenIdle();
    base::LowerDiskPriority();
    stream->Finish(rpc::ToGrpc(stream->Stream()));
  }).detach();
  return stream;
}

CopyStream* CopyStream::Refuse(const absl::Status& why, CopyService& service) {
  auto* const stream = new CopyStream({}, service);
  stream->Finish(rpc::ToGrpc(why));
  return stream;
}

CopyStream::CopyStream(const pb::ReadCopyRequest& request, CopyService& service)
    : request_(request), service_(service) {}

void CopyStream::OnWriteDone(bool ok) {
  const absl::MutexLock lock(&mutex_);
  is_writing_ = false;
  is_broken_ = is_broken_ || !ok;
}

void CopyStream::OnCancel() {
  is_over_ = true;
  service_.parts().throttle.Wake();
}

void CopyStream::OnDone() {
  --service_.streams();
  delete this;
}

absl::Status CopyStream::Stream() {
  for (const pb::CopyRange& range : request_.ranges()) RETURN_IF_ERROR(SendRange(range));
  return AwaitWritten() ? absl::OkStatus() : absl::CancelledError("the follower has gone");
}

absl::Status CopyStream::SendRange(const pb::CopyRange& range) {
  const uint64_t end = range.offset() + range.bytes();
  for (uint64_t offset = range.offset(); offset < end;) {
    // It may have ended meanwhile, and a stream counts as asking.
    export_ = service_.parts().exports.Find(request_.copy_id());
    if (export_ == nullptr) {
      return absl::NotFoundError(absl::StrCat("copy '", request_.copy_id(), "' is not kept here"));
    }
    if (range.file() >= static_cast<uint32_t>(export_->manifest().files_size())) {
      return absl::InvalidArgumentError(
          absl::StrCat("file ", range.file(), ": there are ", export_->manifest().files_size()));
    }
    RETURN_IF_ERROR(OpenFile(range.file()));
    const uint64_t in_file = export_->manifest().files(static_cast<int>(range.file())).bytes();
    if (end > in_file || offset % base::kDirectAlignment != 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "file ", range.file(), " has ", in_file, " bytes: ask for bytes in it, from ",
          "a multiple of ", base::kDirectAlignment, " on"));
    }
    const Piece piece{range.file(), offset, std::min(kPieceBytes, end - offset)};
    RETURN_IF_ERROR(Send(piece));
    offset += piece.bytes;
  }
  return absl::OkStatus();
}

absl::Status CopyStream::OpenFile(uint32_t file) {
  if (file_ == file) return absl::OkStatus();
  ASSIGN_OR_RETURN(opened_, PieceFile::Open(service_.parts().files, export_->PathOf(file)));
  file_ = file;
  return absl::OkStatus();
}

absl::Status CopyStream::Send(const Piece& piece) {
  const CopyParts& parts = service_.parts();
  const std::shared_ptr<AlignedBuffer> raw = buffers_->Take();
  RETURN_IF_ERROR(opened_->Read(piece, *raw));
  const absl::Duration began = parts.clock.MonotonicNow();
  const int level = export_->level();
  const std::shared_ptr<AlignedBuffer> room = buffers_->Take();
  pb::CopyChunk chunk;
  chunk.set_file(piece.file);
  chunk.set_offset(piece.offset);
  *chunk.mutable_tail() = parts.tail();
  *chunk.mutable_pacing() = parts.throttle.pacing();
  const absl::string_view data =
      encoder_.Encode(raw->view(0, piece.bytes), level, room->data(), chunk);
  grpc::ByteBuffer message = ToMessage(chunk, data, chunk.compressed() ? room : raw);
  const absl::Duration packed = parts.clock.MonotonicNow();
  const Throttle::Waited waited =
      parts.throttle.Await({.raw = piece.bytes, .sent = data.size()}, is_over_);
  const absl::Duration may_go = parts.clock.MonotonicNow();
  if (service_.closed()) return absl::UnavailableError("the node is stopping");
  if (!waited.may_go || !AwaitWritten()) return absl::CancelledError("the follower has gone");
  const absl::Duration gone = parts.clock.MonotonicNow();
  export_->Note({.raw_bytes = piece.bytes,
                 .compressing = packed - began,
                 .waiting = waited.took + (gone - may_go)},
                gone);
  export_->sent_bytes += piece.bytes;
  message_ = std::move(message);
  {
    const absl::MutexLock lock(&mutex_);
    is_writing_ = true;
  }
  StartWrite(&message_);
  return absl::OkStatus();
}

bool CopyStream::AwaitWritten() {
  const absl::MutexLock lock(&mutex_);
  const auto is_done = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !is_writing_; };
  mutex_.Await(absl::Condition(&is_done));
  return !is_broken_;
}

}  // namespace ledger
