// Plans made by hand, and a world of agents for them.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/engine/engine.h"

namespace orchestrator {

// Hosts source-0, source-1, target-0, target-1 (shards 0 and 1) and gateway-0 (both).
Plan EmptyPlan();

struct StepOptions {
  std::vector<uint32_t> needs;
  OnFailure on_failure = OnFailure::kStop;
  uint32_t retries = 0;
  bool mutates = true;
  bool own_undo = true;
};

inline constexpr uint32_t kSource0 = 0;
inline constexpr uint32_t kSource1 = 1;
inline constexpr uint32_t kTarget0 = 2;
inline constexpr uint32_t kTarget1 = 3;
inline constexpr uint32_t kGateway = 4;

PlannedAction MakeAction(const std::string& action, std::vector<uint32_t> hosts, bool mutates);
PlannedStep MakeStep(const std::string& id, std::vector<uint32_t> hosts, StepOptions options);

// hold (gateway) → seal (sources; rollback: refuse on targets, unseal on sources) → open (targets):
// the cutover in small. All go back on failure.
Plan SmallCutover();

hamisha::ledger::v1::Signed SealCertificate(uint32_t shard, uint64_t epoch);

// By `signer`, of shard 0's first epoch.
hamisha::ledger::v1::Signed CutoverCertificate(const std::string& signer,
                                               const std::string& state_root);

// By amina.
PersonActed RollbackRequested(const std::string& reason);

// Drives an engine as the shell would: keeps the inputs and what they caused, so that a run can be
// replayed, and stops the test when a key names two orders.
class Driver {
 public:
  explicit Driver(Plan plan);

  void Start();
  void Start(const Started& started);
  void Succeed(const std::string& step, const std::string& host);
  void Fail(const std::string& step, const std::string& host, const std::string& message);
  void Unknown(const std::string& step, const std::string& host);
  void Answer(const hamisha::agent::v1::OrderResult& result);
  void RollBack(const std::string& reason);
  void Act(const hamisha::orchestrator::v1::PersonAct& act);
  // Requires that the engine takes it.
  void Apply(Event event);
  void NewTerm();
  // Moves the clock to the next deadline and ticks.
  void TickNext();
  void Advance(absl::Duration by) { now_ += by; }

  // "seal on source-0" of each order since the last call, in order; with "probe " etc. for the
  // mode.
  std::vector<std::string> NewOrders();
  // Awaited by the engine.
  std::vector<hamisha::agent::v1::Order> Open() const { return engine_->OpenOrders(); }
  const hamisha::agent::v1::Order& Sent(const std::string& step, const std::string& host) const;
  const std::vector<hamisha::agent::v1::Order>& sent() const { return sent_; }
  StepState StateOf(const std::string& step) const;
  const Engine& engine() const { return *engine_; }
  const std::vector<RunEnded>& ends() const { return ends_; }
  absl::Time now() const { return now_; }

  // Feeds the same inputs to a fresh engine and requires the same orders, states and ends.
  void RequireSameReplay() const;

 private:
  static std::vector<std::string> Serialize(const std::vector<Effect>& effects);

  std::shared_ptr<const Plan> plan_;
  std::unique_ptr<Engine> engine_;
  absl::Time now_ = absl::FromUnixSeconds(1429383600);
  std::vector<Event> inputs_;
  std::vector<std::vector<std::string>> outputs_;
  std::vector<hamisha::agent::v1::Order> sent_;
  size_t seen_ = 0;
  std::vector<RunEnded> ends_;
};

}  // namespace orchestrator
