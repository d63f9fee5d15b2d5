#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "hamisha/ledger/v1/node.grpc.pb.h"
#include "ledger/node/writer.h"

namespace ledger {

// Pulls the records of another node into this one's log, on a thread of its own, again after every
// break until told otherwise. Stops for good, with a fault, when the logs diverge or records are
// damaged. Any thread may call.
class Follower {
 public:
  struct Source {
    bool is_connected = false;
    std::string fault;  // "" when well.
    // What the source last said was durable there.
    uint64_t position = 0;
    uint64_t bytes = 0;
    uint64_t timestamp_ns = 0;
  };

  // `addresses`: node id → host:port. `writer` must outlive it.
  Follower(std::string self, std::map<std::string, std::string> addresses, Writer& writer);
  ~Follower();

  // Follows `node_id` from now on; "" nobody. A fault is forgotten. Does not block.
  void SetTarget(const std::string& node_id);
  Source source() const;
  // Ends the thread.
  void Stop();

 private:
  // One try of pulling: what it shares with the writer thread.
  struct Pull {
    explicit Pull(std::string to_follow) : target(std::move(to_follow)) {}
    const std::string target;
    grpc::ClientContext context;
    absl::Mutex mutex;
    int in_flight ABSL_GUARDED_BY(mutex) = 0;  // Chunks that are not yet durable.
    absl::Status error ABSL_GUARDED_BY(mutex);
  };

  void Loop();
  bool HasTarget() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsOver(const Pull& pull) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status PullRecords(const std::shared_ptr<Pull>& pull);
  absl::Status AskPosition(hamisha::ledger::v1::PullRequest& request);
  void Take(const std::shared_ptr<Pull>& pull, hamisha::ledger::v1::RecordChunk chunk);
  void Ended(const Pull& pull, const absl::Status& status, int tries);

  const std::string self_;
  const std::map<std::string, std::string> addresses_;
  Writer& writer_;

  mutable absl::Mutex mutex_;
  std::string target_ ABSL_GUARDED_BY(mutex_);
  uint64_t orders_ ABSL_GUARDED_BY(mutex_) = 0;  // Calls of SetTarget.
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  Source source_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<Pull> pull_ ABSL_GUARDED_BY(mutex_);

  std::thread thread_;
};

}  // namespace ledger
