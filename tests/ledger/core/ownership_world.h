#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ledger/core/ownership.h"

namespace ledger {

// A rule that the world around Ownership breaks, to show that the checks see it. The names are
// those of the model.
enum class Broken : uint8_t {
  kNothing,
  kOpenAnyNode,         // The seal names no successor.
  kOpenAnyLog,          // Open does not compare the log.
  kOpenDurableRefusal,  // Open does not see a refusal that is still being synced.
  kRefuseDurableOpen,   // Refuse does not see an Open that is still being synced.
  kRefuseVolatile,      // A refusal is forgotten in a crash.
  kRefuseByRole,        // "Has not opened" is read as "is not its owner now".
  kUnsealFreely,        // Without a refusal: one is forged.
  kUnsealAnySigner,     // A refusal by a node that is not the successor will do.
  kUnsealKeepsEpoch,
  kShipUnsynced,           // Replicas get records that are not durable at their source,
  kShipUnsyncedUnchecked,  // and take their own back too.
  kAckUnsynced,            // Writes acknowledged before they are durable.
  kWriteWhileSealing,      // Writes accepted until the Seal is durable.
  kNameless,               // A restarted node takes the log's role for its own.
  kRecoverNoSync,          // A killed process trusts what it reads back without syncing it.
  kFollowTruncates,        // A follower drops records that its source does not have.
  kRestoreSameId,          // A disk is put back to an older copy and keeps its node id.
};

// One shard's nodes, with disks that lose what was not synced, certificates that anybody replays
// for ever, and orders in any order: the model of ownership.pml around the real Ownership.
class OwnershipWorld {
 public:
  OwnershipWorld(size_t nodes, uint32_t seed, Broken broken);

  // A random step at a random node.
  void Step();
  // Faults end and the right orchestrator makes `goal` primary. Nothing after it.
  void Heal(size_t goal);

  // The first promise that was broken; "" while all hold.
  const std::string& violation() const { return violation_; }
  const std::string& trace() const { return trace_; }
  size_t node_count() const { return nodes_.size(); }
  bool restored() const { return restored_; }
  size_t acknowledged() const { return acknowledged_.size(); }
  uint64_t epoch() const;

 private:
  struct Node {
    std::string id;
    std::vector<LogEntry> log;
    uint64_t disk = 0;                  // Records that a crash leaves.
    std::map<uint64_t, bool> refusals;  // Epoch → durable.
    size_t laziness = 0;                // Percent of copies that do not happen.
    Ownership ownership;
  };

  // Steps.
  void Write(Node& node);
  void Seal(Node& node);
  void Open(Node& node);
  void Refuse(Node& node);
  void SignRefusals(Node& node);
  void Unseal(Node& node);
  void Copy(Node& node);
  void Sync(Node& node, uint64_t records);
  void SyncSome(Node& node);
  void Crash(Node& node);
  void Kill(Node& node);
  void Restore(Node& node);

  bool BreaksOpen(const Node& node, const SealFacts& seal) const;
  bool BreaksRefuse(const Node& node, const SealFacts& seal) const;
  absl::StatusOr<RecordDraft> DraftUnseal(const Node& node, const RefusalFacts& refusal) const;
  bool HealRound(Node& goal);
  bool CopyFrom(Node& node, const Node& source);
  void OpenOrUnseal(Node& owner, Node& successor);
  void Settle();

  void Append(Node& node, const RecordDraft& draft);
  void AppendForced(Node& node, RecordKind kind, uint64_t epoch);
  void DecideRefusal(Node& node, uint64_t epoch);
  void TakeForDurable(Node& node, uint64_t from);
  void Rebuild(Node& node, const std::string& self);
  void Check();
  void CheckPrimary(const Node& node);
  void CheckOneChain();
  void Fail(const std::string& what);
  void Trace(const Node& node, const std::string& what);

  Node& AnyNode() { return nodes_[Random(nodes_.size())]; }
  size_t Random(size_t below);
  size_t Some();  // A few records, or all.
  // Old ones too, but the newest more often.
  template <typename T>
  const T* AnyOf(const std::vector<T>& certificates);

  uint64_t random_;
  std::array<size_t, 11> weights_{};  // Of the steps; each walk has its own ("swarm testing").
  Broken broken_;
  std::vector<std::string> members_;
  std::vector<Node> nodes_;
  std::vector<SealFacts> seals_;
  std::vector<RefusalFacts> refusals_;
  std::map<uint64_t, base::Hash256> acknowledged_;  // By position.
  std::map<uint64_t, std::string> primaries_;       // By epoch: who ever was.
  uint64_t records_made_ = 0;
  bool restored_ = false;
  std::string violation_;
  std::string trace_;
};

}  // namespace ledger
