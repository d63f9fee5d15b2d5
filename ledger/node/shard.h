#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/signing.h"
#include "hamisha/ledger/v1/ledger.pb.h"
#include "hamisha/ledger/v1/node.pb.h"
#include "hamisha/ledger/v1/snapshot.pb.h"
#include "hamisha/ledger/v1/verification.pb.h"
#include "ledger/core/certificate.h"
#include "ledger/core/ownership.h"
#include "ledger/core/state_machine.h"
#include "ledger/core/state_tree.h"
#include "ledger/history/history.h"
#include "ledger/node/durable_tail.h"
#include "ledger/node/root_keeper.h"
#include "ledger/storage/frame.h"
#include "ledger/storage/small_file.h"
#include "ledger/storage/snapshot.h"

namespace ledger {

// Payload of a status that says who owns the shard: a serialized NotOwner.
inline constexpr char kNotOwnerPayload[] = "hamisha.ledger.v1.NotOwner";

struct BatchResult {
  uint64_t epoch;
  uint64_t position;
  uint64_t timestamp_ns;
  std::vector<EventResult> results;
};

struct Batch {
  RecordKind kind;
  uint64_t epoch;          // What the sender believes in; 0: any.
  absl::string_view body;  // Rows; must live until `done` is called.
  std::function<void(const absl::StatusOr<BatchResult>&)> done;  // Once, on the writer thread.
};

// What is certified of the state at one position.
struct StateFacts {
  uint64_t position;
  base::Hash256 root;
  Totals totals;
};

struct ShardOptions {
  pb::NodeConfig config;  // Checked: ledger/node/config.h.
  MemberKeys keys;
  std::shared_ptr<const base::SigningKey> key;
  const base::Clock* clock;
  SmallFiles* files;  // Must outlive the shard, as the clock.
  DurableTail* tail;
  History* history;
  RootKeeper* roots;  // That knows nothing yet.
  // Between two checkpoints, at least; InfiniteDuration: this node writes none.
  absl::Duration checkpoint_interval = absl::Milliseconds(100);
};

// DATA_LOSS that says what a checkpoint claims and what was found.
absl::Status RootDifference(const Checkpoint& checkpoint, const base::Hash256& found,
                            const std::string& owner);
// What is to be hashed for a challenge: the state at its checkpoint.
struct ChallengedState {
  uint64_t position = 0;
  base::Hash256 nonce{};
  base::Hash256 log_hash{};
  std::unique_ptr<StateImage> image;  // To be given back to Thaw().
  std::shared_ptr<KeptTree> tree;     // As far as it is kept.
};

// What a snapshot of a shard consists of.
struct FrozenShard {
  SnapshotFacts facts;
  pb::NodeFacts node;
  Reached reached;  // In history.
  std::unique_ptr<StateImage> image;
};

// All that one node holds of its shard: who may write, the state, the records on their way to the
// log, and the answers that wait for them. Decides everything and starts nothing: the writer
// thread, its only user, takes frames from it and tells it what became durable.
//
// An answer is given when all that it rests on is durable and applied. Every operation may be
// repeated; the repeat is answered as the first was. After Fail() all is answered with its status.
class Shard {
 public:
  template <typename T>
  using Answer = std::function<void(const absl::StatusOr<T>&)>;

  explicit Shard(ShardOptions options);

  // --- At start: a snapshot if there is one, every record behind it, then the small files ---
  // Where a snapshot was taken; the parts of its image; that it is whole. DATA_LOSS when it is not:
  // then this shard is of no use.
  absl::Status Restore(const SnapshotFacts& facts, const pb::NodeFacts& node);
  absl::Status LoadImage(uint32_t section, absl::string_view bytes);
  absl::Status LoadDone();
  // DATA_LOSS when it does not continue the log.
  absl::Status Replay(const Record& record);
  absl::Status ReplayDone();
  // DATA_LOSS once a state root in the log has shown that this state is not the owner's.
  const absl::Status& difference() const { return difference_; }
  // Appends the first record of the shard.
  absl::Status AppendFirstOpen();

  // --- Clients ---
  // Batches that come one after the other go into one record, as far as that means the same.
  void Append(Batch batch);
  // What was appended is on its way to the log.
  void CloseGroup();
  // How long until pending transfers expire that a record must release, by the clock as it is now;
  // InfiniteDuration when nothing is to expire, or other nodes see to it.
  absl::Duration UntilPulse() const;
  // Appends a record without events when that time has come.
  void PulseIfDue();
  // How long until the state is to be cut for its root, or a part of what changed to be hashed; the
  // owner's cuts are records. InfiniteDuration when nothing is due before something changes.
  absl::Duration UntilCheckpoint() const;
  // Does so when that time has come.
  void CheckpointIfDue();
  // Appends a checkpoint now; its position.
  absl::StatusOr<uint64_t> AppendCheckpoint(const base::Hash256& nonce);
  // Executes what was appended. Everything below expects that nothing waits for it.
  void ApplyPending();
  // FAILED_PRECONDITION with NotOwner on a replica: it would answer from the past.
  absl::Status CheckReadable() const;
  const StateMachine& state() const { return state_; }
  const History& history() const { return *options_.history; }
  // When all that was appended up to now is durable.
  void WhenDurable(std::function<void(const absl::Status&)> answer);

