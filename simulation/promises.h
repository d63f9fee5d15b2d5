#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "hamisha/agent/v1/agent.pb.h"
#include "hamisha/ledger/v1/node.pb.h"
#include "orchestrator/engine/engine.h"
#include "simulation/trace.h"

namespace simulation {

class LedgerNode;

// A promise of the product that did not hold.
struct BrokenPromise {
  std::string promise;
  std::string how;
};

// Hears of everything that happens in a world and compares it with what the product promises. Knows
// what is true: asks no part what it believes.
//
//  - at most one node of a shard is primary, and an epoch has one primary ever;
//  - what was acknowledged is in the log of whoever is primary, and is there once;
//  - no order leaves before its intent is durable, and all carry the plan's digest;
//  - an order key begins at most once, and never in a term below one that was obeyed;
//  - what a probe denies never begins afterwards;
//  - no step counts as done, or as undone, whose effect was not there on every host.
class Promises {
 public:
  explicit Promises(Trace& trace) : trace_(trace) {}

  // The first that was broken; later ones may only follow from it.
  const BrokenPromise* broken() const { return broken_.promise.empty() ? nullptr : &broken_; }
  void Broken(absl::string_view promise, absl::string_view how);

  // --- Ledger nodes and their clients ---
  void Know(uint32_t shard, std::vector<const LedgerNode*> nodes);
  void OnNodeChanged(const LedgerNode& node);
  void OnAcknowledged(uint32_t shard, uint64_t id);
  void OnCertificate(const hamisha::ledger::v1::Signed& certificate);
  // All that were ever signed: anybody may have a copy.
  const std::vector<hamisha::ledger::v1::Signed>& certificates() const { return certificates_; }
  const std::vector<uint64_t>& acknowledged(uint32_t shard) const;

  // --- Orders ---
  void OnIntentDurable(const hamisha::agent::v1::Order& order);
  void OnOrderSent(const hamisha::agent::v1::Order& order);
  void OnOrderBegun(const std::string& host, const hamisha::agent::v1::Order& order,
                    absl::string_view plan_digest);
  void OnTermObeyed(const std::string& host, uint64_t term);
  // Whether an order was begun there.
  bool HasObeyed(const std::string& host) { return terms_[host].order; }
  // A driver found, or made, what the order asks for.
  void OnEffectThere(const hamisha::agent::v1::Order& order);
  // A probe found that what it asks about is not there, and never will be.
  void OnProbeDenied(const hamisha::agent::v1::Order& order);
  // After every event that an engine took.
  void OnEngineMoved(const orchestrator::Engine& engine);

 private:
  struct Shard {
    std::vector<const LedgerNode*> nodes;
    std::vector<uint64_t> acknowledged;
    const LedgerNode* primary = nullptr;
    uint32_t primary_life = 0;
    std::map<uint64_t, const LedgerNode*> primaries;  // By epoch, all that ever were.
  };

  void BecamePrimary(Shard& shard, const LedgerNode& node);
  void CheckStep(const orchestrator::Plan& plan, const orchestrator::PlannedStep& step,
                 orchestrator::StepState state);
  bool IsThere(absl::string_view what, const std::string& host) const;

  Trace& trace_;
  BrokenPromise broken_;
  std::vector<Shard> shards_;
  std::vector<hamisha::ledger::v1::Signed> certificates_;
  absl::flat_hash_set<size_t> intents_;  // Hashes of keys.
  absl::flat_hash_set<size_t> begun_;
  absl::flat_hash_set<size_t> effects_;             // Of what and host; so are these:
  absl::flat_hash_map<size_t, uint32_t> attempts_;  // The newest of a step's own action.
  absl::flat_hash_map<size_t, uint32_t> denied_;    // Up to this attempt none may begin any more.
  absl::flat_hash_map<size_t, uint32_t> asked_;     // Up to which a probe asks; by its key.
  struct Obeyed {
    uint64_t term = 0;  // The highest.
    bool order = false;
  };
  std::map<std::string, Obeyed> terms_;  // By host.
  std::vector<orchestrator::StepState> step_states_;
};

}  // namespace simulation
