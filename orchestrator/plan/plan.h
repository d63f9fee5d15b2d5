#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/hash.h"
#include "google/protobuf/any.pb.h"
#include "hamisha/agent/v1/agent.pb.h"
#include "orchestrator/plan/binding.h"
#include "orchestrator/plan/expression.h"
#include "orchestrator/playbook/source.h"
#include "orchestrator/playbook/window.h"

namespace orchestrator {

// What happens when a step fails, or its outcome stays unknown.
enum class OnFailure : uint8_t {
  kStop,      // The run ends where it is.
  kRollback,  // The way back of all that was started, in reverse.
  kContinue,  // The steps that need it go on as if it had succeeded.
  kHold,      // What does not need it goes on; the run does not end until people have decided.
};

// One server of the inventory, as far as a plan needs it.
struct Host {
  std::string name;
  std::string site;
  std::string kind;              // "ledger" | "gateway"
  std::vector<uint32_t> shards;  // Ascending. Ledger: the one it serves. Gateway: all.
};

// One action on some hosts, at the same time on all.
struct PlannedAction {
  std::string action;             // "ledger.seal"
  google::protobuf::Any message;  // Of hamisha.action.v1; without what is bound.
  std::vector<uint32_t> hosts;    // Indices into Plan::hosts, ascending, at least one.
  absl::Duration timeout;         // Per order; never infinite.
  bool mutates = false;
  bool takes_host_facts = false;       // Its orders carry what the run knows of the shard's hosts.
  std::vector<Binding> bindings = {};  // Filled in when an order is sent: BoundMessage().
};

// Somebody who may decide, as the inventory names them.
struct Person {
  std::string name;
  std::vector<std::string> roles;
  std::string key;  // As in an OpenSSH public key file: "ssh-ed25519 AAAA… comment".
};

// People are asked before the run goes on. A step that is a gate has no action.
struct Gate {
  std::vector<std::string> roles;  // Each is held by somebody who approves.
  uint32_t quorum = 1;             // So many different people, at least one.
  absl::Duration timeout;          // Then it fails.
};

struct PlannedStep {
  std::string id;
  std::string phase;
  std::string name;     // For people; the id when the playbook gives none.
  PlannedAction apply;  // Without hosts, and not looked at, when it is a gate.
  std::optional<Gate> gate = std::nullopt;
  std::vector<uint32_t> needs;  // Indices of earlier steps in Plan::steps.
  OnFailure on_failure = OnFailure::kStop;
  uint32_t retries = 0;  // Further attempts after a failure.
  absl::Duration delay;  // Before each retry.
  // The way back: in order. Without any: UNDO of `apply` when `own_undo`, else nothing to undo.
  std::vector<PlannedAction> rollback;
  bool own_undo = false;
  absl::Duration expected_duration = absl::ZeroDuration();  // Zero: the playbook does not say.
  // How many of its hosts begin together, wave after wave; they add up to all. Empty: all at once.
  std::vector<uint32_t> waves = {};
  uint32_t max_fail_percentage = 0;  // Of all its hosts: so many may fail, and the step succeeds.
  bool point_of_no_return = false;   // Waits for people; once it has begun there is no way back.
  bool before_window = false;        // May begin before the window does.
  std::optional<Expression> when = std::nullopt;   // Not true when it would begin: it is skipped.
  std::optional<Expression> until = std::nullopt;  // Not true of a host's result: it failed there.
  bool takes_out = false;  // A host is out of service until it has succeeded there.
};

// What happens when a guardrail trips.
enum class OnTrip : uint8_t {
  kPause,     // Nothing new begins, and people decide.
  kStop,      // The run ends where it is.
  kRollback,  // The run goes back; past the point of no return it is paused.
};

// Looks at some hosts again and again while its steps go on, with an action that changes nothing.
struct Guardrail {
  std::string name;
  PlannedAction look;
  std::vector<uint32_t> steps;  // From the first one's begin to the last one's end. Empty: the run.
  absl::Duration every;         // From an answer to the next look.
  std::string fact;             // Of each result: a number.
  std::optional<double> above = std::nullopt;  // Beyond the limit is what lies above, or below.
  std::optional<double> below = std::nullopt;
  uint32_t after = 1;  // So many looks in a row beyond the limit, or without an answer: it trips.
  OnTrip then = OnTrip::kPause;
};

// So many of a group's hosts stay in service, whatever steps take out.
struct CapacityFloor {
  std::string group;
  std::vector<uint32_t> hosts;
  uint32_t percentage = 0;
};

// A playbook and an inventory, checked and compiled: a DAG of steps in topological order.
// Immutable.
struct Plan {
  std::string name;  // metadata.name of the playbook.
  std::string description;
  std::vector<Host> hosts;
  std::vector<PlannedStep> steps;
  std::vector<hamisha::agent::v1::ShardContext> shards;  // By shard number.
  base::Hash256 digest{};                                // PlanDigest of the two texts.
  std::optional<Window> window = std::nullopt;
  std::vector<Person> people = {};
  std::vector<Guardrail> guardrails = {};
  std::vector<CapacityFloor> capacity = {};
  std::string author = {};  // metadata.author; "" when the playbook does not say.

  const Person* FindPerson(absl::string_view person) const;  // nullptr: nobody of that name.
};

// SHA-256 over: the 15 bytes "hamisha-plan-v1", the playbook's length in bytes (8 bytes, big
// endian), the playbook, the inventory's length (likewise), the inventory. With included files
// these 15 bytes are "hamisha-plan-v2", and there follow: the number of included files (likewise),
// and of each, in order of path, its path's length, its path, its length and its text. With the
// lengths, no two sets of texts give the same bytes.
base::Hash256 PlanDigest(absl::string_view playbook_yaml, absl::string_view inventory_yaml,
                         const std::vector<SourceText>& includes = {});

// Of the playbook without the servers, so that a rehearsal elsewhere counts: SHA-256 of its text,
// or, where it includes files, PlanDigest() of it with an empty inventory.
base::Hash256 PlaybookDigest(const SourceText& playbook);

absl::string_view ToString(OnFailure on_failure);  // "stop", as playbooks write it.
absl::string_view ToString(OnTrip on_trip);        // "pause", likewise.

}  // namespace orchestrator
