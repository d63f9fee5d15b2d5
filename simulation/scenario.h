#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/playbook/diagnostic.h"
#include "simulation/world.h"

namespace simulation {

// A scenario as it is written:
//
//   apiVersion: hamisha/v1
//   kind: Scenario
//   metadata: {name: source_dies, description: A source dies while it seals}
//   playbook: playbooks/weekend_cutover.yaml       # From the project's root.
//   platform: {shards: 2, gateways: 2}
//   workload: {writes_per_s: 20, writes: 60}
//   seeds: 100                                     # Each another world; the faults are the same.
//   faults:
//     - {crash: "node:source-0", in_step: seal, after: 0ms, for: 2s}
//     - {cut: ["site:source", "site:target"], in_step: frontier, for: 5s}
//     - {takeover: true, after: 300ms, for: 2s}
//     - {rollback: true, in_step: canary_after}   # Likewise pause, abort, abort_time.
//     - {fail_step: compare}
//   expect:
//     ends: [rolled_back]                          # In every world in one of these ways.
//     wait_max: 5s                                 # Of a client, for the answer to a write.
//
// In every world all promises hold, and at last all writes are answered.
struct Scenario {
  std::string name;
  std::string description;
  std::string playbook;
  uint32_t shards = 2;
  uint32_t gateways = 1;
  uint64_t seeds = 1;
  Workload workload;
  std::vector<Fault> faults;
  std::set<std::string> failing_steps;
  std::set<std::string> ends;
  absl::Duration wait_max = absl::InfiniteDuration();
};

// What a scenario names of its plan, and where.
struct Named {
  enum class Kind : uint8_t { kStep, kProcess, kHost };
  Kind kind;
  std::string text;
  orchestrator::TextPlace place;
};

struct ScenarioReading {
  Scenario scenario;  // Meaningful only without diagnostics.
  std::vector<Named> names;
  std::vector<orchestrator::Diagnostic> diagnostics;
};
ScenarioReading ReadScenario(const std::string& path, const std::string& yaml);

// Names that the plan does not have: a typo in what is feared is not an all-clear.
std::vector<orchestrator::Diagnostic> CheckNames(const std::string& path,
                                                 const std::vector<Named>& names,
                                                 const orchestrator::Plan& plan);

// As `ends` names it: "succeeded", "rolled_back", "stopped", "unknown".
std::string EndName(hamisha::orchestrator::v1::RunState state);

WorldOptions ToWorldOptions(const Scenario& scenario,
                            std::shared_ptr<const orchestrator::Plan> plan, uint64_t seed);

// What the result of one of its worlds lacks; "" when it is as expected.
std::string Unexpected(const Scenario& scenario, const WorldResult& result);

}  // namespace simulation
