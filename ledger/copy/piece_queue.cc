#include "ledger/copy/piece_queue.h"

#include <utility>

namespace ledger {

void PieceQueue::Put(ReceivedPiece piece) {
  const absl::MutexLock lock(&mutex_);
  const auto has_room = [this]()
                            ABSL_NO_THREAD_SAFETY_ANALYSIS { return pieces_.size() < kPiecesMax; };
  mutex_.Await(absl::Condition(&has_room));
  pieces_.push_back(std::move(piece));
}

void PieceQueue::Close() {
  const absl::MutexLock lock(&mutex_);
  is_closed_ = true;
}

bool PieceQueue::Take(ReceivedPiece& piece) {
  const absl::MutexLock lock(&mutex_);
  const auto has_news = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return !pieces_.empty() || is_closed_;
  };
  mutex_.Await(absl::Condition(&has_news));
  if (pieces_.empty()) return false;
  piece = std::move(pieces_.front());
  pieces_.pop_front();
  return true;
}

}  // namespace ledger
