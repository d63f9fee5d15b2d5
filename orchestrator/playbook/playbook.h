#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "orchestrator/playbook/fields.h"
#include "orchestrator/playbook/window.h"

namespace orchestrator {

// A playbook as it is written: its form is checked here; what it says about hosts, actions and
// other steps is checked where it is compiled (orchestrator/plan).
//
//   apiVersion: hamisha/v1
//   kind: Playbook
//   metadata: {name: weekend_cutover, description: Bring the ledger home}
//   window: {start: 2015-04-18T23:00:00+03:00, end: 2015-04-19T12:00:00+03:00, rollback_reserve:
//   90m} vars: {lag_max: 2s}                # ${lag_max} in scalars of with, timeout, delay,
//   expected_duration phases:
//     - name: freeze
//       on_failure: rollback           # stop (when absent) | rollback | continue; for its steps
//       steps:
//         - id: seal
//           name: Seal every shard     # for people; the id when absent
//           action: ledger.seal
//           with: {to: target}
//           hosts: sources             # a group, a host, or a list of them
//           needs: [hold]
//           timeout: 10s               # of each order; the action's own when absent
//           retries: 2                 # further attempts after a failure
//           delay: 500ms               # before each; 1s when absent
//           on_failure: rollback
//           rollback:                  # the way back, in order; the action's own undo when absent
//             - {action: ledger.unseal, hosts: sources, timeout: 10s}
//           expected_duration: 300ms   # kept, for forecasts

// An action with its hosts: a step's own, or one of a way back.
struct ActionCall {
  TextPlace place;
  std::optional<Located> action;
  std::optional<std::vector<Located>> hosts;  // nullopt: unreadable, and reported.
  std::optional<Value> with;                  // Variables are replaced.
  std::optional<absl::Duration> timeout;
};

struct PlaybookStep {
  TextPlace place;
  std::optional<Located> id;
  std::string name;
  ActionCall apply;
  std::optional<std::vector<Located>> needs;  // nullopt: not said.
  std::string on_failure;                     // "stop" | "rollback" | "continue"
  uint32_t retries = 0;
  absl::Duration delay = absl::Seconds(1);
  std::optional<std::vector<ActionCall>> rollback;  // nullopt: not said.
  absl::Duration expected_duration;                 // Zero: not said.
  bool of_later_version =
      false;  // Uses what this version refuses; do not report what follows from it.
};

struct PlaybookPhase {
  std::optional<Located> name;
  std::vector<PlaybookStep> steps;
};

struct Playbook {
  std::string name;
  std::string description;
  std::optional<Window> window;
  std::vector<PlaybookPhase> phases;
};

// Reads what can be read; what cannot is a problem.
Playbook ReadPlaybook(const Value& root, Problems& problems);

}  // namespace orchestrator
