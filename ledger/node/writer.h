#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "ledger/copy/commit_latency.h"
#include "ledger/node/shard.h"
#include "ledger/storage/frame.h"
#include "ledger/storage/log.h"

namespace ledger {

struct WriterOptions {
  size_t requests_max = 16'384;    // Waiting, not counting the node's own.
  uint64_t bytes_max = 256 << 20;  // Of their rows.
  // The log failed: nothing is durable any more, end the program. Once, on the writer thread,
  // after all calls were answered UNAVAILABLE.
  std::function<void(const absl::Status&)> on_fatal;
  CommitLatency* latency = nullptr;  // Told of each batch and write.
  // All records up to that time are durable. On the syncing thread.
  std::function<void(uint64_t timestamp_ns)> on_durable;
};

// The two threads of a shard: one decides and applies, the other writes and syncs what the first
// has handed over, so that both go on side by side. Whatever comes while a sync is under way goes
// into the next frame together (group commit).
class Writer {
 public:
  using Task = std::function<void(Shard&)>;

  // `shard` and `log` must outlive it, and are the threads' alone until Stop() has returned.
  Writer(Shard& shard, Log& log, WriterOptions options);
  ~Writer();

  // For clients. RESOURCE_EXHAUSTED when a bound is reached, UNAVAILABLE after Stop(): then neither
  // is `done` called nor the task run.
  absl::Status Submit(Batch batch);
  absl::Status Submit(Task task);
  // For the node itself: no bound.
  absl::Status Run(Task task);

  // Of clients, that wait for their turn. Any thread.
  size_t requests_waiting() const;

  // History has kept up again: commands are taken from now on. Any thread.
  void CaughtUp();

  // Finishes what was submitted, records what is durable, ends both threads.
  void Stop();

 private:
  struct Command {
    std::variant<Batch, Task> work;
    uint64_t bytes;
    bool is_counted;
  };
  enum class Io : uint8_t { kIdle, kWork, kDone };

  absl::Status Enqueue(Command command);
  void Loop();
  void SyncLoop();
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Duration UntilDue() const;
  void TakeCommands(std::vector<Command>& taken) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Execute(std::vector<Command>& taken);
  void StartSync();
  void FinishSync(const absl::Status& status);
  void ReportFailure();

  Shard& shard_;
  Log& log_;
  const WriterOptions options_;

  mutable absl::Mutex mutex_;
  std::deque<Command> queue_ ABSL_GUARDED_BY(mutex_);
  size_t queued_requests_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool has_room_ ABSL_GUARDED_BY(mutex_) = true;    // In the frame that is being filled.
  bool is_behind_ ABSL_GUARDED_BY(mutex_) = false;  // History is: nothing is taken until it is not.
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;  // The writer thread: the other may end too.
  Io io_ ABSL_GUARDED_BY(mutex_) = Io::kIdle;
  absl::Status io_status_ ABSL_GUARDED_BY(mutex_);

  // The sync thread's while io_ is kWork, else the writer thread's.
  Frame io_frame_;
  bool io_mark_ = false;
  uint64_t io_timestamp_ns_ = 0;

  bool is_failure_reported_ = false;  // The writer thread's.

  std::thread writer_thread_;
  std::thread sync_thread_;
};

}  // namespace ledger
