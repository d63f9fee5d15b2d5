#include "orchestrator/fleet/agent_stream.h"

#include <utility>

#include "orchestrator/fleet/fleet.h"

namespace orchestrator {

AgentStream* AgentStream::Start(Fleet& fleet, grpc::CallbackServerContext& context) {
  const std::shared_ptr<AgentStream> stream(new AgentStream(fleet, context));
  stream->self_ = stream;
  {
    const absl::MutexLock lock(&fleet.mutex_);
    fleet.all_.insert(stream.get());
    stream->heard = fleet.clock_.MonotonicNow();
    if (fleet.ending_) {
      stream->End({grpc::StatusCode::UNAVAILABLE, "the orchestrator is stopping"});
      return stream.get();
    }
  }
  stream->StartRead(&stream->incoming_);
  return stream.get();
}

void AgentStream::Send(hamisha::agent::v1::OrchestratorMessage message) {
  const absl::MutexLock lock(&mutex_);
  if (ending_) return;
  queue_.push_back(std::move(message));
  if (writing_) return;
  writing_ = true;
  StartWrite(&queue_.front());
}

void AgentStream::End(const grpc::Status& status) {
  const absl::MutexLock lock(&mutex_);
  if (ending_) return;
  ending_ = true;
  status_ = status;
  FinishIfIdle();
}

void AgentStream::FinishIfIdle() {
  if (!ending_ || writing_ || finished_) return;
  finished_ = true;
  Finish(status_);
}

void AgentStream::OnReadDone(bool ok) {
  if (!ok) return End(grpc::Status::OK);
  fleet_.Heard(*this, incoming_);
  incoming_.Clear();
  StartRead(&incoming_);
}

void AgentStream::OnWriteDone(bool ok) {
  const absl::MutexLock lock(&mutex_);
  writing_ = false;
  queue_.pop_front();
  if (!ok) ending_ = true;
  if (!ending_ && !queue_.empty()) {
    writing_ = true;
    StartWrite(&queue_.front());
    return;
  }
  FinishIfIdle();
}

void AgentStream::OnDone() {
  fleet_.Remove(*this);
  const std::shared_ptr<AgentStream> last = std::move(self_);
}

}  // namespace orchestrator
