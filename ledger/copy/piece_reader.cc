#include "ledger/copy/piece_reader.h"

#include "base/invariant.h"
#include "rpc/rpc.h"

namespace ledger {
namespace {

constexpr char kMethod[] = "/hamisha.ledger.v1.Copies/ReadCopy";

}  // namespace

PieceReader::PieceReader(const std::shared_ptr<grpc::Channel>& channel,
                         grpc::ClientContext& context,
                         const ::hamisha::ledger::v1::ReadCopyRequest& request)
    : stub_(channel) {
  call_ = stub_.PrepareCall(&context, kMethod, &queue_);
  const grpc::Slice slice(request.SerializeAsString());
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

bool PieceReader::Read(grpc::ByteBuffer& message) {
  call_->Read(&message, this);
  return Await();
}

absl::Status PieceReader::Finish() {
  grpc::Status status;
  call_->Finish(&status, this);
  Await();
  return rpc::FromGrpc(status);
}

}  // namespace ledger
