#pragma once

#include <google/protobuf/arena.h>
#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "hamisha/ledger/v1/ledger.grpc.pb.h"
#include "lab/load/random.h"

namespace benchmarks {

// Whose money moves, and under which ids.
struct TransferKind {
  uint64_t accounts = 0;    // 1 to this number.
  bool random_ids = false;  // Else they grow.
};

// A call that creates transfers, again and again with the same messages: they live on an arena and
// only ids and accounts are written anew. Not thread-safe.
class TransferCall {
 public:
  TransferCall(hamisha::ledger::v1::Ledger::Stub& stub, const TransferKind& kind, uint64_t seed);

  // The transfers `first` to `first + count - 1`, every number once in the life of a node.
  void Fill(uint64_t first, uint64_t count);
  // The queue answers with this object as the tag.
  void Begin(grpc::CompletionQueue& queue);
  // After the queue's answer: how the call ended; an error also when a transfer was not created.
  absl::Status End();

  uint64_t transfers() const { return static_cast<uint64_t>(request_->transfers_size()); }

  // For the caller's use.
  std::vector<double> due_s;  // When each transfer should have been sent.
  double begun_s = 0;

 private:
  hamisha::ledger::v1::Ledger::Stub& stub_;
  const TransferKind kind_;
  lab::Random random_;
  google::protobuf::Arena arena_;
  hamisha::ledger::v1::CreateTransfersRequest* const request_;
  hamisha::ledger::v1::CreateResponse* const response_;
  // A call's own; gRPC wants them new each time.
  std::optional<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<hamisha::ledger::v1::CreateResponse>> reader_;
  grpc::Status status_;
};

// Calls in flight, two to a channel: while one is answered the next is on its way.
class TransferCalls {
 public:
  TransferCalls(const std::string& address, uint64_t count, const TransferKind& kind);
  const std::vector<std::unique_ptr<TransferCall>>& all() const { return calls_; }

 private:
  std::vector<std::unique_ptr<hamisha::ledger::v1::Ledger::Stub>> stubs_;
  std::vector<std::unique_ptr<TransferCall>> calls_;
};

}  // namespace benchmarks
