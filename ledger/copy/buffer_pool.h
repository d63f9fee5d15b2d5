#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "ledger/copy/piece_codec.h"
#include "ledger/storage/aligned_buffer.h"

namespace ledger {

// Buffers with room for a piece however it is packed, used again and again: to touch memory for the
// first time costs more than all that is done with it, and giving it back makes others wait. As
// many as were ever out at once, for as long as the pool or one of them is there. Any thread.
class BufferPool : public std::enable_shared_from_this<BufferPool> {
 public:
  static std::shared_ptr<BufferPool> Create() {
    return std::shared_ptr<BufferPool>(new BufferPool());
  }

  // Not set to anything. Comes back when nobody holds it any more.
  std::shared_ptr<AlignedBuffer> Take() {
    return {Unused().release(), [pool = shared_from_this()](AlignedBuffer* buffer) {
              const absl::MutexLock lock(&pool->mutex_);
              pool->unused_.emplace_back(buffer);
            }};
  }

 private:
  BufferPool() = default;

  std::unique_ptr<AlignedBuffer> Unused() {
    const absl::MutexLock lock(&mutex_);
    if (unused_.empty()) return std::make_unique<AlignedBuffer>(kPackedBytesMax);
    std::unique_ptr<AlignedBuffer> buffer = std::move(unused_.back());
    unused_.pop_back();
    return buffer;
  }

  absl::Mutex mutex_;
  std::vector<std::unique_ptr<AlignedBuffer>> unused_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ledger
