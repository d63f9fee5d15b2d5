#include "simulation/promises.h"

#include <algorithm>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "simulation/ledger_node.h"

namespace simulation {
namespace {

namespace pb = ::hamisha::agent::v1;
using orchestrator::StepState;

size_t HashOf(const pb::OrderKey& key) {
  return absl::HashOf(key.run(), key.step(), key.host(), key.attempt());
}

std::string Name(const pb::OrderKey& key) {
  return absl::StrCat(key.step(), " on ", key.host(), ", attempt ", key.attempt());
}

// What an order is about: "seal" for "seal", "seal#2" and "seal/probe#3"; "seal/back/0" for
// "seal/back/0#2".
absl::string_view SubjectOf(const pb::Order& order) {
  absl::string_view step = order.key().step();
  step = step.substr(0, step.find('#'));
  return order.mode() == pb::MODE_PROBE ? step.substr(0, step.find('/')) : step;
}

}  // namespace

void Promises::Broken(absl::string_view promise, absl::string_view how) {
  trace_.Note("BROKEN: ", promise, ": ", how);
  if (broken() == nullptr) broken_ = {std::string(promise), std::string(how)};
}

// --- Ledger nodes and their clients ---

void Promises::Know(uint32_t shard, std::vector<const LedgerNode*> nodes) {
  shards_.resize(std::max<size_t>(shards_.size(), shard + 1));
  shards_[shard].nodes = std::move(nodes);
}

void Promises::OnNodeChanged(const LedgerNode& node) {
  if (node.place().shard >= shards_.size()) return;  // Before the world begins.
  Shard& shard = shards_[node.place().shard];
  const bool is_primary = node.IsPrimary();
  if (!is_primary && shard.primary == &node) shard.primary = nullptr;
  if (!is_primary) return;
  if (shard.primary != nullptr && shard.primary != &node) {
    Broken("at most one writer", absl::StrCat(shard.primary->place().id, " and ", node.place().id,
                                              " are both primary of shard ", node.place().shard));
  }
  if (shard.primary != &node || shard.primary_life != node.life().number)
    BecamePrimary(shard, node);
}

void Promises::BecamePrimary(Shard& shard, const LedgerNode& node) {
  shard.primary = &node;
  shard.primary_life = node.life().number;
  const uint64_t epoch = node.ownership().epoch();
  const auto [before, is_new] = shard.primaries.try_emplace(epoch, &node);
  if (!is_new && before->second != &node) {
    Broken("at most one writer",
           absl::StrCat("epoch ", epoch, " of shard ", node.place().shard, " was written by ",
                        before->second->place().id, ", and now by ", node.place().id));
  }
  for (const uint64_t id : shard.acknowledged) {
    if (node.Holds(id)) continue;
    return Broken("nothing acknowledged is lost",
                  absl::StrCat("transfer ", id, " was acknowledged, and ", node.place().id,
                               " is primary of shard ", node.place().shard, " without it"));
  }
}

void Promises::OnAcknowledged(uint32_t shard, uint64_t id) {
  shards_[shard].acknowledged.push_back(id);
  const LedgerNode* primary = shards_[shard].primary;
  if (primary == nullptr || primary->Holds(id)) return;
  Broken("nothing acknowledged is lost",
         absl::StrCat("a client is told of transfer ", id, ", which ", primary->place().id,
                      ", the primary of shard ", shard, ", does not have"));
}

void Promises::OnCertificate(const hamisha::ledger::v1::Signed& certificate) {
  const bool is_known =
      std::any_of(certificates_.begin(), certificates_.end(),
                  [&](const auto& known) { return known.payload() == certificate.payload(); });
  if (!is_known) certificates_.push_back(certificate);
}

const std::vector<uint64_t>& Promises::acknowledged(uint32_t shard) const {
  return shards_[shard].acknowledged;
}

// --- Orders ---

void Promises::OnIntentDurable(const pb::Order& order) {
  intents_.insert(HashOf(order.key()));
  const size_t step = absl::HashOf(SubjectOf(order), order.key().host());
  if (order.mode() == pb::MODE_APPLY) attempts_[step] = order.key().attempt();
  if (order.mode() == pb::MODE_PROBE) asked_[HashOf(order.key())] = attempts_[step];
}

void Promises::OnProbeDenied(const pb::Order& order) {
  uint32_t& denied = denied_[absl::HashOf(SubjectOf(order), order.key().host())];
  denied = std::max(denied, asked_[HashOf(order.key())]);
}

void Promises::OnOrderSent(const pb::Order& order) {
  if (intents_.contains(HashOf(order.key()))) return;
  Broken("intent before effect",
         absl::StrCat(Name(order.key()), " leaves before its intent is durable"));
}

void Promises::OnOrderBegun(const std::string& host, const pb::Order& order,
                            absl::string_view plan_digest) {
  if (!begun_.insert(HashOf(order.key())).second) {
    Broken("an order runs at most once", absl::StrCat(Name(order.key()), " begins again"));
  }
  if (order.mode() == pb::MODE_APPLY) {
    const auto denied = denied_.find(absl::HashOf(SubjectOf(order), host));
    if (denied != denied_.end() && order.key().attempt() <= denied->second) {
      Broken("an unknown is never guessed",
             absl::StrCat(Name(order.key()), " begins after a probe said that it never would"));
    }
  }
  if (order.term() < terms_[host].term) {
    Broken("no order of a lower term is obeyed",
           absl::StrCat(Name(order.key()), " of term ", order.term(), " begins after term ",
                        terms_[host].term, " was obeyed"));
  }
  terms_[host].order = true;
  if (absl::string_view(order.plan_digest()) != plan_digest) {
    Broken("what ran is what was approved",
           absl::StrCat(Name(order.key()), " is of another plan, and begins"));
  }
}

void Promises::OnTermObeyed(const std::string& host, uint64_t term) {
  uint64_t& highest = terms_[host].term;
  highest = std::max(highest, term);
}

void Promises::OnEffectThere(const pb::Order& order) {
  effects_.insert(absl::HashOf(SubjectOf(order), order.key().host()));
}

void Promises::OnEngineMoved(const orchestrator::Engine& engine) {
  const auto& steps = engine.steps();
  step_states_.resize(steps.size(), StepState::kPending);
  for (size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].state == step_states_[i]) continue;
    step_states_[i] = steps[i].state;
    CheckStep(engine.plan(), engine.plan().steps[i], steps[i].state);
  }
}

