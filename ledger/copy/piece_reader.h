#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <memory>

#include "absl/status/status.h"
#include "hamisha/ledger/v1/copy.pb.h"

namespace ledger {

// A call of Copies.ReadCopy whose messages are left as they came: parsing them would copy each
// piece once more. One thread.
class PieceReader {
 public:
  // `context` must outlive it.
  PieceReader(const std::shared_ptr<grpc::Channel>& channel, grpc::ClientContext& context,
              const ::hamisha::ledger::v1::ReadCopyRequest& request);
  ~PieceReader();
  PieceReader(const PieceReader&) = delete;
  PieceReader& operator=(const PieceReader&) = delete;

  // Waits for the next; false at the end.
  bool Read(grpc::ByteBuffer& message);
  // How the call ended; once, after Read() gave false.
  absl::Status Finish();

 private:
  // What was begun is done; false when there was nothing to do it with.
  bool Await();

  grpc::GenericStub stub_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

}  // namespace ledger
