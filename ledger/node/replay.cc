#include "ledger/node/replay.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/folder_lock.h"
#include "base/status_macros.h"
#include "ledger/core/account_proof.h"
#include "ledger/core/memory_transfer_store.h"
#include "ledger/core/record.h"
#include "ledger/core/state_machine.h"
#include "ledger/core/state_tree.h"
#include "ledger/node/shard.h"
#include "ledger/storage/log.h"

namespace ledger {
namespace {

// The hash chain, and the times that a state machine relies on.
absl::Status CheckFollows(const Record& record, const base::Hash256& hash_before,
                          uint64_t time_before_ns) {
  if (record.previous_hash != hash_before) {
    return absl::DataLossError(absl::StrCat(
        "record ", record.position, " does not follow the one before it: that has hash ",
        base::ToHex(hash_before), ", and it names ", base::ToHex(record.previous_hash)));
  }
  const uint64_t slots = std::max<uint64_t>(record.event_count(), 1);
  if (record.timestamp_ns < slots || record.timestamp_ns - slots < time_before_ns) {
    return absl::DataLossError(
        absl::StrCat("the time of record ", record.position, ", ", record.timestamp_ns,
                     " ns, is not after that of the one before it, ", time_before_ns, " ns"));
  }
  return absl::OkStatus();
}

void Execute(const Record& record, StateMachine& state) {
  switch (record.kind) {
    case RecordKind::kAccounts:
      state.CreateAccounts(record.accounts(), record.timestamp_ns);
      return;
    case RecordKind::kTransfers:
      state.CreateTransfers(record.transfers(), record.timestamp_ns);
      return;
    case RecordKind::kBalanceLimits:
      state.SetBalanceLimits(record.balance_limits(), record.timestamp_ns);
      return;
    case RecordKind::kSeal:
    case RecordKind::kOpen:
    case RecordKind::kCheckpoint: return;
  }
}

// Cuts at checkpoints, as every node does, and holds what they say against what is found.
class RootCheck {
 public:
  // Of a record that was not yet executed.
  absl::Status Check(const Record& record) {
    if (record.kind != RecordKind::kCheckpoint) return absl::OkStatus();
    const Checkpoint checkpoint = record.checkpoint();
    const auto found = roots_.find(checkpoint.root_position);
    if (found == roots_.end()) return absl::OkStatus();
    ++checked_;
    if (found->second == checkpoint.root) return absl::OkStatus();
    return RootDifference(checkpoint, found->second, record.owner);
  }
  base::Hash256 Cut(StateMachine& state) {
    do {
      state.TakeDirty(kRowsAtOnce, dirty_);
      tree_.Update(dirty_);
    } while (!dirty_.is_all);
    return tree_.Root();
  }
  void Executed(const Record& record, StateMachine& state) {
    if (record.kind != RecordKind::kCheckpoint) return;
    roots_[record.position] = Cut(state);
    if (roots_.size() > kRootsKept) roots_.erase(roots_.begin());
  }

  const StateTree& tree() const { return tree_; }
  uint64_t checked() const { return checked_; }

 private:
  static constexpr uint64_t kRowsAtOnce = 1'000'000;
  static constexpr size_t kRootsKept = 64;

  StateTree tree_;
  DirtyState dirty_;
  std::map<uint64_t, base::Hash256> roots_;
  uint64_t checked_ = 0;
};

// Why a log does not begin at record 1, and what to do then.
std::string WhyCutShort(base::FileSystem& files, const std::string& data_dir) {
  if (!files.Exists(data_dir + "/copied")) {
    return "what was before has been trimmed. Use the folder of a node of the shard whose log is "
           "whole: its trims_log is off, and it was not copied";
  }
  return "this node began with a copy of another's snapshot and history, so it never had what was "
         "before. Use the folder of the node that it was copied from, or of another of the shard "
         "whose log begins at record 1; up to a sealed position all their logs are the same";
}

absl::StatusOr<std::unique_ptr<const Log>> OpenWhole(base::FileSystem& files,
                                                     const std::string& data_dir) {
  ASSIGN_OR_RETURN(std::unique_ptr<const Log> log, Log::OpenToRead(files, data_dir + "/log"));
  if (log->first_position() != 1) {
    return absl::FailedPreconditionError(
        absl::StrCat(data_dir, ": the log begins at record ", log->first_position(),
                     ", and this needs it from record 1: ", WhyCutShort(files, data_dir)));
  }
  return log;
}

// A log executed up to a position, or to its end.
class LogReplay {
 public:
  explicit LogReplay(uint32_t shard) : replayed_{.shard = shard}, state_(shard, transfers_) {}

