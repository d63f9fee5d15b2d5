// An orchestrator in this process, and agents that dial it over real sockets.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "orchestrator/api/service.h"
#include "orchestrator/control/control.h"
#include "rpc/rpc.h"

namespace orchestrator {

// Stands still until it is moved. Safe for any thread.
class SteppedClock final : public base::Clock {
 public:
  explicit SteppedClock(absl::Time wall) : wall_(wall) {}
  absl::Time WallNow() const override { return wall_ + MonotonicNow(); }
  absl::Duration MonotonicNow() const override { return absl::Nanoseconds(passed_ns_.load()); }
  void Advance(absl::Duration by) { passed_ns_ += absl::ToInt64Nanoseconds(by); }

 private:
  const absl::Time wall_;
  std::atomic<int64_t> passed_ns_ = 0;
};

// Ends in the right order: what serves before what is served.
class RunningOrchestrator {
 public:
  explicit RunningOrchestrator(ControlOptions options);
  ~RunningOrchestrator();

  Control& control() { return *control_; }
  const std::string& address() const { return server_.address; }
  hamisha::orchestrator::v1::Orchestrator::Stub& api() { return *api_; }

  // Of a plan of tests/orchestrator/engine/plans.h; the run's id.
  std::string Submit();
  // The same of another kind, or one that goes back by itself.
  absl::StatusOr<std::string> TrySubmit(hamisha::orchestrator::v1::RunKind kind,
                                        const std::string& go_back_after = "");
  // Watches the newest run until it ends.
  hamisha::orchestrator::v1::RunView WatchToEnd();

 private:
  std::unique_ptr<Control> control_;
  std::unique_ptr<OrchestratorService> service_;
  rpc::RunningServer server_;
  std::unique_ptr<hamisha::orchestrator::v1::Orchestrator::Stub> api_;
};

// Options whose compiler answers `plan` to any text.
ControlOptions PlanOptions(const std::string& state_dir, const Plan& plan);

// Agents of some hosts. Each keeps what it answered, as a real one does, across orchestrators, and
// fails the test's expectations when a key comes with two contents.
class FakeAgents {
 public:
  // Nothing: no answer, as if it were still executing.
  using Behaviour = std::function<std::optional<hamisha::agent::v1::OrderResult>(
      const hamisha::agent::v1::Order&)>;

  FakeAgents(std::vector<std::string> hosts, Behaviour behaviour);
  ~FakeAgents();

  void Dial(const std::string& address);
  void HangUp();
  void set_behaviour(Behaviour behaviour);
  // From the next connection on they say what time it is; else that it is 1970.
  void TellTheTime() { tells_time_ = true; }

  // Waits until an order "<step> on <host>" has come.
  void AwaitOrder(const std::string& text);
  // "<step> on <host>" of every order, once each, in order of arrival.
  std::vector<std::string> Orders() const;
  // Keys that came with two contents; none, one hopes.
  std::vector<std::string> Contradictions() const;

 private:
  void Serve(const std::string& host, hamisha::agent::v1::AgentLink::Stub& stub);
  std::optional<hamisha::agent::v1::OrderResult> Execute(const hamisha::agent::v1::Order& order);

  const std::vector<std::string> hosts_;
  std::atomic<bool> tells_time_ = false;
  std::vector<std::thread> threads_;

  mutable absl::Mutex mutex_;
  Behaviour behaviour_ ABSL_GUARDED_BY(mutex_);
  bool hung_up_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, grpc::ClientContext*> calls_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> orders_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> contents_ ABSL_GUARDED_BY(mutex_);  // By key.
  std::map<std::string, hamisha::agent::v1::OrderResult> results_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> contradictions_ ABSL_GUARDED_BY(mutex_);
};

// Answers with the outcome.
hamisha::agent::v1::OrderResult Answer(const hamisha::agent::v1::Order& order,
                                       hamisha::agent::v1::Outcome outcome,
                                       const std::string& message = "");
// Succeeds at everything.
std::optional<hamisha::agent::v1::OrderResult> AlwaysSucceed(
    const hamisha::agent::v1::Order& order);

// All hosts of the plans in tests/orchestrator/engine/plans.h.
std::vector<std::string> AllHosts();

}  // namespace orchestrator
