// Shard: when the state is cut for its root, and what is said of it in the log. Nothing of it takes
// long on the writer's thread: hashing is RootKeeper's.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "ledger/node/shard.h"

namespace ledger {
namespace {

// What is copied at once for a cut: 128 MiB of accounts, and some 0.4 s of hashing.
constexpr uint64_t kRowsAtOnce = uint64_t{131'072} * AccountTable::kBucketRows;
// In parts while clients are answered: half a millisecond of copying.
constexpr uint64_t kPartRows = kRowsAtOnce / 256;
// Of a cut that clients do not feel.
constexpr uint64_t kShortRows = 4 * kPartRows;
// While the keeper of the roots is at work.
constexpr absl::Duration kLookAgain = absl::Milliseconds(5);

}  // namespace

// Too much has changed to be cut at once: it is worked off in parts, for which no record is needed.
// Where a cut would be short enough for that, parts go ahead of it all the same, which is what
// clients feel the least; but so many only, as the cut is to come also where much changes again.
bool Shard::HasPartsToGive() const {
  const uint64_t rows = state_.dirty_rows();
  return rows > kRowsAtOnce || (is_replayed_ && rows > kShortRows && rows_ahead_ < kRowsAtOnce);
}

absl::Duration Shard::UntilCheckpoint() const {
  // Where states were found to differ, the tree stays as it was then.
  if (!difference_.ok()) return absl::InfiniteDuration();
  const bool is_primary = ownership_.role() == Role::kPrimary;
  const bool wants_record =
      is_primary && has_changed_ && options_.checkpoint_interval != absl::InfiniteDuration();
  const bool has_parts = HasPartsToGive();
  if (!failed_.ok() || (!wants_record && !has_parts)) return absl::InfiniteDuration();
  if (!options_.roots->IsIdle()) return kLookAgain;
  // Who is written to has better things to do; a replica must not fall behind.
  absl::Duration due = is_primary ? options_.roots->rests_until() : absl::ZeroDuration();
  if (!has_parts) due = std::max(due, checkpoint_due_);
  return std::max(due - options_.clock->MonotonicNow(), absl::ZeroDuration());
}

void Shard::CheckpointIfDue() {
  if (UntilCheckpoint() > absl::ZeroDuration()) return;
  if (HasPartsToGive()) {
    if (state_.dirty_rows() <= kRowsAtOnce) rows_ahead_ += kPartRows;
    state_.TakeDirty(kPartRows, dirty_);
    options_.roots->Give(dirty_);
    if (accounts_unhashed() == 0) PublishTail();
    return;
  }
  const absl::StatusOr<uint64_t> position = AppendCheckpoint({});
  INVARIANT(position.ok());
}

absl::StatusOr<uint64_t> Shard::AppendCheckpoint(const base::Hash256& nonce) {
  if (!failed_.ok()) return failed_;
  CloseGroup();
  const absl::StatusOr<RecordDraft> draft = ownership_.DraftBatch(RecordKind::kCheckpoint, 0);
  if (!draft.ok()) return WithOwner(draft.status());
  Checkpoint checkpoint{.nonce = nonce};
  if (const auto root = options_.roots->Find(checkpoint_position_); root.has_value()) {
    checkpoint.root_position = checkpoint_position_;
    checkpoint.root = *root;
  }
  Pending pending;
  pending.joined = std::string(AsBytes(checkpoint));
  pending.record = Draw(*draft, pending.joined, 0);
  AppendRecord(pending.record);
  checkpoint_due_ = options_.clock->MonotonicNow() + options_.checkpoint_interval;
  pending_.push_back(std::move(pending));
  return position();
}

// After a start from a snapshot the tree is not there at first.
bool Shard::IsCutShort() const { return has_tree_ || state_.dirty_rows() <= kRowsAtOnce; }

uint64_t Shard::accounts_unhashed() const {
  const uint64_t rows = std::min(state_.dirty_rows(), state_.account_count());
  return rows > (has_tree_ ? kRowsAtOnce : kShortRows) ? rows : 0;
}

// Whether hashing takes no more than its share of a start.
bool Shard::HasTimeToCut() const {
  return is_replayed_ || (options_.roots->IsIdle() &&
                          options_.roots->rests_until() <= options_.clock->MonotonicNow());
}

// Every node cuts where a checkpoint stands, so that what the next one says can be checked. Where a
// cut would take long, and at most checkpoints that a start reads back, what is said of it goes
// unchecked.
void Shard::ApplyCheckpoint(const Record& record) {
  has_changed_ = false;
  const bool is_cut = IsCutShort() && HasTimeToCut();
  checkpoint_position_ = is_cut ? record.position : 0;
  std::shared_ptr<KeptTree> tree;
  if (is_cut && KeepsTree(record)) tree = std::make_shared<KeptTree>();
  if (is_cut) Cut(record.position, tree);
  BeginChallenge(record, std::move(tree));
}

// Soon its root will be asked for.
void Shard::ApplySeal(uint64_t position) {
  if (IsCutShort()) Cut(position);
}

void Shard::Cut(uint64_t position, std::shared_ptr<KeptTree> tree) {
  do {
    state_.TakeDirty(kRowsAtOnce, dirty_);
    const bool is_all = dirty_.is_all;
    is_all ? options_.roots->GiveCut(dirty_, position, tree) : options_.roots->Give(dirty_);
    has_tree_ = is_all;
  } while (!has_tree_);
  cut_position_ = position;
  rows_ahead_ = 0;
}

absl::Status Shard::CheckRoot(const Record& record) {
  if (is_searching_) return absl::OkStatus();
  if (!difference_.ok() || record.kind != RecordKind::kCheckpoint) return difference_;
  const Checkpoint checkpoint = record.checkpoint();
  if (checkpoint.root_position == 0) return absl::OkStatus();
  const auto found = options_.roots->Await(checkpoint.root_position);
  if (found.has_value()) ++roots_checked_;
  if (found.has_value() && *found != checkpoint.root) {
    difference_ = RootDifference(checkpoint, *found, record.owner);
    if (on_difference_) {
      is_searching_ = true;
      on_difference_(record.owner);
      return absl::OkStatus();
    }
  }
  return difference_;
}

StateFacts Shard::FactsNow() {
  INVARIANT(pending_.empty());
  if (cut_position_ != position() || state_.dirty_rows() > 0) Cut(position());
  const auto root = options_.roots->Await(position());
  INVARIANT(root.has_value());
  return {.position = position(), .root = *root, .totals = state_.totals()};
}

absl::Status RootDifference(const Checkpoint& checkpoint, const base::Hash256& found,
                            const std::string& owner) {
  return absl::DataLossError(absl::StrCat(
      "the logs are equal and the states are not: after record ", checkpoint.root_position,
      " the state root of '", owner, "' was ", base::ToHex(checkpoint.root), ", here it is ",
      base::ToHex(found),
      "; this node follows no further and must not open: compare the states, then restart it to "
      "have its state read back, from an older snapshot where the newest holds that state too; "
      "where "
      "it differs again set up a new node id and let it copy another node of the shard"));
}

}  // namespace ledger