void Promises::CheckStep(const orchestrator::Plan& plan, const orchestrator::PlannedStep& step,
                         StepState state) {
  if (state == StepState::kSucceeded) {
    for (const uint32_t host : step.apply.hosts) {
      if (IsThere(step.id, plan.hosts[host].name)) continue;
      Broken(
          "an unknown is never guessed",
          absl::StrCat("step ", step.id, " counts as done, but is not on ", plan.hosts[host].name));
    }
  }
  if (state != StepState::kUndone) return;
  // By the plan, not by what the engine makes of it.
  std::vector<const orchestrator::PlannedAction*> back;
  for (const auto& action : step.rollback) back.push_back(&action);
  if (back.empty() && step.own_undo) back.push_back(&step.apply);
  for (size_t i = 0; i < back.size(); ++i) {
    for (const uint32_t host : back[i]->hosts) {
      if (IsThere(absl::StrCat(step.id, "/back/", i), plan.hosts[host].name)) continue;
      Broken("the way back is whole",
             absl::StrCat("step ", step.id, " counts as undone, but ", back[i]->action, " on ",
                          plan.hosts[host].name, " never was"));
    }
  }
}

bool Promises::IsThere(absl::string_view what, const std::string& host) const {
  return effects_.contains(absl::HashOf(what, host));
}

}  // namespace simulation
