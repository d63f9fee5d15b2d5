// Faults end, and the right orders make a chosen node primary.
#include "tests/ledger/core/ownership_world.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "absl/strings/str_cat.h"

namespace ledger {

void OwnershipWorld::Settle() {
  for (Node& node : nodes_) {
    Sync(node, node.log.size());
    SignRefusals(node);
  }
  Check();
}

void OwnershipWorld::OpenOrUnseal(Node& owner, Node& successor) {
  while (CopyFrom(successor, owner)) {
  }
  const std::optional<LogEntry> seal = owner.ownership.DurableSeal("", successor.id);
  if (!seal.has_value()) return Fail("a sealed owner has no certificate");
  const SealFacts facts{seal->epoch, seal->position, seal->hash, owner.id, successor.id};
  const auto open = successor.ownership.DraftOpen(facts);
  if (open.ok()) return Append(successor, *open);
  const auto refused = successor.ownership.DraftRefusal(facts);
  if (!refused.ok())
    return Fail("neither open nor refuse: " + std::string(open.status().message()));
  DecideRefusal(successor, *refused);
  SignRefusals(successor);
  const auto unseal = DraftUnseal(owner, {*refused, successor.id});
  if (!unseal.ok()) return Fail("no unseal: " + std::string(unseal.status().message()));
  Append(owner, *unseal);
}

bool OwnershipWorld::HealRound(Node& goal) {
  Settle();
  if (goal.ownership.role() == Role::kPrimary) return true;
  Node* owner = nullptr;
  for (Node& node : nodes_) {
    const bool is_mine = node.ownership.owner() == node.id;
    if (is_mine && (owner == nullptr || node.ownership.epoch() > owner->ownership.epoch())) {
      owner = &node;
    }
  }
  if (owner == nullptr) return false;
  if (owner->ownership.role() == Role::kPrimary) {
    const auto seal = owner->ownership.DraftSeal(goal.id, "heal", owner->ownership.epoch());
    if (!seal.ok()) {
      Fail("no seal: " + std::string(seal.status().message()));
    } else {
      Append(*owner, *seal);
    }
    return false;
  }
  const auto successor = std::find_if(nodes_.begin(), nodes_.end(), [&](const Node& node) {
    return node.id == owner->ownership.successor();
  });
  if (successor != nodes_.end()) OpenOrUnseal(*owner, *successor);
  return false;
}

void OwnershipWorld::Heal(size_t goal) {
  constexpr int kRounds = 8;
  for (int round = 0; round < kRounds && violation_.empty(); ++round) {
    if (HealRound(nodes_[goal])) return;
  }
  Fail(absl::StrCat("the right orders did not make ", nodes_[goal].id, " primary"));
}

}  // namespace ledger
