#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "hamisha/ledger/v1/ledger.grpc.pb.h"
#include "ledger/gateway/lane.h"
#include "ledger/gateway/timer.h"

namespace ledger {

// How long a node has for one call.
inline constexpr absl::Duration kCallTimeout = absl::Seconds(5);

// Node id → where it is called.
using NodeStubs = std::map<std::string, std::shared_ptr<pb::Ledger::Stub>>;

// Does what a Lane asks for: calls to nodes, answers, its clock. Safe for any thread. Answers come
// on gRPC's threads, the timer's, or the caller's own.
class ShardWriter {
 public:
  using Done = std::function<void(absl::StatusOr<pb::CreateResponse>)>;

  // Clock and timer must outlive it. The route names one of the stubs.
  ShardWriter(Lane lane, NodeStubs stubs, const base::Clock& clock, Timer& timer);
  ~ShardWriter();  // Stops it. The timer must have been stopped.

  // `batch` is not empty, valid, and all of this shard. `done` is called exactly once.
  void Write(WriteBatch batch, Done done);

  void Hold(const LaneBounds& bounds);
  absl::Status CheckRoute(const LaneRoute& route) const;
  // FAILED_PRECONDITION as CheckRoute.
  absl::Status Route(const LaneRoute& route);
  void Release();
  LaneStatus Status() const;
  bool HasNode(const std::string& node_id) const { return stubs_.contains(node_id); }

  // The node in force, for reads.
  std::shared_ptr<pb::Ledger::Stub> StubInForce() const;

  // Answers all that waits, and waits for the ends of all calls. May be repeated.
  void Stop();

 private:
  struct NodeCall;
  // What is to be done once the lock is free.
  struct Actions {
    std::vector<std::shared_ptr<NodeCall>> start;
    std::vector<std::shared_ptr<NodeCall>> cancel;
    std::vector<std::pair<Done, absl::StatusOr<pb::CreateResponse>>> answers;
    absl::Duration tick_at = absl::InfiniteDuration();
  };

  Actions Prepare(LaneEffects effects) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Add(SendCall&& send, Actions* actions) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Add(CancelCall&& cancel, Actions* actions) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Add(AnswerWrite&& answer, Actions* actions) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Do(Actions& actions) ABSL_LOCKS_EXCLUDED(mutex_);
  void Start(const std::shared_ptr<NodeCall>& call);
  void Ended(const std::shared_ptr<NodeCall>& call, const grpc::Status& status);
  void Tick();

  const base::Clock& clock_;
  Timer& timer_;
  const NodeStubs stubs_;

  mutable absl::Mutex mutex_;
  Lane lane_ ABSL_GUARDED_BY(mutex_);
  WriteId write_newest_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<WriteId, Done> waiting_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<CallId, std::shared_ptr<NodeCall>> calls_ ABSL_GUARDED_BY(mutex_);
  int ending_ ABSL_GUARDED_BY(mutex_) = 0;  // Ends being worked on, outside the lock too.
  absl::Duration tick_at_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
};

using ShardWriters = std::map<uint32_t, std::unique_ptr<ShardWriter>>;

}  // namespace ledger