  // --- Ownership: hamisha/ledger/v1/node.proto ---
  void Seal(const pb::SealRequest& request, Answer<pb::Signed> answer);
  void Open(const pb::Signed& certificate, Answer<pb::OwnershipChange> answer);
  void Refuse(const pb::Signed& certificate, Answer<pb::Signed> answer);
  void Unseal(const pb::Signed& certificate, Answer<pb::OwnershipChange> answer);
  absl::StatusOr<pb::Comparison> Compare(const pb::Signed& certificate);
  void GetStatus(Answer<pb::NodeStatus> answer);

  // --- Replication ---
  // Encoded records of another node. DATA_LOSS when they do not continue this log, or a checkpoint
  // says that the states differ (then for good), FAILED_PRECONDITION while primary. What comes
  // before the bad one is kept.
  absl::Status Copy(absl::string_view records);
  void ReceiveCertificate(const pb::Signed& certificate);
  absl::Status SetFollowing(const std::string& node_id);
  const std::string& following() const { return following_; }
  uint64_t position() const { return ownership_.position(); }
  base::Hash256 log_hash() const { return ownership_.log_hash(); }
  uint64_t log_bytes() const { return appended_.bytes; }
  uint64_t timestamp_ns() const { return appended_.timestamp_ns; }

  // Faults of a lab (StateMachine's, and leaving out what the next record does): the accounts.
  absl::StatusOr<std::vector<Id128>> FlipBitForLab(bool is_noticed, const Id128& account);
  absl::StatusOr<std::vector<Id128>> ExchangeBalancesForLab();
  absl::StatusOr<std::vector<Id128>> ApplyTwiceForLab(const Id128& transfer);
  void DropRecordForLab() { drops_next_ = true; }

  // --- Snapshots ---
  // All as it is now, to be written by another thread. Its image must be given back to Thaw().
  absl::StatusOr<FrozenShard> Freeze();
  void Thaw(std::unique_ptr<StateImage> image) { state_.Thaw(std::move(image)); }

  // --- Challenges, the cutover's certificate: hamisha/ledger/v1/verification.proto ---
  // Who saves small facts that nobody waits for, in the order given. Without, it is done at once.
  void SetSaveLater(std::function<void(std::function<absl::Status()>)> save_later);
  // Who hashes. Without, challenges are passed over, as during a replay.
  void SetOnChallenge(std::function<void(ChallengedState)> on_challenge);
  // Appends the checkpoint of a challenge; its position. `keeps_tree`: what the state root's tree
  // is there goes with what is to be hashed; so it does where this node looks for a difference.
  void StartChallenge(const base::Hash256& nonce, bool keeps_tree, Answer<uint64_t> answer);
  // Its digest was computed.
  void ChallengeDone(const pb::CutoverChallenge& challenge);
  // This node's state was found to be another's no more: it must not open until it starts again.
  void Distrust(std::string why) { distrust_ = std::move(why); }
  // Who looks for where they differ when a state root in the log says that they do, and answers by
  // Searched(): until then this node follows on. Without, it stops at once.
  void SetOnDifference(std::function<void(const std::string& owner)> on_difference);
  void Searched(const absl::Status& status);
  absl::StatusOr<pb::Signed> CertifyCutover(const pb::Signed& seal) const;
  absl::StatusOr<pb::InFlightPage> ListInFlight(const pb::ListInFlightRequest& request) const;

  // --- The way to the log ---
  uint64_t frame_bytes() const { return frame_.record_bytes(); }
  // Swaps the records appended since into the empty `frame`. True when a mark must follow it.
  bool TakeFrame(Frame& frame);
  // Time of the last record taken.
  uint64_t taken_timestamp_ns() const { return taken_.timestamp_ns; }
  // The frame taken last is durable.
  void Synced();
  void Fail(const absl::Status& status);
  const absl::Status& failed() const { return failed_; }

 private:
  struct End {
    uint64_t position = 0;
    uint64_t bytes = 0;
    uint64_t timestamp_ns = 0;
  };
  struct Waiting {
    uint64_t position;
    std::function<void(const absl::Status&)> answer;
  };
  struct Pending {
    Record record;
    std::string joined;  // Body of the record when there are several batches.
    std::vector<Batch> batches;
  };

