#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "agents/runtime/driver.h"
#include "agents/runtime/executor.h"
#include "agents/runtime/link.h"
#include "agents/runtime/log.h"
#include "agents/runtime/runner.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "hamisha/agent/v1/agent.pb.h"

namespace agents {

struct AgentOptions {
  hamisha::agent::v1::AgentConfig config;
  std::string version;
  std::string binary_sha256;
  const base::Clock& clock;
  base::FileSystem& files;
  absl::Duration reconnect_pause = absl::Milliseconds(100);
  absl::Duration tick = absl::Seconds(1);
};

// One server's agent: the executor's shell. It takes events one at a time, gives them to the
// executor and carries out the effects: log, then act.
class Agent {
 public:
  // Reads the log, and dials. `drivers` must outlive it.
  static absl::StatusOr<std::unique_ptr<Agent>> Start(const AgentOptions& options,
                                                      const Drivers& drivers);
  ~Agent();

  // Works until Stop(), which is OK, or until the log cannot be written: then the program must end.
  absl::Status Run();
  void Stop();  // Any thread.

 private:
  Agent(const AgentOptions& options, const Drivers& drivers, std::unique_ptr<Log> log);

  void Post(Event event);
  // Waits for events, or for the next tick. False once it is to stop.
  bool Take(std::deque<Event>& events);
  absl::Status HandleAll(const std::deque<Event>& events);
  absl::Status Tick();
  absl::Status End(std::deque<Event> events);
  absl::Status Carry(std::vector<Effect> effects);
  absl::Status Flush();

  hamisha::agent::v1::Hello Hello();
  absl::Time ToldTime() const;  // What the orchestrator is told that it is.
  void Received(hamisha::agent::v1::OrchestratorMessage message);
  void StreamEnded(const std::string& why);
  void Heartbeat();
  void Say(absl::string_view line) const;

  const AgentOptions options_;
  const Drivers& drivers_;
  std::unique_ptr<Log> log_;
  Executor executor_;                       // Run()'s thread only.
  hamisha::agent::v1::LogBatch unwritten_;  // Run()'s thread only.
  bool told_ended_ = false;                 // The link's thread only: one line per outage.

  absl::Mutex mutex_;
  std::deque<Event> events_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t term_highest_ ABSL_GUARDED_BY(mutex_) = 0;
  bool welcomed_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration heartbeat_interval_ ABSL_GUARDED_BY(mutex_) = absl::Seconds(1);
  absl::Duration last_heartbeat_;  // Run()'s thread only; monotonic.
  absl::Duration last_tick_;

  std::unique_ptr<Runner> runner_;
  std::unique_ptr<Link> link_;
};

}  // namespace agents
