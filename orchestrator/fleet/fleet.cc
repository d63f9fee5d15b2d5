#include "orchestrator/fleet/fleet.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "orchestrator/fleet/agent_stream.h"

namespace orchestrator {

using hamisha::agent::v1::AgentMessage;
using hamisha::agent::v1::Hello;
using hamisha::agent::v1::OrchestratorMessage;
using hamisha::agent::v1::Order;
using hamisha::agent::v1::OrderKey;

namespace {

constexpr absl::Duration kSilenceMax = absl::Milliseconds(1500);  // Three heartbeats.

absl::Duration ClockError(uint64_t theirs_unix_ns, absl::Time ours) {
  return absl::FromUnixNanos(static_cast<int64_t>(theirs_unix_ns)) - ours;
}

}  // namespace

class Fleet::Service final : public hamisha::agent::v1::AgentLink::CallbackService {
 public:
  explicit Service(Fleet& fleet) : fleet_(fleet) {}
  grpc::ServerBidiReactor<AgentMessage, OrchestratorMessage>* Connect(
      grpc::CallbackServerContext* context) override {
    return AgentStream::Start(fleet_, *context);
  }

 private:
  Fleet& fleet_;
};

Fleet::Fleet(const base::Clock& clock, FleetHandler& handler, uint64_t term)
    : clock_(clock), handler_(handler), term_(term), service_(std::make_unique<Service>(*this)) {}

Fleet::~Fleet() {
  const absl::MutexLock lock(&mutex_);
  INVARIANT(all_.empty());  // The server was shut down.
}

grpc::Service& Fleet::service() { return *service_; }

void Fleet::Register(const std::shared_ptr<AgentStream>& stream, const Hello& hello) {
  if (hello.host().empty()) {
    return stream->End({grpc::StatusCode::INVALID_ARGUMENT,
                        "Hello names no host: write the inventory's name in the agent's config"});
  }
  if (hello.term_highest() > term_) {
    return stream->End(
        {grpc::StatusCode::FAILED_PRECONDITION,
         absl::StrCat("this orchestrator has term ", term_, ", but the agent has obeyed term ",
                      hello.term_highest(), ": another orchestrator has taken over")});
  }
  {
    const absl::MutexLock lock(&mutex_);
    stream->host = hello.host();
    const std::shared_ptr<AgentStream> older = std::exchange(streams_[hello.host()], stream);
    if (older != nullptr && all_.contains(older.get())) older->Cancel();  // Its call still lives.
    agents_[hello.host()] = {
        .host = hello.host(),
        .connected = true,
        .version = hello.version(),
        .clock_error = ClockError(hello.wall_clock_unix_ns(), clock_.WallNow())};
  }
  OrchestratorMessage message;
  message.mutable_welcome()->set_term(term_);
  message.mutable_welcome()->mutable_heartbeat_interval()->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(kHeartbeatInterval)));
  stream->Send(std::move(message));
  handler_.OnConnected(hello.host());
}

void Fleet::Heard(AgentStream& stream, const AgentMessage& message) {
  bool known = false;
  {
    const absl::MutexLock lock(&mutex_);
    stream.heard = clock_.MonotonicNow();
    known = !stream.host.empty();
    if (known && message.has_heartbeat()) {
      agents_[stream.host].clock_error =
          ClockError(message.heartbeat().wall_clock_unix_ns(), clock_.WallNow());
    }
  }
  if (message.has_hello() != !known) {
    return stream.End({grpc::StatusCode::INVALID_ARGUMENT, "Hello comes first, and only once"});
  }
  if (message.has_hello()) return Register(stream.shared_from_this(), message.hello());
  if (message.has_result()) {
    if (message.result().key().host() == stream.host) return handler_.OnResult(message.result());
    return stream.End({grpc::StatusCode::INVALID_ARGUMENT,
                       absl::StrCat("a result of host ", message.result().key().host(),
                                    " came from ", stream.host)});
  }
  if (message.has_progress()) handler_.OnProgress(message.progress());
}

void Fleet::Remove(AgentStream& stream) {
  {
    const absl::MutexLock lock(&mutex_);
    all_.erase(&stream);
    const auto found = streams_.find(stream.host);
    if (found == streams_.end() || found->second.get() != &stream) return;
    streams_.erase(found);
    agents_[stream.host].connected = false;
  }
  handler_.OnDisconnected(stream.host);
}

void Fleet::SendTo(const std::string& host, OrchestratorMessage message) {
  std::shared_ptr<AgentStream> stream;
  {
    const absl::MutexLock lock(&mutex_);
    const auto found = streams_.find(host);
    if (found == streams_.end()) return;
    stream = found->second;
  }
  stream->Send(std::move(message));
}

void Fleet::Send(Order order) {
  const std::string host = order.key().host();
  OrchestratorMessage message;
  *message.mutable_order() = std::move(order);
  SendTo(host, std::move(message));
}

void Fleet::Acknowledge(const OrderKey& key) {
  OrchestratorMessage message;
  *message.mutable_result_received()->mutable_key() = key;
  SendTo(key.host(), std::move(message));
}

absl::Duration Fleet::EndSilentStreams() {
  const absl::MutexLock lock(&mutex_);
  const absl::Duration now = clock_.MonotonicNow();
  absl::Duration wait = kSilenceMax;
  for (AgentStream* const stream : all_) {
    const absl::Duration left = stream->heard + kSilenceMax - now;
    if (left <= absl::ZeroDuration()) {
      stream->Cancel();
    } else {
      wait = std::min(wait, left);
    }
  }
  return wait;
}

void Fleet::EndAllStreams() {
  const absl::MutexLock lock(&mutex_);
  ending_ = true;
  for (AgentStream* const stream : all_) stream->Cancel();
}

std::vector<AgentInfo> Fleet::Agents() const {
  const absl::MutexLock lock(&mutex_);
  std::vector<AgentInfo> agents;
  agents.reserve(agents_.size());
  for (const auto& [host, agent] : agents_) agents.push_back(agent);
  return agents;
}

std::optional<absl::Duration> Fleet::ClockErrorOf(const std::string& host) const {
  const absl::MutexLock lock(&mutex_);
  const auto agent = agents_.find(host);
  if (agent == agents_.end()) return std::nullopt;
  return agent->second.clock_error;
}

}  // namespace orchestrator
