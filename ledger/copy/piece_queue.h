#pragma once

#include <cstddef>
#include <deque>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "hamisha/ledger/v1/copy.pb.h"
#include "ledger/copy/piece_plan.h"
#include "ledger/storage/aligned_buffer.h"

namespace ledger {

// A piece as it was sent: what the message says but its data, which are unpacked.
struct ReceivedPiece {
  Piece piece{};
  pb::CopyChunk chunk;
  std::shared_ptr<const AlignedBuffer> raw;
};

// Pieces between the thread that receives them and the one that writes them. Any thread.
class PieceQueue {
 public:
  // So that the link does not wait for one slow write, and memory stays small.
  static constexpr size_t kPiecesMax = 4;

  // Waits while it is full.
  void Put(ReceivedPiece piece);
  // None comes any more.
  void Close();
  // Waits for the next, in the order in which they came; false when all were taken and it is
  // closed.
  bool Take(ReceivedPiece& piece);

 private:
  absl::Mutex mutex_;
  std::deque<ReceivedPiece> pieces_ ABSL_GUARDED_BY(mutex_);
  bool is_closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace ledger
