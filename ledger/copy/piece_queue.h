#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <cstddef>
#include <deque>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace ledger {

// Pieces between the thread that receives them and the one that writes them. Any thread.
class PieceQueue {
 public:
  // So that the link does not wait for one slow write, and memory stays small.
  static constexpr size_t kPiecesMax = 4;

  // Waits while it is full.
  void Put(grpc::ByteBuffer piece);
  // None comes any more.
  void Close();
  // Waits for the next, in the order in which they came; false when all were taken and it is
  // closed.
  bool Take(grpc::ByteBuffer& piece);

 private:
  absl::Mutex mutex_;
  std::deque<grpc::ByteBuffer> pieces_ ABSL_GUARDED_BY(mutex_);
  bool is_closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace ledger
