#include "agents/runtime/link.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "rpc/rpc.h"

namespace agents {

namespace pb = ::hamisha::agent::v1;

namespace {

constexpr absl::Duration kPauseUnwelcome = absl::Milliseconds(500);  // Nothing will change soon.

}  // namespace

Link::Link(const std::string& orchestrator, Callbacks callbacks, absl::Duration pause)
    : stub_(pb::AgentLink::NewStub(rpc::Connect(orchestrator))),
      callbacks_(std::move(callbacks)),
      pause_(pause),
      thread_([this] { Run(); }) {}

Link::~Link() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    if (context_ != nullptr) context_->TryCancel();
  }
  thread_.join();
}

void Link::Send(pb::AgentMessage message) {
  absl::MutexLock lock(&mutex_);
  if (open_) outbox_.push_back(std::move(message));
}

void Link::Close() {
  absl::MutexLock lock(&mutex_);
  unwelcome_ = true;
  if (context_ != nullptr) context_->TryCancel();
}

void Link::Run() {
  while (true) {
    RunStream();
    absl::MutexLock lock(&mutex_);
    const absl::Duration pause = std::exchange(unwelcome_, false) ? kPauseUnwelcome : pause_;
    if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), pause)) return;
  }
}

void Link::RunStream() {
  grpc::ClientContext context;
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return;
    context_ = &context;
    outbox_.clear();
    pb::AgentMessage hello;
    *hello.mutable_hello() = callbacks_.hello();
    outbox_.push_back(std::move(hello));
    open_ = true;
  }
  const std::unique_ptr<Stream> stream = stub_->Connect(&context);
  std::thread writer([this, &stream] { WriteQueued(*stream); });
  pb::OrchestratorMessage message;
  while (stream->Read(&message)) callbacks_.received(std::move(message));
  {
    absl::MutexLock lock(&mutex_);
    open_ = false;
  }
  context.TryCancel();
  writer.join();
  const grpc::Status status = stream->Finish();
  {
    absl::MutexLock lock(&mutex_);
    context_ = nullptr;
    if (stopping_) return;
  }
  callbacks_.ended(status.ok() ? "the orchestrator ended the stream"
                               : absl::StrCat(status.error_message()));
}

void Link::WriteQueued(Stream& stream) {
  while (true) {
    pb::AgentMessage message;
    {
      const auto something = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return !open_ || !outbox_.empty();
      };
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&something));
      if (!open_) return;
      message = std::move(outbox_.front());
      outbox_.pop_front();
    }
    // After a failed write the read fails too and ends the stream.
    if (!stream.Write(message)) return;
  }
}

}  // namespace agents
