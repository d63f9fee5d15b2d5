#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "hamisha/orchestrator/v1/orchestrator.pb.h"
#include "orchestrator/plan/plan.h"
#include "simulation/agent.h"
#include "simulation/clients.h"
#include "simulation/environment.h"
#include "simulation/faults.h"
#include "simulation/gateway.h"
#include "simulation/ledger_node.h"
#include "simulation/orchestrator.h"
#include "simulation/people.h"

namespace simulation {

struct WorldOptions {
  std::shared_ptr<const orchestrator::Plan> plan;
  uint64_t seed = 0;
  Workload workload;
  std::function<absl::Duration(const hamisha::agent::v1::Order&, Dice&)> work;   // Null: none.
  std::function<absl::Duration(const orchestrator::PlannedStep&, Dice&)> think;  // As People.
  absl::Duration round_trip_between_sites = absl::Milliseconds(10);
  std::vector<Fault> faults;  // These, and what is drawn by:
  FaultRates rates;
  absl::Duration sunny_length = absl::Seconds(2);  // Of a run without faults.
  std::set<std::string> failing_steps;
  bool operator_mends = true;  // Asks for the way back again while the run has no clear end.
  absl::Duration time_max = absl::Minutes(30);  // For the run to end, from the last fault's end on.
  size_t trace_lines = 0;
};

struct WorldResult {
  std::optional<BrokenPromise> broken;
  hamisha::orchestrator::v1::RunState state = hamisha::orchestrator::v1::RUN_STATE_UNSPECIFIED;
  std::string explanation;
  absl::Duration length;        // From the run's start to its last end.
  absl::Duration longest_wait;  // Of a client's write.
  uint64_t answered = 0;        // Writes.
  bool writes_pass = false;     // At last: every shard has a primary, all is answered.
  uint64_t events = 0;
  std::deque<std::string> trace;
  std::vector<Fault> faults;
};

// One weekend: servers, agents, gateways, clients and an orchestrator that runs a plan, on one
// simulated clock, while things go wrong. What the plan calls `source` writes at first: the hosts
// of its first ledger.seal. All of it follows from the options.
class World {
 public:
  explicit World(WorldOptions options);

  // To the end: the run's, and, once everything works again, the clients'.
  WorldResult Run();

 private:
  // world.cc
  void Build();
  void BuildShards();
  void BuildHosts();
  Orchestrator& AddOrchestrator();
  absl::Time WallNow() const;
  bool Advance();  // False when all is over.
  bool IsSettled() const;
  void SeeThatItEnded();
  void OperatorActs();
  WorldResult Finish();

  // world_faults.cc
  void PlanFaults();
  std::vector<std::string> Places() const;
  void FaultsThatAreDue();
  void Happen(const Fault& fault);
  void Crash(const std::string& what, absl::Duration duration);
  void CrashProcess(const std::string& what, absl::Duration duration);
  void CutOff(const Fault& fault);
  std::vector<HostIndex> HostsOf(const std::string& what) const;
  void AskForTheWayBack();
  void TakeOver(absl::Duration duration);
  void RogueLater();
  void RogueActs();
  void RogueOrder();
  void RogueCall();
  void UntilMended(absl::Duration duration, Scheduler::Action mend);

  // world_ends.cc
  void OnEnded(const orchestrator::RunEnded& ended);
  void CheckRolledBack();
  void CheckSucceeded();
  void CheckGates(const std::string& node_site, const char* promise);
  void CheckAtLast();

  const WorldOptions options_;
  Environment environment_;
  People people_;
  DriverTraits drivers_;
  std::string plan_digest_;
  std::string source_site_;
  std::map<std::string, uint32_t> sites_;
  std::map<std::string, HostIndex> hosts_;
  Gateway::Nodes nodes_;
  std::vector<std::unique_ptr<LedgerNode>> node_list_;
  std::vector<std::unique_ptr<Gateway>> gateways_;
  std::vector<std::unique_ptr<Agent>> agents_;
  Journal journal_;
  std::vector<std::unique_ptr<Orchestrator>> orchestrators_;  // The newest is the one in charge.
  size_t stale_orchestrators_ = 0;                            // Up, and not in charge.
  std::unique_ptr<Clients> clients_;
  absl::Duration clock_offset_ = absl::ZeroDuration();
  bool rogue_orders_ = false;
  bool rogue_calls_ = false;

  std::vector<Fault> faults_;
  std::vector<Fault> waiting_faults_;
  int mending_ = 0;                                    // Faults that last.
  absl::Duration quiet_since_ = absl::ZeroDuration();  // The last fault's end.
  std::optional<orchestrator::RunEnded> ended_;
  absl::Duration ended_at_;
  int rollbacks_asked_ = 0;
  bool operator_acts_ = false;
  bool is_over_ = false;
};

}  // namespace simulation
