#include "ledger/copy/piece_reader.h"

#include <utility>

#include "base/invariant.h"
#include "base/status_macros.h"
#include "rpc/rpc.h"

namespace ledger {
namespace {

constexpr char kMethod[] = "/hamisha.ledger.v1.Copies/ReadCopy";

pb::ReadCopyRequest RequestFor(const std::string& copy_id, const std::vector<Piece>& pieces) {
  pb::ReadCopyRequest request;
  request.set_copy_id(copy_id);
  pb::CopyRange* last = nullptr;
  for (const Piece& piece : pieces) {
    if (last == nullptr || last->file() != piece.file ||
        last->offset() + last->bytes() != piece.offset) {
      last = request.add_ranges();
      last->set_file(piece.file);
      last->set_offset(piece.offset);
    }
    last->set_bytes(last->bytes() + piece.bytes);
  }
  return request;
}

}  // namespace

PieceReader::PieceReader(const std::shared_ptr<grpc::Channel>& channel,
                         grpc::ClientContext& context, const std::string& copy_id,
                         std::vector<Piece> pieces)
    : context_(context), pieces_(std::move(pieces)), stub_(channel) {
  call_ = stub_.PrepareCall(&context, kMethod, &queue_);
  const grpc::Slice slice(RequestFor(copy_id, pieces_).SerializeAsString());
  const grpc::ByteBuffer message(&slice, 1);
  // Whatever of it fails, Read() gives false and Finish() says why.
  call_->StartCall(this);
  if (!Await()) return;
  call_->WriteLast(message, grpc::WriteOptions(), this);
  Await();
}

PieceReader::~PieceReader() {
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

bool PieceReader::Await() {
  void* tag = nullptr;
  bool ok = false;
  INVARIANT(queue_.Next(&tag, &ok));
  return ok;
}

bool PieceReader::Next(grpc::ByteBuffer& message) {
  call_->Read(&message, this);
  return Await();
}

bool PieceReader::Read(ReceivedPiece& piece) {
  for (grpc::ByteBuffer message; Next(message);) {
    if (!wrong_.ok()) continue;  // Until the call has ended.
    absl::StatusOr<ReceivedPiece> unpacked = Unpack(std::move(message));
    if (unpacked.ok()) {
      piece = *std::move(unpacked);
      return true;
    }
    wrong_ = unpacked.status();
    context_.TryCancel();
  }
  return false;
}

absl::StatusOr<ReceivedPiece> PieceReader::Unpack(grpc::ByteBuffer message) {
  if (came_ == pieces_.size()) {
    return absl::DataLossError("the source sent more than was asked for");
  }
  ReceivedPiece received;
  received.piece = pieces_[came_++];
  const std::shared_ptr<AlignedBuffer> raw = buffers_->Take();
  RETURN_IF_ERROR(decoder_.Decode(std::move(message), received.chunk, raw->data()));
  received.raw = raw;
  if (received.chunk.file() != received.piece.file ||
      received.chunk.offset() != received.piece.offset ||
      received.chunk.raw_bytes() != received.piece.bytes) {
    return absl::DataLossError("the source sent another piece than was asked for");
  }
  return received;
}

absl::Status PieceReader::Finish() {
  grpc::Status status;
  call_->Finish(&status, this);
  Await();
  RETURN_IF_ERROR(wrong_);
  RETURN_IF_ERROR(rpc::FromGrpc(status));
  return came_ == pieces_.size() ? absl::OkStatus()
                                 : absl::DataLossError("the source sent less than was asked for");
}

}  // namespace ledger
