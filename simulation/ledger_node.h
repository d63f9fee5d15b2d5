#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "hamisha/ledger/v1/ledger.pb.h"
#include "hamisha/ledger/v1/node.pb.h"
#include "ledger/core/ownership.h"
#include "simulation/environment.h"

namespace simulation {

namespace ledger_pb = ::hamisha::ledger::v1;

// A record of a shard's log: what ownership sees of it, and the ids of the transfers that it made.
struct NodeRecord {
  ledger::LogEntry entry;
  std::vector<uint64_t> ids;
};
using NodeRecordPointer = std::shared_ptr<const NodeRecord>;

// What a node says of itself.
struct NodeStatus {
  ledger::Role role = ledger::Role::kReplica;
  uint64_t epoch = 0;
  std::string owner;
  std::string successor;
  uint64_t position = 0;
  base::Hash256 log_hash{};
  std::string following;
  bool connected = false;
  uint64_t source_position = 0;
  std::string fault;
  std::vector<ledger_pb::Signed> certificates;
};

struct NodeRequest {
  enum class Kind : uint8_t { kStatus, kSeal, kOpen, kRefuse, kUnseal, kFollow, kCompare };
  Kind kind = Kind::kStatus;
  std::string run = {};
  std::string node = {};               // kSeal: the successor. kFollow: whom; "": nobody.
  ledger_pb::Signed certificate = {};  // kOpen, kRefuse, kUnseal, kCompare.
};

struct NodeAnswer {
  std::optional<NodeStatus> status = {};              // kStatus, kFollow.
  std::optional<ledger_pb::Signed> certificate = {};  // kSeal, kRefuse.
  bool equal = false;                                 // kCompare.
};

struct WriteRequest {
  std::vector<uint64_t> ids;
  uint64_t epoch = 0;
};
struct WriteAnswer {
  uint64_t epoch = 0;
  std::vector<uint32_t> existed;  // Indices of ids that had been made before.
  // Nothing was done: why, as far as a gateway learns from it.
  std::optional<ledger_pb::NotOwner> not_owner = {};
};

// One node of one shard: the real ownership (ledger/core/ownership.h) over a log in memory of which
// a crash takes what was not synced. Around it stands in short what ledger/node does: group commit,
// answers when durable, refusals in a file, pulling by a stream, certificates. It does not sign:
// nobody here makes certificates up, and no test of signatures is meant.
class LedgerNode {
 public:
  using Reply = absl::AnyInvocable<void(absl::StatusOr<NodeAnswer>)>;
  using WriteReply = absl::AnyInvocable<void(absl::StatusOr<WriteAnswer>)>;
  struct Place {
    uint32_t shard;
    std::string id;  // Of the node, and of its host.
    HostIndex host;
  };

  LedgerNode(Environment& environment, Place place, std::vector<std::string> members);

  // All nodes of the shard, this one too; before anything else.
  void Meet(const std::vector<LedgerNode*>& peers) { peers_ = peers; }
  // The shard's first record.
  void Bootstrap();

  // What arrives at the process; UNAVAILABLE when it is down, or ends before it could answer.
  void Handle(const NodeRequest& request, Reply reply);
  void Write(const WriteRequest& request, WriteReply reply);

  // The process ends, and with it what was not synced: of that a part, drawn by chance, remains.
  void Crash();
  void Start();
  // `wake` is called once, soon after something has changed; never when it crashes first.
  void WakeOnChange(absl::AnyInvocable<void()> wake) { watchers_.push_back(std::move(wake)); }

  const Place& place() const { return place_; }
  const Life& life() const { return life_; }
  const ledger::Ownership& ownership() const { return *ownership_; }
  bool IsPrimary() const { return life_.is_up && ownership_->role() == ledger::Role::kPrimary; }
  // By its log on the disk, whether its process runs or not.
  bool OwnsByLog() const {
    return durable_ > 0 && log_[durable_ - 1]->entry.owner == place_.id &&
           log_[durable_ - 1]->entry.kind != ledger::RecordKind::kSeal;
  }
  bool Holds(uint64_t id) const { return applied_.contains(id); }
  const std::string& following() const { return following_; }
  const std::vector<NodeRecordPointer>& log() const { return log_; }

 private:
  struct Pull {  // As the source knows a follower.
    std::shared_ptr<Stream> stream;
    LedgerNode* follower;
    uint64_t sent_position;
    uint64_t sent_certificate;
  };
  struct Waiter {
    uint64_t position;
    absl::AnyInvocable<void(const absl::Status&)> done;
  };

  // ledger_node.cc: the log.
  void Append(ledger::RecordDraft draft, std::vector<uint64_t> ids);
  void AppendRecord(NodeRecordPointer record);
  void SyncSoon();
  void Synced(uint64_t position);
  void WhenDurable(absl::AnyInvocable<void(const absl::Status&)> done);
  void Rebuild();
  ledger_pb::NotOwner Owner() const;
  void Changed();
  NodeStatus StatusNow() const;

  // node_ownership.cc: orders.
  void Seal(const NodeRequest& request, Reply reply);
  void Open(const NodeRequest& request, Reply reply);
  void Refuse(const NodeRequest& request, Reply reply);
  void Unseal(const NodeRequest& request, Reply reply);
  void Compare(const NodeRequest& request, Reply reply);
  void Follow(const NodeRequest& request, Reply reply);
  ledger_pb::Signed Certify(const ledger::LogEntry& seal) const;
  void AnswerWhenDurable(NodeAnswer answer, Reply reply);

  // node_replication.cc: pulling.
  void SetFollowing(const std::string& node);
  void Connect();
  void ConnectLater();
  void PullBroken(const Stream* stream);
  void TakeFollower(LedgerNode& follower, const std::shared_ptr<Stream>& stream,
                    uint64_t after_position, const base::Hash256& after_hash);
  void Ship();
  void ShipTo(Pull& pull);
  struct Chunk {
    std::vector<NodeRecordPointer> records;
    uint64_t durable_position;
    std::shared_ptr<const ledger_pb::Signed> certificate;
  };
  void TakeChunk(const Stream* stream, const Chunk& chunk);
  void StopWithFault(const absl::Status& status);

  Environment& environment_;
  const Place place_;
  const std::vector<std::string> members_;
  std::vector<LedgerNode*> peers_;
  Life life_;

  // On disk.
  std::vector<NodeRecordPointer> log_;  // durable_ of them are synced.
  uint64_t durable_ = 0;
  std::vector<uint64_t> refusals_;  // Of them refusals_durable_.
  size_t refusals_durable_ = 0;
  std::string following_saved_;

  // In memory.
  std::unique_ptr<ledger::Ownership> ownership_;
  absl::flat_hash_set<uint64_t> applied_;
  std::map<uint64_t, ledger::LogEntry> own_opens_;  // By epoch.
  bool is_syncing_ = false;
  std::vector<Waiter> waiters_;
  std::vector<absl::AnyInvocable<void()>> watchers_;
  std::shared_ptr<const ledger_pb::Signed> own_certificate_;
  uint64_t own_certificate_position_ = 0;
  std::optional<ledger_pb::Signed> received_certificate_;
  std::string following_;
  std::shared_ptr<Stream> pulling_;
  bool is_connected_ = false;
  uint64_t source_position_ = 0;
  std::string fault_;
  std::vector<Pull> pulls_;
};

}  // namespace simulation
