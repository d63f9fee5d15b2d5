// What the engine knows about a run's progress: plain data, for views too.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/time/time.h"
#include "hamisha/agent/v1/agent.pb.h"
#include "hamisha/orchestrator/v1/orchestrator.pb.h"
#include "orchestrator/engine/step_state.h"
#include "orchestrator/plan/plan.h"

namespace orchestrator {

// One action on one host.
struct HostRun {
  uint32_t host = 0;  // Index into Plan::hosts.
  HostState state = HostState::kWaiting;
  uint32_t attempt = 0;        // Of the newest order; 0: none was sent.
  uint32_t attempts_left = 0;  // After a failure: a step's retries, or the way back's.
  uint32_t resends_left = 0;   // After a probe that found nothing there.
  uint32_t probe = 0;          // Of the newest probe; 0: none was sent.
  uint32_t probes_left = 0;
  std::string message;  // Of the newest result.
  std::map<std::string, std::string> facts;
  std::vector<hamisha::agent::v1::Obstacle> obstacles;  // Of the newest result.
  bool nothing_to_do = false;  // Likewise: of the way back, where nothing was to be undone.
  bool refused = false;  // Likewise: it failed because it may not go on, not because it could not.
  // The action's message with the outputs of steps filled in, as the newest attempt had it; only of
  // actions with bindings.
  std::optional<google::protobuf::Any> bound = std::nullopt;
};

// One action on its hosts.
struct ActionRun {
  std::vector<HostRun> hosts;                    // In the order of PlannedAction::hosts.
  std::array<uint32_t, kHostStates> hosts_in{};  // How many are in each state.
  absl::Time started = absl::InfiniteFuture();
  absl::Time ended = absl::InfiniteFuture();

  uint32_t Count(HostState state) const { return hosts_in[static_cast<size_t>(state)]; }
  bool AllIn(HostState state) const { return Count(state) == hosts.size(); }
  bool AllFinal() const {
    return Count(HostState::kSucceeded) + Count(HostState::kFailed) + Count(HostState::kUnknown) ==
           hosts.size();
  }
};

// What people have said to one step that asks them.
struct AskedRun {
  std::vector<hamisha::orchestrator::v1::PersonAct> acts;  // That count, in order.
  absl::Time deadline = absl::InfiniteFuture();            // By when it must be answered.
  std::string message;                                     // Why it failed.
};

struct StepRun {
  StepState state = StepState::kPending;
  ActionRun apply;
  uint32_t begun = 0;     // Of its hosts, in order: waves.
  uint32_t wave_end = 0;  // So many may have begun; fewer have where capacity has a floor.
  AskedRun asked;
  std::vector<ActionRun> back;  // As in BackOf(); empty until the step's way back is planned.
  uint32_t back_at = 0;         // The action of the way back that runs.
  uint32_t number = 0;          // In order of start, from 1; 0: never started.
  uint64_t changes = 0;         // Grows when anything of it, or of its hosts, changes.
};

// One guardrail of the plan.
struct GuardRun {
  ActionRun look;                           // The newest; its hosts' attempts count the looks.
  std::vector<uint32_t> beyond;             // By host: so many looks in a row beyond the limit.
  absl::Time due = absl::InfiniteFuture();  // Of the next look; while none is out.
  std::string tripped;                      // What it found when it tripped; "" before.
};

// One action of a step's way back.
struct BackAction {
  const PlannedAction* action;  // Of the plan.
  hamisha::agent::v1::Mode mode;
};

// In order; empty when there is nothing to do.
std::vector<BackAction> BackOf(const PlannedStep& step);

// Whether the way back has to look at this step at all.
bool HasWayBack(const PlannedStep& step);

// Where an order belongs.
struct Place {
  static constexpr int32_t kGuard = -2;

  uint32_t step = 0;  // Index into Plan::steps; for kGuard into Plan::guardrails.
  int32_t back = -1;  // Index into BackOf(); -1: the step's own action; kGuard: no step's.
  uint32_t host = 0;  // Index into ActionRun::hosts.
  friend bool operator==(const Place&, const Place&) = default;
  friend bool operator<(const Place& a, const Place& b) {
    return std::tie(a.step, a.back, a.host) < std::tie(b.step, b.back, b.host);
  }
};

}  // namespace orchestrator
