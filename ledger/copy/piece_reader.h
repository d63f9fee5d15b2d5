#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/copy/buffer_pool.h"
#include "ledger/copy/piece_codec.h"
#include "ledger/copy/piece_plan.h"
#include "ledger/copy/piece_queue.h"

namespace ledger {

// A call of Copies.ReadCopy: pieces of one copy, in the order in which they are asked for. One
// thread.
class PieceReader {
 public:
  // `context` must outlive it.
  PieceReader(const std::shared_ptr<grpc::Channel>& channel, grpc::ClientContext& context,
              const std::string& copy_id, std::vector<Piece> pieces);
  ~PieceReader();
  PieceReader(const PieceReader&) = delete;
  PieceReader& operator=(const PieceReader&) = delete;

  // Waits for the next; false at the end, and when something is wrong with it.
  bool Read(ReceivedPiece& piece);
  // OK when all came. Once, after Read() gave false.
  absl::Status Finish();

 private:
  // What was begun is done; false when there was nothing to do it with.
  bool Await();
  // A message as it came: parsing it as one would copy each piece once more.
  bool Next(grpc::ByteBuffer& message);
  absl::StatusOr<ReceivedPiece> Unpack(grpc::ByteBuffer message);

  grpc::ClientContext& context_;
  const std::vector<Piece> pieces_;
  size_t came_ = 0;
  absl::Status wrong_;  // With a piece that came.
  const std::shared_ptr<BufferPool> buffers_ = BufferPool::Create();
  PieceDecoder decoder_;
  grpc::GenericStub stub_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

}  // namespace ledger
