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
#include "orchestrator/playbook/window.h"

namespace orchestrator {

// What happens when a step fails, or its outcome stays unknown.
enum class OnFailure : uint8_t {
  kStop,      // The run ends where it is.
  kRollback,  // The way back of all that was started, in reverse.
  kContinue,  // The steps that need it go on as if it had succeeded.
};

// One server of the inventory, as far as a plan needs it.
struct Host {
  std::string name;
  std::string site;
  std::string kind;              // "ledger" | "gateway"
  std::vector<uint32_t> shards;  // Ledger: the one it serves. Gateway: all.
};

// One action on some hosts, at the same time on all.
struct PlannedAction {
  std::string action;             // "ledger.seal"
  google::protobuf::Any message;  // Of hamisha.action.v1.
  std::vector<uint32_t> hosts;    // Indices into Plan::hosts, ascending, at least one.
  absl::Duration timeout;         // Per order; never infinite.
  bool mutates = false;
  bool takes_host_facts = false;  // Its orders carry what the run knows of the shard's hosts.
};

struct PlannedStep {
  std::string id;
  std::string phase;
  std::string name;  // For people; the id when the playbook gives none.
  PlannedAction apply;
  std::vector<uint32_t> needs;  // Indices of earlier steps in Plan::steps.
  OnFailure on_failure = OnFailure::kStop;
  uint32_t retries = 0;  // Further attempts after a failure.
  absl::Duration delay;  // Before each retry.
  // The way back: in order. Without any: UNDO of `apply` when `own_undo`, else nothing to undo.
  std::vector<PlannedAction> rollback;
  bool own_undo = false;
  absl::Duration expected_duration = absl::ZeroDuration();  // Zero: the playbook does not say.
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
};

// SHA-256 over: the 15 bytes "hamisha-plan-v1", the playbook's length in bytes (8 bytes, big
// endian), the playbook, the inventory's length (likewise), the inventory. With the lengths, no two
// pairs of texts give the same bytes.
base::Hash256 PlanDigest(absl::string_view playbook_yaml, absl::string_view inventory_yaml);

absl::string_view ToString(OnFailure on_failure);  // "stop", as playbooks write it.

}  // namespace orchestrator
