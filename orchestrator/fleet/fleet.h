#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "hamisha/agent/v1/agent.grpc.pb.h"

namespace orchestrator {

// Hears of agents. Called from gRPC's threads: must return soon, and must not call the fleet back.
class FleetHandler {
 public:
  virtual ~FleetHandler() = default;
  virtual void OnConnected(const std::string& host) = 0;
  virtual void OnDisconnected(const std::string& host) = 0;
  virtual void OnResult(hamisha::agent::v1::OrderResult result) = 0;
  virtual void OnProgress(hamisha::agent::v1::OrderProgress progress) = 0;
};

struct AgentInfo {
  std::string host;
  bool connected = false;
  std::string version;
  absl::Duration clock_error;  // The agent's wall clock less ours, the trip included.
};

class AgentStream;

// The agents that dialled in, by host: the server's side of AgentLink. A host's newest stream
// counts; an older one is ended. An agent that misses three heartbeats is cut off, and dials again.
// Safe for any thread.
class Fleet {
 public:
  static constexpr absl::Duration kHeartbeatInterval = absl::Milliseconds(500);

  // `clock` and `handler` must outlive the fleet. Agents are greeted with `term`.
  Fleet(const base::Clock& clock, FleetHandler& handler, uint64_t term);
  // The server that has service() must have been shut down.
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  grpc::Service& service();

  // To the host that its key names. Dropped when that is not connected: who wants it to arrive
  // sends it again from OnConnected() on.
  void Send(hamisha::agent::v1::Order order);
  // Tells the agent that its result is in the journal. Dropped likewise: it will repeat the result.
  void Acknowledge(const hamisha::agent::v1::OrderKey& key);

  // Ends streams that have been silent for too long. Returns when to ask again, at the latest.
  absl::Duration EndSilentStreams();
  // Ends all streams, so that the server can shut down, and refuses new ones.
  void EndAllStreams();

  // All hosts that were ever connected, by name.
  std::vector<AgentInfo> Agents() const;
  // Of a host that was ever connected.
  std::optional<absl::Duration> ClockErrorOf(const std::string& host) const;

 private:
  friend class AgentStream;
  class Service;

  void Register(const std::shared_ptr<AgentStream>& stream, const hamisha::agent::v1::Hello& hello);
  void Heard(AgentStream& stream, const hamisha::agent::v1::AgentMessage& message);
  void Remove(AgentStream& stream);
  void SendTo(const std::string& host, hamisha::agent::v1::OrchestratorMessage message);

  const base::Clock& clock_;
  FleetHandler& handler_;
  const uint64_t term_;
  const std::unique_ptr<Service> service_;

  mutable absl::Mutex mutex_;
  std::map<std::string, std::shared_ptr<AgentStream>> streams_ ABSL_GUARDED_BY(mutex_);
  std::set<AgentStream*> all_ ABSL_GUARDED_BY(mutex_);  // Those without a Hello too.
  std::map<std::string, AgentInfo> agents_ ABSL_GUARDED_BY(mutex_);
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace orchestrator
