#include "benchmarks/orchestrator/agent_host.h"

#include <deque>
#include <utility>

#include "base/clock.h"
#include "rpc/rpc.h"

namespace benchmarks {

using hamisha::agent::v1::AgentLink;
using hamisha::agent::v1::AgentMessage;
using hamisha::agent::v1::OrchestratorMessage;

namespace {

constexpr absl::Duration kBeatInterval = absl::Milliseconds(500);
constexpr size_t kBeatParts = 100;  // So that not all beat at once.
constexpr char kNoRun[] = "none";

uint64_t WallNs() {
  return static_cast<uint64_t>(absl::ToUnixNanos(base::SystemClock().WallNow()));
}

}  // namespace

// One stream of an agent. Deletes itself when gRPC is done with it.
class AgentHost::Call final : public grpc::ClientBidiReactor<AgentMessage, OrchestratorMessage> {
 public:
  Call(AgentHost& host, Agent& agent, const std::string& name) : host_(host), agent_(agent) {
    context_.set_wait_for_ready(true);
    AgentMessage& hello = queue_.emplace_back();  // Before anything that others send.
    hello.mutable_hello()->set_host(name);
    hello.mutable_hello()->set_wall_clock_unix_ns(WallNs());
  }

  void Begin(AgentLink::Stub& stub) {
    stub.async()->Connect(&context_, this);
    {
      const absl::MutexLock lock(&mutex_);
      StartWrite(&queue_.front());
    }
    StartRead(&incoming_);
    StartCall();
  }

  void Send(AgentMessage message) {
    const absl::MutexLock lock(&mutex_);
    if (ended_) return;
    queue_.push_back(std::move(message));
    if (queue_.size() == 1) StartWrite(&queue_.front());
  }

  void Cancel() { context_.TryCancel(); }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (incoming_.has_order()) {
      AgentMessage answer;
      *answer.mutable_result() = host_.answer_(incoming_.order());
      Send(std::move(answer));
    } else {
      const absl::MutexLock lock(&host_.mutex_);
      if (incoming_.has_welcome()) ++host_.welcomed_;
      if (incoming_.result_received().key().run() == kNoRun) ++host_.nothings_;
    }
    StartRead(&incoming_);
  }

  void OnWriteDone(bool ok) override {
    const absl::MutexLock lock(&mutex_);
    queue_.pop_front();
    if (!ok) ended_ = true;
    if (!ended_ && !queue_.empty()) StartWrite(&queue_.front());
  }

  void OnDone(const grpc::Status& status) override;

 private:
  AgentHost& host_;
  Agent& agent_;
  grpc::ClientContext context_;
  OrchestratorMessage incoming_;

  absl::Mutex mutex_;
  std::deque<AgentMessage> queue_ ABSL_GUARDED_BY(mutex_);  // The front is being written.
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

class AgentHost::Agent {
 public:
  Agent(AgentHost& host, std::string name, const std::string& address)
      : host_(host), name_(std::move(name)), stub_(AgentLink::NewStub(rpc::Connect(address))) {}

  void Dial() {
    {
      const absl::MutexLock lock(&host_.mutex_);
      if (host_.ending_) return;
      ++host_.calls_;
    }
    auto* const call = new Call(host_, *this, name_);
    {
      const absl::MutexLock lock(&mutex_);
      call_ = call;
    }
    {
      const absl::MutexLock lock(&host_.mutex_);
      if (host_.ending_) call->Cancel();  // HangUp() may have come too early.
    }
    call->Begin(*stub_);
  }

  void Send(AgentMessage message) {
    const absl::MutexLock lock(&mutex_);
    if (call_ != nullptr) call_->Send(std::move(message));
  }

  void HangUp() {
    const absl::MutexLock lock(&mutex_);
    if (call_ != nullptr) call_->Cancel();
  }

  void Ended() {
    {
      const absl::MutexLock lock(&mutex_);
      call_ = nullptr;
    }
    Dial();
    const absl::MutexLock lock(&host_.mutex_);
    --host_.calls_;
  }

  const std::string& name() const { return name_; }

 private:
  AgentHost& host_;
  const std::string name_;
  const std::unique_ptr<AgentLink::Stub> stub_;

  absl::Mutex mutex_;
  Call* call_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

void AgentHost::Call::OnDone(const grpc::Status& /*status*/) {
  agent_.Ended();
  delete this;
}

AgentHost::AgentHost(const std::vector<std::string>& hosts, const std::string& address,
                     Answer answer)
    : answer_(std::move(answer)) {
  for (const std::string& host : hosts) {
    agents_.push_back(std::make_unique<Agent>(*this, host, address));
  }
  for (const auto& agent : agents_) agent->Dial();
  beats_ = std::thread([this] { Beat(); });
}

AgentHost::~AgentHost() {
  {
    const absl::MutexLock lock(&mutex_);
    ending_ = true;
  }
  beats_.join();
  for (const auto& agent : agents_) agent->HangUp();
  const auto done = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return calls_ == 0; };
  const absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&done));
}

// By the clock, so that no agent beats late because waits take longer than asked for.
void AgentHost::Beat() {
  const absl::Duration start = base::SystemClock().MonotonicNow();
  for (int64_t part = 0;; ++part) {
    for (size_t i = static_cast<size_t>(part) % kBeatParts; i < agents_.size(); i += kBeatParts) {
      AgentMessage beat;
      beat.mutable_heartbeat()->set_wall_clock_unix_ns(WallNs());
      agents_[i]->Send(std::move(beat));
    }
    const absl::Duration next = start + (part + 1) * (kBeatInterval / kBeatParts);
    const absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&ending_), next - base::SystemClock().MonotonicNow());
    if (ending_) return;
  }
}

absl::Duration AgentHost::ReceiptOfNothing() {
  Agent& agent = *agents_.front();
  AgentMessage message;
  message.mutable_result()->mutable_key()->set_run(kNoRun);
  message.mutable_result()->mutable_key()->set_host(agent.name());
  uint64_t before = 0;
  {
    const absl::MutexLock lock(&mutex_);
    before = nothings_;
  }
  const absl::Duration start = base::SystemClock().MonotonicNow();
  agent.Send(std::move(message));
  const auto came = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return nothings_ > before; };
  const absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&came));
  return base::SystemClock().MonotonicNow() - start;
}

size_t AgentHost::TakeWelcomed() {
  const absl::MutexLock lock(&mutex_);
  return std::exchange(welcomed_, 0);
}

}  // namespace benchmarks
