#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "orchestrator/engine/engine.h"
#include "orchestrator/engine/run_clock.h"
#include "simulation/environment.h"

namespace simulation {

class Agent;

// An entry of a run's journal: an event, or what it caused.
using JournalEntry =
    std::variant<orchestrator::Event, std::shared_ptr<const hamisha::agent::v1::Order>,
                 orchestrator::RunEnded>;

// A run's journal. It outlives the processes that write it; what a process has not synced may be
// lost with it, from the end. Only the process of the highest term may write.
struct Journal {
  std::vector<JournalEntry> entries;
  size_t durable = 0;
  uint64_t term = 0;
};

// One orchestrator process: the real engine, and the shell around it (orchestrator/control)
// restated: events in order; they and the orders that they cause become durable with one sync, and
// only then anything leaves; who connects gets the open orders of its host.
class Orchestrator {
 public:
  struct Options {
    HostIndex host;
    std::shared_ptr<const orchestrator::Plan> plan;
    std::string run;
  };
  Orchestrator(Environment& environment, Journal& journal, Options options);

  // Takes the next term, and goes on with what is in the journal, or begins. `wall_start`: by its
  // host's wall clock.
  void Start(absl::Time wall_start);
  void Crash();
  void Act(hamisha::orchestrator::v1::PersonAct act);
  // The forecast says that from now on going back does not fit into the window any more.
  void AbortTimeCame();

  // From agents.
  void TakeAgent(Agent& agent, const std::shared_ptr<Stream>& stream);
  void TakeResult(hamisha::agent::v1::OrderResult result);
  void StreamBroken(const Stream* stream);

  HostIndex host() const { return options_.host; }
  const Life& life() const { return life_; }
  uint64_t term() const { return term_; }
  const orchestrator::Engine& engine() const { return *engine_; }
  // Whether all that it was told is durable.
  bool is_idle() const { return !is_syncing_ && tasks_.empty(); }

  // Called after every event that its engine took.
  std::function<void()> on_moved;
  // Called with each end of the run, once it is durable.
  std::function<void(const orchestrator::RunEnded&)> on_ended;

 private:
  struct AgentConnected {
    std::string host;
  };
  using Task = std::variant<hamisha::agent::v1::OrderResult, AgentConnected,
                            orchestrator::PersonActed, orchestrator::AbortTimeCame>;

  absl::Time Now() const;
  // As long as the plan's, from now on.
  std::optional<orchestrator::Window> RehearsalWindow() const;
  void Replay();
  void Post(Task task);
  void Work();
  void Do(Task& task);
  void Apply(decltype(orchestrator::Event::what) what);
  void Append(std::vector<orchestrator::Effect> effects);
  void TickWhenDue();
  void TickLater();
  void Commit();
  void SendAfterCommit();
  void SendOrder(const std::shared_ptr<const hamisha::agent::v1::Order>& order);
  void Die(const char* why);

  Environment& environment_;
  Journal& journal_;
  const Options options_;
  Life life_{.is_up = false};
  uint64_t term_ = 0;
  orchestrator::RunClock clock_{absl::UnixEpoch(), absl::ZeroDuration()};
  std::unique_ptr<orchestrator::Engine> engine_;
  std::deque<Task> tasks_;
  bool is_syncing_ = false;
  absl::Time tick_at_ = absl::InfiniteFuture();

  struct Connection {
    Agent* agent;
    std::shared_ptr<Stream> stream;
  };
  std::map<std::string, Connection> agents_;  // By host.

  // Of events that are not durable yet.
  std::vector<std::shared_ptr<const hamisha::agent::v1::Order>> orders_;
  std::vector<hamisha::agent::v1::OrderKey> acknowledge_;
  std::vector<std::string> connected_;
};

}  // namespace simulation
