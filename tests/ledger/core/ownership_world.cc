#include "tests/ledger/core/ownership_world.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "absl/strings/str_cat.h"

namespace ledger {
namespace {

constexpr size_t kLogRecordsMax = 60;

bool IsWrite(const LogEntry& entry) {
  return entry.kind != RecordKind::kSeal && entry.kind != RecordKind::kOpen;
}

}  // namespace

OwnershipWorld::OwnershipWorld(size_t nodes, uint32_t seed, Broken broken)
    : random_(seed), broken_(broken) {
  constexpr std::array<size_t, 11> kUsual = {6, 5, 12, 3, 3, 6, 18, 14, 3, 2, 1};
  for (size_t i = 0; i < kUsual.size(); ++i) weights_[i] = kUsual[i] * (1 + Random(4));
  for (size_t i = 0; i < nodes; ++i) members_.push_back(absl::StrCat("node-", i));
  for (size_t i = 0; i < nodes; ++i) members_.push_back(absl::StrCat("node-", i, "-again"));
  for (size_t i = 0; i < nodes; ++i) {
    const size_t laziness = Random(2) == 0 ? 0 : 90;
    nodes_.push_back({members_[i], {}, 0, {}, laziness, Ownership(members_[i], members_)});
  }
  Append(nodes_[0], *nodes_[0].ownership.DraftFirstOpen());
  Sync(nodes_[0], 1);
  Check();
}

uint64_t OwnershipWorld::epoch() const {
  uint64_t newest = 0;
  for (const Node& node : nodes_) newest = std::max(newest, node.ownership.epoch());
  return newest;
}

// SplitMix64.
size_t OwnershipWorld::Random(size_t below) {
  random_ += 0x9E3779B97F4A7C15;
  uint64_t mixed = (random_ ^ (random_ >> 30)) * 0xBF58476D1CE4E5B9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
  return (mixed ^ (mixed >> 31)) % below;
}

size_t OwnershipWorld::Some() { return Random(2) == 0 ? kLogRecordsMax : 1 + Random(3); }

void OwnershipWorld::Step() {
  using Method = void (OwnershipWorld::*)(Node&);
  static constexpr std::array<Method, 11> kSteps = {
      &OwnershipWorld::Write,  &OwnershipWorld::Seal,         &OwnershipWorld::Open,
      &OwnershipWorld::Refuse, &OwnershipWorld::SignRefusals, &OwnershipWorld::Unseal,
      &OwnershipWorld::Copy,   &OwnershipWorld::SyncSome,     &OwnershipWorld::Crash,
      &OwnershipWorld::Kill,   &OwnershipWorld::Restore};
  size_t choice = Random(std::accumulate(weights_.begin(), weights_.end(), size_t{0}));
  size_t step = 0;
  while (choice >= weights_[step]) choice -= weights_[step++];
  (this->*kSteps[step])(AnyNode());
  Check();
}

// --- Steps ---

void OwnershipWorld::Write(Node& node) {
  if (node.log.size() >= kLogRecordsMax) return;
  const RecordKind kind = Random(2) == 0 ? RecordKind::kAccounts : RecordKind::kTransfers;
  const auto draft = node.ownership.DraftBatch(kind, 0);
  if (draft.ok()) {
    Append(node, *draft);
  } else if (broken_ == Broken::kWriteWhileSealing && node.ownership.role() == Role::kSealed &&
             node.disk < node.log.size()) {
    AppendForced(node, kind, node.ownership.epoch());
  } else {
    return;
  }
  Trace(node, "write");
  if (broken_ == Broken::kAckUnsynced) acknowledged_[node.log.size()] = node.log.back().hash;
}

void OwnershipWorld::Seal(Node& node) {
  // A lost id among them, once there is one: nobody can open then.
  const bool is_any_id = restored_ && Random(8) == 0;
  const std::string successor = is_any_id ? members_[Random(members_.size())] : AnyNode().id;
  const auto draft = node.ownership.DraftSeal(successor, absl::StrCat("run-", Random(3)), 0);
  if (!draft.ok()) return;
  Append(node, *draft);
  Trace(node, "seal for " + successor);
}

bool OwnershipWorld::BreaksOpen(const Node& node, const SealFacts& seal) const {
  if (node.log.empty() || node.ownership.owner() == node.id) return false;
  const bool is_same_log = node.ownership.log_hash() == seal.log_hash;
  const auto highest = node.refusals.rbegin();
  const bool is_refused = highest != node.refusals.rend() && highest->first > seal.epoch;
  const bool is_named = seal.successor == node.id;
  if (broken_ == Broken::kOpenAnyNode) return is_same_log && !is_refused;
  if (broken_ == Broken::kOpenAnyLog) {
    return is_named && !is_refused && node.ownership.epoch() <= seal.epoch;
  }
  if (broken_ == Broken::kOpenDurableRefusal) {
    const bool is_refused_durably = std::any_of(
        node.refusals.begin(), node.refusals.end(),
        [&](const auto& refusal) { return refusal.second && refusal.first > seal.epoch; });
    return is_named && is_same_log && !is_refused_durably;
  }
  return false;
}

void OwnershipWorld::Open(Node& node) {
  const SealFacts* seal = AnyOf(seals_);
  if (seal == nullptr) return;
  const auto draft = node.ownership.DraftOpen(*seal);
  if (draft.ok()) {
    Append(node, *draft);
  } else if (BreaksOpen(node, *seal)) {
    AppendForced(node, RecordKind::kOpen, seal->epoch + 1);
  } else {
    return;
  }
  Trace(node, absl::StrCat("open ", seal->epoch + 1));
}

bool OwnershipWorld::BreaksRefuse(const Node& node, const SealFacts& seal) const {
  if (seal.successor != node.id) return false;
  if (broken_ == Broken::kRefuseDurableOpen) {
    return node.disk == 0 || node.log[node.disk - 1].epoch <= seal.epoch;
  }
  if (broken_ == Broken::kRefuseByRole) {
    return node.ownership.owner() != node.id || node.ownership.epoch() != seal.epoch + 1;
  }
  return false;
}

void OwnershipWorld::Refuse(Node& node) {
  const SealFacts* seal = AnyOf(seals_);
  if (seal == nullptr) return;
  const auto epoch = node.ownership.DraftRefusal(*seal);
  if (!epoch.ok() && !BreaksRefuse(node, *seal)) return;
  DecideRefusal(node, seal->epoch + 1);
  Trace(node, absl::StrCat("refuse ", seal->epoch + 1));
}

void OwnershipWorld::SignRefusals(Node& node) {
  for (auto& [epoch, durable] : node.refusals) {
    if (durable) continue;
    if (node.ownership.IsRefusalDurable(epoch)) Fail("a refusal is durable before its sync");
    node.ownership.RefusalDurable(epoch);
    durable = true;
    refusals_.push_back({.epoch = epoch, .refuser = node.id});
    Trace(node, absl::StrCat("signs its refusal of ", epoch));
    if (!node.ownership.IsRefusalDurable(epoch)) Fail("a refusal is not durable after its sync");
  }
}

absl::StatusOr<RecordDraft> OwnershipWorld::DraftUnseal(const Node& node,
                                                        const RefusalFacts& refusal) const {
  auto draft = node.ownership.DraftUnseal(refusal);
  if (draft.ok() && broken_ == Broken::kUnsealKeepsEpoch) draft->epoch -= 2;
  return draft;
}

void OwnershipWorld::Unseal(Node& node) {
  const RefusalFacts* any = AnyOf(refusals_);
  RefusalFacts refusal = any == nullptr ? RefusalFacts{0, ""} : *any;
  const bool is_sealed = node.ownership.role() == Role::kSealed;
  if (broken_ == Broken::kUnsealFreely || broken_ == Broken::kUnsealAnySigner) {
    refusal = {node.ownership.epoch() + 1, AnyNode().id};
  }
  const auto draft = DraftUnseal(node, refusal);
  if (draft.ok()) {
    Append(node, *draft);
  } else if (broken_ == Broken::kUnsealAnySigner && is_sealed) {
    AppendForced(node, RecordKind::kOpen, node.ownership.epoch() + 2);
  } else {
    return;
  }
  Trace(node, absl::StrCat("unseal to ", node.ownership.epoch()));
}

bool OwnershipWorld::CopyFrom(Node& node, const Node& source) {
  const bool ships_all =
      broken_ == Broken::kShipUnsynced || broken_ == Broken::kShipUnsyncedUnchecked;
  const uint64_t shipped = ships_all ? source.log.size() : source.ownership.durable_position();
  if (shipped <= node.log.size()) return false;
  const LogEntry& entry = source.log[node.log.size()];
  const absl::Status status = node.ownership.CheckCopy(entry);
  const bool is_unchecked = broken_ == Broken::kShipUnsyncedUnchecked &&
                            entry.previous_hash == node.ownership.log_hash() &&
                            node.ownership.role() != Role::kPrimary;
  if (absl::IsDataLoss(status) &&
      (broken_ == Broken::kNothing || broken_ == Broken::kShipUnsynced)) {
    Fail(absl::StrCat(node.id, " cannot follow ", source.id, ": ", status.message()));
  }
  if (!status.ok() && !is_unchecked) return false;
  node.ownership.Appended(entry);
  node.log.push_back(entry);
  Trace(node, absl::StrCat("copies record ", entry.position, " of ", source.id));
  return true;
}

void OwnershipWorld::Copy(Node& node) {
  const Node& source = AnyNode();
  if (&source == &node || Random(100) < node.laziness) return;
  const uint64_t durable = source.ownership.durable_position();
  if (broken_ == Broken::kFollowTruncates && node.ownership.role() != Role::kPrimary &&
      durable > 0 && durable < node.log.size() &&
      node.log[durable - 1].hash == source.log[durable - 1].hash) {
    node.log.pop_back();
    node.disk = node.log.size();
    Rebuild(node, node.id);
    Trace(node, "truncates like " + source.id);
    return;
  }
  for (size_t records = Some(); records > 0 && CopyFrom(node, source); --records) {
  }
}

void OwnershipWorld::Sync(Node& node, uint64_t records) {
  const uint64_t before = node.ownership.durable_position();
  node.disk = std::min<uint64_t>(node.log.size(), node.disk + records);
  if (node.disk <= before) return;
  node.ownership.Durable(node.disk);
  TakeForDurable(node, before);
  Trace(node, absl::StrCat("syncs to ", node.disk));
}

void OwnershipWorld::SyncSome(Node& node) { Sync(node, Some()); }

void OwnershipWorld::Crash(Node& node) {
  node.log.resize(node.disk);
  const bool forgets = broken_ == Broken::kRefuseVolatile;
  std::erase_if(node.refusals, [&](const auto& refusal) { return forgets || !refusal.second; });
  const bool takes_logs_role = broken_ == Broken::kNameless && !node.log.empty();
  Rebuild(node, takes_logs_role ? node.log.back().owner : node.id);
  Trace(node, "crashes");
}

// The process ends, the machine does not: all it wrote is read back, and synced first (rule 6).
void OwnershipWorld::Kill(Node& node) {
  const uint64_t before = node.ownership.durable_position();
  if (broken_ != Broken::kRecoverNoSync) node.disk = node.log.size();
  Rebuild(node, node.ownership.self());
  SignRefusals(node);
  TakeForDurable(node, before);
  Trace(node, "is killed");
}

void OwnershipWorld::Restore(Node& node) {
  if (restored_ || Random(8) != 0) return;
  restored_ = true;
  node.disk = Random(node.disk + 1);
  node.log.resize(node.disk);
  if (Random(2) == 0) node.refusals.clear();
  std::erase_if(node.refusals, [](const auto& refusal) { return !refusal.second; });
  if (broken_ != Broken::kRestoreSameId) node.id += "-again";
  Rebuild(node, node.id);
  Trace(node, absl::StrCat("restored to record ", node.disk));
}

// --- What steps are made of ---

void OwnershipWorld::Append(Node& node, const RecordDraft& draft) {
  LogEntry entry{.kind = draft.kind,
                 .position = draft.position,
                 .epoch = draft.epoch,
                 .previous_hash = draft.previous_hash,
                 .hash = {},
                 .owner = draft.owner,
                 .successor = draft.successor,
                 .run = draft.run};
  ++records_made_;  // Every record ever made is another one.
  std::memcpy(entry.hash.data(), &records_made_, sizeof(records_made_));
  node.ownership.Appended(entry);
  node.log.push_back(std::move(entry));
}

void OwnershipWorld::AppendForced(Node& node, RecordKind kind, uint64_t epoch) {
  Append(node, {.kind = kind,
                .position = node.log.size() + 1,
                .epoch = epoch,
                .previous_hash = node.ownership.log_hash(),
                .owner = node.id,
                .successor = "",
                .run = ""});
}

void OwnershipWorld::DecideRefusal(Node& node, uint64_t epoch) {
  node.ownership.RefusalDecided(epoch);
  node.refusals.try_emplace(epoch, false);
}

// What a node takes for durable it acknowledges and certifies.
void OwnershipWorld::TakeForDurable(Node& node, uint64_t from) {
  for (uint64_t i = from; i < node.ownership.durable_position(); ++i) {
    const LogEntry& entry = node.log[i];
    if (entry.owner == node.id && IsWrite(entry)) acknowledged_[entry.position] = entry.hash;
  }
  const std::optional<LogEntry> seal = node.ownership.DurableSeal("", "");
  if (!seal.has_value() || seal->position <= from) return;
  if (seal->position > node.ownership.durable_position()) Fail("certified before the sync");
  seals_.push_back({seal->epoch, seal->position, seal->hash, seal->owner, seal->successor});
}

// The node starts again from what it finds.
void OwnershipWorld::Rebuild(Node& node, const std::string& self) {
  node.ownership = Ownership(self, members_);
  for (const LogEntry& entry : node.log) node.ownership.Appended(entry);
  node.ownership.Durable(node.log.size());
  for (const auto& [epoch, durable] : node.refusals) {
    node.ownership.RefusalDecided(epoch);
    if (durable) node.ownership.RefusalDurable(epoch);
  }
}

template <typename T>
const T* OwnershipWorld::AnyOf(const std::vector<T>& certificates) {
  if (certificates.empty()) return nullptr;
  const size_t back = Random(2) == 0 ? 0 : Random(certificates.size());
  return &certificates[certificates.size() - 1 - back];
}

// --- The promises ---

void OwnershipWorld::CheckPrimary(const Node& node) {
  for (const auto& [position, hash] : acknowledged_) {
    if (position > node.log.size() || node.log[position - 1].hash != hash) {
      Fail(absl::StrCat("primary ", node.id, " lacks the acknowledged write ", position));
    }
  }
  const auto [known, is_new] = primaries_.try_emplace(node.ownership.epoch(), node.id);
  if (!is_new && known->second != node.id) {
    Fail(
        absl::StrCat("epoch ", known->first, " has two primaries: ", known->second, ", ", node.id));
  }
}

void OwnershipWorld::CheckOneChain() {
  for (const Node& one : nodes_) {
    for (const Node& other : nodes_) {
      const uint64_t both = std::min(one.disk, other.disk);
      if (both > 0 && one.log[both - 1].hash != other.log[both - 1].hash) {
        Fail(absl::StrCat("the durable logs of ", one.id, " and ", other.id, " diverge"));
      }
    }
  }
}

void OwnershipWorld::Check() {
  size_t primaries = 0;
  for (const Node& node : nodes_) {
    if (node.ownership.role() != Role::kPrimary) continue;
    ++primaries;
    CheckPrimary(node);
  }
  if (primaries > 1) Fail("two primaries");
  // A lemma of the proof, not a promise: broken rules must be seen without it.
  if (broken_ == Broken::kNothing) CheckOneChain();
}

void OwnershipWorld::Fail(const std::string& what) {
  if (violation_.empty()) violation_ = what;
}

void OwnershipWorld::Trace(const Node& node, const std::string& what) {
  if (violation_.empty()) absl::StrAppend(&trace_, node.id, " ", what, "\n");
}

}  // namespace ledger
