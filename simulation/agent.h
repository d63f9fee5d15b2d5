#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agents/runtime/executor.h"
#include "simulation/environment.h"
#include "simulation/order_run.h"

namespace simulation {

class Orchestrator;

// One host's agent: the real executor (agents/runtime/executor.h) with a log in memory of which a
// crash takes what was not synced, and the shell around it (agents/runtime/agent.cc) restated: one
// event at a time, the log before the effect, a stream to an orchestrator that it dials again and
// again.
class Agent {
 public:
  struct Place {
    std::string host;
    HostIndex index;
    LedgerNode* node;  // Of this host; null without one.
    Gateway* gateway;  // Likewise.
  };
  // `plan_digest`: of the plan that was approved.
  Agent(Environment& environment, const DriverTraits& traits, Place place,
        const std::string& plan_digest);
  ~Agent() { DropRuns(); }

  // Whom to dial: all that there are, and may be dead. Called anew for each try.
  void Dial(std::function<Orchestrator*()> pick);

  void Crash();
  void Start();
  // Orders that did not come from an orchestrator of ours.
  void Inject(const hamisha::agent::v1::Order& order);

  const Place& place() const { return place_; }
  const Life& life() const { return life_; }

  // From the orchestrator, by `stream`.
  void Receive(const std::shared_ptr<Stream>& stream, agents::Event event);

 private:
  void Boot();
  void Connect();
  void ConnectLater();
  void StreamBroken(const Stream* stream);
  void Post(agents::Event event);
  void Work();
  void Carry();
  void Sync(size_t entries);
  void Do(agents::Effect& effect);
  void Begin(hamisha::agent::v1::Order order);
  void TickLater();
  void DropRuns();

  Environment& environment_;
  const DriverTraits& traits_;
  const Place place_;
  const std::string& plan_digest_;
  std::function<Orchestrator*()> pick_;
  Life life_;

  std::vector<hamisha::agent::v1::LogEntry> log_;  // On disk; durable.

  std::unique_ptr<agents::Executor> executor_;
  std::vector<hamisha::agent::v1::LogEntry> unwritten_;
  std::deque<agents::Event> events_;
  std::deque<agents::Effect> effects_;  // Of the event in hand, not yet carried out.
  bool is_syncing_ = false;
  bool is_ticking_ = false;
  uint64_t unacknowledged_ = 0;
  std::shared_ptr<Stream> stream_;
  Orchestrator* orchestrator_ = nullptr;
  using RunKey = std::pair<std::string, uint32_t>;  // Step and attempt.
  std::map<RunKey, std::shared_ptr<OrderRun>> runs_;
};

}  // namespace simulation
