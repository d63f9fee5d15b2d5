#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "orchestrator/playbook/fields.h"
#include "orchestrator/playbook/source.h"
#include "orchestrator/playbook/variables.h"
#include "orchestrator/playbook/window.h"

namespace orchestrator {

// A playbook as it is written, its included files in their places: its form is checked here; what
// it says about hosts, actions and other steps is checked where it is compiled (orchestrator/plan).
// What may stand where is in specs.h, and for people in docs/playbooks.md.

// An action with its hosts: a step's own, or one of a way back.
struct ActionCall {
  TextPlace place;
  std::optional<Located> action;
  std::optional<std::vector<Located>> hosts;  // nullopt: unreadable, and reported.
  std::optional<Value> with;                  // Variables are replaced, outputs of steps not.
  std::optional<absl::Duration> timeout;
};

// What an approval asks for.
struct Approval {
  std::vector<Located> roles;
  uint32_t quorum = 1;
  absl::Duration timeout;
  TextPlace place;
};

// What is looked at while steps go on.
struct PlaybookGuardrail {
  TextPlace place;
  std::optional<Located> name;  // With its prefix.
  ActionCall look;
  absl::Duration every;
  std::string fact;
  std::optional<double> above;
  std::optional<double> below;
  uint32_t after = 1;
  std::string then;                           // One of the words of the spec.
  std::optional<std::vector<Located>> steps;  // As written; nullopt: not said.
};

// So much of a group stays in service.
struct PlaybookFloor {
  Located group;
  uint32_t percentage;
};

// How many hosts one wave takes.
struct WaveSize {
  uint32_t number;  // At least 1.
  bool percent;     // Of all hosts of the step.
};

struct PlaybookStep {
  TextPlace place;
  std::optional<Located> id;        // With its prefix.
  std::string scope;                // That prefix: "west."; "" in the playbook itself.
  int32_t include = -1;             // Index into Playbook::includes; -1: the playbook itself.
  std::shared_ptr<Variables> vars;  // Those of its file; never null.
  std::string name;
  bool is_gate = false;
  std::optional<Approval> approval;           // Of a gate; nullopt: unreadable, and reported.
  ActionCall apply;                           // Of all others.
  std::optional<std::vector<Located>> needs;  // As written; nullopt: not said.
  std::optional<Located> when;
  std::optional<Located> until;
  std::vector<WaveSize> serial;  // Empty: all at once.
  uint32_t max_fail_percentage = 0;
  std::string on_failure;  // One of the words of the spec.
  uint32_t retries = 0;
  absl::Duration delay = absl::Seconds(1);
  std::optional<std::vector<ActionCall>> rollback;  // nullopt: not said.
  absl::Duration expected_duration;                 // Zero: not said.
  bool point_of_no_return = false;
  bool takes_out = false;
  std::vector<PlaybookGuardrail> guardrails = {};
};

// One `include:` with its steps, which stand where it does.
struct PlaybookInclude {
  TextPlace place;
  std::string path;
  std::string id;                             // With its prefix.
  std::string scope;                          // That prefix.
  int32_t parent = -1;                        // The include that it stands in.
  std::optional<std::vector<Located>> needs;  // As written; nullopt: not said.
  std::shared_ptr<Variables> vars;            // Its file's.
  std::vector<Located> given;                 // Names of variables that it gives.
};

struct PlaybookPhase {
  std::optional<Located> name;
  bool before_window = false;
  std::vector<PlaybookStep> steps;  // Included ones in their places.
};

struct Playbook {
  std::string name;
  std::string description;
  std::optional<Located> author;
  std::optional<Window> window;
  std::vector<PlaybookPhase> phases;
  std::vector<PlaybookGuardrail> guardrails;  // Of the whole playbook.
  std::vector<PlaybookFloor> capacity;
  bool too_many_steps = false;            // The rest was not read.
  std::vector<PlaybookInclude> includes;  // In order of place; each before those within it.
};

constexpr size_t kStepsMax = 10'000;

// Reads what can be read; what cannot is a problem. More than kStepsMax steps are a problem, and
// the rest is not read.
Playbook ReadPlaybook(const Value& root, const std::vector<SourceText>& includes,
                      Problems& problems);

}  // namespace orchestrator