  Record Draw(const RecordDraft& draft, absl::string_view body, uint64_t events) const;
  void AppendRecord(Record& record);
  void Note(const Record& record);
  absl::Status CheckNext(const Record& record) const;
  std::vector<EventResult> Apply(const Record& record);
  void BeginChallenge(const Record& checkpoint, std::shared_ptr<KeptTree> tree);
  bool KeepsTree(const Record& checkpoint) const;
  // Why this node's state is not to be trusted; "" when it is.
  std::string Fault() const;
  // DATA_LOSS when this node must not open.
  absl::Status CheckTrusted(const SealFacts& seal) const;
  pb::InFlight InFlightNow(const Totals& totals, uint64_t now_ns) const;
  pb::InFlightPending ToInFlight(const PendingFacts& facts, uint64_t now_ns) const;
  // The state is as sealed: this can be certified from now on.
  void NoteCutover(const pb::SealStatement& seal, const Totals& totals);
  // Once the digest is known.
  void FillChallenge(pb::CutoverStatement& cutover) const;
  absl::Status CheckChallenge(const pb::CutoverStatement& cutover) const;
  absl::Status LoadCutovers();
  void SaveCutovers();
  void SaveLater(std::function<absl::Status()> save);
  absl::Status AppendCopy(const Record& record, absl::string_view encoded);

  // Who owns the shard, as a status payload.
  absl::Status WithOwner(absl::Status status) const;
  pb::Role role() const;
  StateFacts FactsNow();
  pb::SealStatement StatementNow(const StateFacts& facts) const;
  pb::Signed Certify(const LogEntry& seal) const;
  void RenewOwnCertificate();
  void PublishTail();
  void AnswerChange(const LogEntry& open, Answer<pb::OwnershipChange> answer);
  absl::Status BecomePrimary();
  absl::StatusOr<pb::Signed> RefuseNow(const pb::Signed& certificate);

  bool HasPartsToGive() const;
  uint64_t accounts_unhashed() const;  // As in NodeStatus.
  bool IsCutShort() const;
  bool HasTimeToCut() const;
  void ApplyCheckpoint(const Record& record);
  void ApplySeal(uint64_t position);
  // Gives all that changed to the keeper of the roots.
  void Cut(uint64_t position, std::shared_ptr<KeptTree> tree = nullptr);
  // Before a record is taken: DATA_LOSS when it says that the states differ.
  absl::Status CheckRoot(const Record& record);

  void CheckHistory();
  void AnswerBatches(Pending& pending, const std::vector<EventResult>& results);

  const ShardOptions options_;
  Ownership ownership_;
  StateMachine state_;
  absl::Status failed_;
  bool drops_next_ = false;  // A lab's fault.

  Frame frame_;
  bool frame_moves_ownership_ = false;
  std::vector<Batch> group_;  // The next record's.
  size_t group_events_ = 0;
  bool group_is_open_ = false;  // Others may join.
  std::deque<Pending> pending_;
  std::deque<Waiting> waiting_;
  End appended_;
  End taken_;
  End durable_;

  std::optional<LogEntry> last_;
  std::map<uint64_t, pb::SealStatement> sealed_;  // By position: what this node certifies.
  std::map<uint64_t, LogEntry> own_opens_;        // By epoch.
  std::vector<LogEntry> moves_;                   // All that moved ownership.
  std::vector<uint64_t> refusals_;
  std::string following_;
  std::shared_ptr<const pb::Signed> own_certificate_;
  uint64_t own_certificate_position_ = 0;
  std::optional<pb::Signed> received_certificate_;
  uint64_t received_epoch_ = 0;

  DirtyState dirty_;  // Its memory is used again and again.
  bool is_replayed_ = false;
  uint64_t rows_ahead_ = 0;           // Of parts that went ahead of the next cut.
  bool has_tree_ = false;             // The keeper of the roots was once given all.
  bool has_changed_ = false;          // The state, since the last checkpoint.
  uint64_t cut_position_ = 0;         // Of the newest cut.
  uint64_t checkpoint_position_ = 0;  // Of the newest checkpoint; 0 when it was not cut.
  absl::Duration checkpoint_due_ = absl::ZeroDuration();  // Monotonic time.
  absl::Status difference_;  // The first that was found; this state is not the owner's.
  std::function<void(ChallengedState)> on_challenge_;
  std::function<void(std::function<absl::Status()>)> save_later_;
  pb::CutoverChallenge logged_challenge_;  // The newest in the log, without its digest.
  uint64_t begun_challenge_ = 0;           // Position of the newest given away to be hashed.
  uint64_t tree_wanted_at_ = 0;            // Position of the newest that is to keep its tree.
  pb::CutoverChallenge newest_challenge_;  // That was hashed here.
  std::map<uint64_t, pb::CutoverStatement> cutovers_;  // By position, the newest few.
  std::string distrust_;  // Why this node must not open; "" when it may.
  std::function<void(const std::string& owner)> on_difference_;
  bool is_searching_ = false;  // For where the states differ.
  uint64_t roots_checked_ = 0;
};

}  // namespace ledger
