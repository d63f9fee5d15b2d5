#pragma once

#include <deque>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "hamisha/agent/v1/agent.grpc.pb.h"

namespace orchestrator {

class Fleet;

// One call of AgentLink.Connect. Owns itself until gRPC is done with it. Safe for any thread.
class AgentStream final : public grpc::ServerBidiReactor<hamisha::agent::v1::AgentMessage,
                                                         hamisha::agent::v1::OrchestratorMessage>,
                          public std::enable_shared_from_this<AgentStream> {
 public:
  // Both must outlive the call.
  static AgentStream* Start(Fleet& fleet, grpc::CallbackServerContext& context);

  // Queues the message; dropped once the stream ends.
  void Send(hamisha::agent::v1::OrchestratorMessage message);
  // Ends the call with this status, after a write that is under way.
  void End(const grpc::Status& status);
  // Ends the call now: what it reads and writes fails.
  void Cancel() { context_.TryCancel(); }

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone() override;

  // Set by the fleet, under its lock.
  std::string host;      // "" before Hello.
  absl::Duration heard;  // Monotonic time of the last message.

 private:
  AgentStream(Fleet& fleet, grpc::CallbackServerContext& context)
      : fleet_(fleet), context_(context) {}

  void FinishIfIdle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Fleet& fleet_;
  grpc::CallbackServerContext& context_;
  std::shared_ptr<AgentStream> self_;
  hamisha::agent::v1::AgentMessage incoming_;

  absl::Mutex mutex_;
  std::deque<hamisha::agent::v1::OrchestratorMessage> queue_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;  // The front of the queue is being written.
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace orchestrator