  absl::Status Run(base::FileSystem& files, const std::string& data_dir, uint64_t last_position) {
    if (!files.Exists(data_dir + "/log")) {
      return absl::NotFoundError(
          absl::StrCat(data_dir, " holds no log: name the data_dir of a node's configuration"));
    }
    ASSIGN_OR_RETURN(const base::FolderLock lock, base::FolderLock::Take(data_dir));
    ASSIGN_OR_RETURN(const std::unique_ptr<const Log> log, OpenWhole(files, data_dir));
    LogReader reader(*log, 1);
    while (replayed_.position < last_position) {
      ASSIGN_OR_RETURN(const LogReader::Item* const item, reader.Next());
      if (item == nullptr) break;
      RETURN_IF_ERROR(Take(item->record));
    }
    replayed_.state_root = roots_.Cut(state_);
    replayed_.roots = roots_.checked();
    replayed_.accounts = state_.account_count();
    replayed_.transfers = state_.transfer_count();
    return absl::OkStatus();
  }

  const Replayed& replayed() const { return replayed_; }
  StateMachine& state() { return state_; }
  const StateTree& tree() const { return roots_.tree(); }

 private:
  absl::Status Take(const Record& record) {
    RETURN_IF_ERROR(CheckFollows(record, replayed_.log_hash, time_ns_));
    RETURN_IF_ERROR(roots_.Check(record));
    Execute(record, state_);
    roots_.Executed(record, state_);
    replayed_.position = record.position;
    replayed_.log_hash = record.hash;
    time_ns_ = record.timestamp_ns;
    return absl::OkStatus();
  }

  Replayed replayed_;
  MemoryTransferStore transfers_;
  StateMachine state_;
  RootCheck roots_;
  uint64_t time_ns_ = 0;
};

}  // namespace

absl::StatusOr<Replayed> ReplayLog(base::FileSystem& files, const std::string& data_dir,
                                   uint32_t shard) {
  LogReplay replay(shard);
  RETURN_IF_ERROR(replay.Run(files, data_dir, UINT64_MAX));
  return replay.replayed();
}

absl::StatusOr<pb::AccountProof> ProveFromLog(base::FileSystem& files, const std::string& data_dir,
                                              const AccountAt& wanted) {
  LogReplay replay(wanted.shard);
  RETURN_IF_ERROR(replay.Run(files, data_dir, wanted.position));
  if (replay.replayed().position != wanted.position) {
    return absl::NotFoundError(absl::StrCat("the log ends at record ", replay.replayed().position,
                                            ", before ", wanted.position));
  }
  const std::optional<uint64_t> row = replay.state().FindRow(wanted.account);
  if (!row.has_value()) {
    return absl::NotFoundError(absl::StrCat("there was no account ", base::ToString(wanted.account),
                                            " at record ", wanted.position));
  }
  std::unique_ptr<StateImage> image = replay.state().Freeze();
  image->Prepare();
  const uint64_t first = *row / AccountTable::kBucketRows * AccountTable::kBucketRows;
  std::vector<Account> bucket(
      std::min<uint64_t>(AccountTable::kBucketRows, replay.replayed().accounts - first));
  image->ReadAccounts(first, absl::MakeSpan(bucket));
  replay.state().Thaw(std::move(image));
  pb::AccountProof proof = ProveAccount(replay.tree(), *row, bucket);
  proof.set_position(wanted.position);
  return proof;
}

std::string ToJson(const Replayed& replayed) {
  return absl::StrCat(R"({"shard": )", replayed.shard, R"(, "position": )", replayed.position,
                      R"(, "log_hash": ")", base::ToHex(replayed.log_hash), R"(", "state_root": ")",
                      base::ToHex(replayed.state_root), R"(", "roots": )", replayed.roots,
                      R"(, "accounts": )", replayed.accounts, R"(, "transfers": )",
                      replayed.transfers, "}");
}

}  // namespace ledger
