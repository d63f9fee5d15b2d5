#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "hamisha/ledger/v1/node.pb.h"
#include "ledger/history/history.h"
#include "ledger/node/durable_tail.h"
#include "ledger/node/writer.h"
#include "ledger/storage/snapshots.h"

namespace ledger {

// What the snapshotter works with; all must outlive it.
struct SnapshotterParts {
  Writer& writer;
  History& history;
  Snapshots& snapshots;
  const DurableTail& tail;
};

struct SnapshotterOptions {
  uint64_t every_log_bytes = 0;
  // With each snapshot: the log before that position is not needed for it any more.
  std::function<absl::Status(uint64_t position)> give_up_log = {};
  // Again and again, while no snapshot is taken: removes what nobody needs, in steps.
  std::function<absl::Status(const Pause& pause)> remove_rest = {};
  const base::Clock* clock = &base::SystemClock();
  std::function<void(const std::string&)> say;
};

// Takes a snapshot behind so many bytes of log (as many as the last snapshot had, if that is more),
// and when asked, on a thread of its own while writing goes on, at a quarter of a fast disk's
// speed. A snapshot that fails is said and tried again behind as much log; the node does without.
// Any thread may ask.
class Snapshotter {
 public:
  // The newest snapshot that is there was taken behind `log_bytes` of log.
  Snapshotter(SnapshotterParts parts, SnapshotterOptions options, uint64_t log_bytes);
  ~Snapshotter();  // As Stop().

  struct Taken {
    uint64_t position;
    uint64_t bytes;
  };
  // Takes one now. ABORTED while another is under way.
  void Take(std::function<void(const absl::StatusOr<Taken>&)> done);
  // Before the writer is stopped: it has to end what is under way.
  void Stop();

 private:
  void Loop();
  bool IsDue() const;
  // Somebody may wait for it.
  absl::StatusOr<Taken> TakeNow(bool is_awaited);
  absl::StatusOr<Taken> Write(const FrozenShard& frozen);
  // Until the clock's monotonic time is `due`; CANCELLED when the thread is to end before.
  absl::Status AwaitTime(absl::Duration due);
  absl::Status GiveUpOld(bool is_awaited);
  void RemoveRest();
  template <typename Work>
  absl::Status OnWriter(Work work);

  const SnapshotterParts parts_;
  const SnapshotterOptions options_;
  uint64_t log_bytes_;           // At the newest snapshot; the thread's, like
  uint64_t snapshot_bytes_ = 0;  // that snapshot's own.
  absl::Status removed_;         // How RemoveRest() ended last; the thread's too.

  absl::Mutex mutex_;
  std::function<void(const absl::StatusOr<Taken>&)> asked_ ABSL_GUARDED_BY(mutex_);
  bool is_taking_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace ledger
