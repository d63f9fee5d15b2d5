#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "hamisha/ledger/v1/node.grpc.pb.h"
#include "ledger/copy/copier.h"
#include "ledger/node/retry_pause.h"
#include "ledger/node/writer.h"

namespace ledger {

// Pulls the records of another node into this one's log, on a thread of its own, again after every
// break until told otherwise. An empty node first copies snapshot and history, where that is
// quicker. Stops for good, with a fault, when the logs diverge or records are damaged. Any thread
// may call.
class Follower {
 public:
  struct Source {
    bool is_connected = false;
    std::string fault;  // "" when well.
    // What the source last said was durable there.
    uint64_t position = 0;
    uint64_t bytes = 0;
    uint64_t timestamp_ns = 0;
    uint64_t accounts_unhashed = 0;  // As in NodeStatus.
  };

  struct Options {
    std::string self;                              // Node id.
    std::map<std::string, std::string> addresses;  // Node id → host:port.
    CopierOptions copier;                          // But on_tail.
    // What was copied is whole: the node is to be opened anew, with it. Once; no record is pulled
    // from then on. On the follower's thread.
    std::function<void()> on_copied;
  };
  // `writer` must outlive it.
  Follower(Options options, Writer& writer);
  ~Follower();

  // Follows `node_id` from now on; "" nobody. A fault is forgotten. Does not block.
  void SetTarget(const std::string& node_id);
  // Who is followed; "" nobody.
  std::string target() const;
  Source source() const;
  std::optional<pb::CopyProgress> copy_progress() const { return copier_.progress(); }
  // Ends the thread.
  void Stop();

 private:
  // One try of pulling: what it shares with the writer thread.
  struct Pull {
    explicit Pull(std::string to_follow) : target(std::move(to_follow)) {}
    const std::string target;
    grpc::ClientContext context;
    std::atomic<bool> is_cancelled = false;
    std::atomic<bool> has_moved = false;  // Pieces or records came.
    absl::Mutex mutex;
    int in_flight ABSL_GUARDED_BY(mutex) = 0;  // Chunks that are not yet durable.
    absl::Status error ABSL_GUARDED_BY(mutex);
  };

  void Loop();
  bool HasTarget() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsOver(const Pull& pull) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Cancel() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CopyOrPull(const std::shared_ptr<Pull>& pull);
  absl::Status PullRecords(const std::shared_ptr<Pull>& pull, const pb::PullRequest& request,
                           const std::string& address);
  absl::Status AskPosition(pb::PullRequest& request);
  void NotePiece();
  void NoteTail(const pb::SourceTail& tail);
  void Take(const std::shared_ptr<Pull>& pull, pb::RecordChunk chunk);
  void Ended(const Pull& pull, const absl::Status& status);

  const Options options_;
  Writer& writer_;
  Copier copier_;

  mutable absl::Mutex mutex_;
  std::string target_ ABSL_GUARDED_BY(mutex_);
  uint64_t orders_ ABSL_GUARDED_BY(mutex_) = 0;  // Calls of SetTarget.
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  Source source_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<Pull> pull_ ABSL_GUARDED_BY(mutex_);

  RetryPause retry_;  // The thread's.
  std::thread thread_;
};

}  // namespace ledger
