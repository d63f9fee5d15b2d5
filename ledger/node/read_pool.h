#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

namespace ledger {

struct ReadPoolOptions {
  size_t threads = 2;
  size_t waiting_max = 16'384;     // Reads beyond the ones under way.
  uint64_t bytes_max = 256 << 20;  // Of all answers that are not sent yet.
};

// A few threads for what waits for the disk, so that neither writing nor gRPC does. Any thread.
class ReadPool {
 public:
  explicit ReadPool(const ReadPoolOptions& options);
  ~ReadPool();  // As Stop().

  // Memory for one answer, until it is destroyed.
  class Room {
   public:
    Room(Room&& other) noexcept;
    Room& operator=(Room&&) = delete;
    ~Room();

   private:
    friend class ReadPool;
    Room(ReadPool& pool, uint64_t bytes) : pool_(&pool), bytes_(bytes) {}
    ReadPool* pool_;
    uint64_t bytes_;
  };
  // For an answer of at most `bytes`. A number of reads does not bound their memory: an answer may
  // be small or some megabytes, and stays until a slow client has taken it. RESOURCE_EXHAUSTED when
  // the answers that are under way leave too little.
  absl::StatusOr<Room> Reserve(uint64_t bytes);

  // RESOURCE_EXHAUSTED when too many wait, UNAVAILABLE after Stop(): then `read` is not run.
  absl::Status Submit(std::function<void()> read);
  // Runs what was submitted, then ends the threads.
  void Stop();

 private:
  void Loop();

  const ReadPoolOptions options_;
  absl::Mutex mutex_;
  uint64_t reserved_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace ledger
