#include "ledger/node/disk.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "ledger/copy/install.h"
#include "ledger/node/config.h"

namespace ledger {

void Disk::Say(const std::string& sentence) const {
  if (options.say) options.say(sentence);
}

absl::Status Disk::Open() {
  RETURN_IF_ERROR(OpenFiles());
  RETURN_IF_ERROR(LoadState());
  // Only now, when another way has led to the end.
  for (const uint64_t position : unusable_) RETURN_IF_ERROR(snapshots->Remove(position));
  return absl::OkStatus();
}

absl::Status Disk::LoadState() {
  while (true) {
    ASSIGN_OR_RETURN(const uint64_t position, LoadNewestSnapshot());
    if (position == 0 && log->first_position() > 1) {
      return absl::DataLossError(absl::StrCat(
          options.config.data_dir(), ": the log begins at record ", log->first_position(),
          ", and there is no snapshot before it that can be used: set up a new node id and let it "
          "follow another node of the shard"));
    }
    const absl::Status replayed = Replay();
    if (replayed.ok() || position == 0 || shard->difference().ok()) return replayed;
    PassOver(position,
             "with the log behind it its state is another than the state roots in the log say");
    // It has what that state led to.
    shard.reset();
    history.reset();
    ASSIGN_OR_RETURN(history, OpenHistory());
    NewShard();
  }
}

absl::Status Disk::OpenFiles() {
  const pb::NodeConfig& config = options.config;
  const std::string& folder = config.data_dir();
  ASSIGN_OR_RETURN(keys_, CheckConfig(config));
  ASSIGN_OR_RETURN(base::SigningKey key, LoadKey(*options.files, config, keys_));
  key_ = std::make_shared<const base::SigningKey>(std::move(key));
  ASSIGN_OR_RETURN(base::FolderLock taken, base::FolderLock::Take(folder));
  lock.emplace(std::move(taken));
  small_files.emplace(*options.files, folder);
  RETURN_IF_ERROR(FinishCopy(*options.files, folder));
  ASSIGN_OR_RETURN(snapshots, Snapshots::Open(*options.files, folder + "/snapshots"));
  ASSIGN_OR_RETURN(const std::vector<uint64_t> positions, snapshots->List());
  const uint64_t scan_from = positions.empty() ? 1 : positions.front() + 1;
  ASSIGN_OR_RETURN(log,
                   Log::Open(*options.files, {.folder = folder + "/log", .scan_from = scan_from}));
  if (!log->torn_tail().empty()) {
    Say(absl::StrCat("dropped a torn tail, which nobody was told of: ", log->torn_tail()));
  }
  if (log->durable_position() > 0) RETURN_IF_ERROR(RemoveIncoming(*options.files, folder));
  RETURN_IF_ERROR(snapshots->CheckLogReaches(log->durable_position()));
  ASSIGN_OR_RETURN(history, OpenHistory());
  NewShard();
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<History>> Disk::OpenHistory() const {
  return History::Open(*options.files, {.folder = options.config.data_dir() + "/history"});
}

void Disk::NewShard() {
  shard.reset();
  roots = std::make_unique<RootKeeper>(*options.clock);
  shard.emplace(ShardOptions{.config = options.config,
                             .keys = keys_,
                             .key = key_,
                             .clock = options.clock,
                             .files = &*small_files,
                             .tail = &tail,
                             .history = history.get(),
                             .roots = roots.get(),
                             .checkpoint_interval = options.checkpoint_interval});
}

absl::StatusOr<uint64_t> Disk::LoadNewestSnapshot() {
  ASSIGN_OR_RETURN(const std::vector<uint64_t> positions, snapshots->List());
  for (const uint64_t position : positions) {
    if (std::find(unusable_.begin(), unusable_.end(), position) != unusable_.end()) continue;
    const absl::Status status = LoadSnapshot(position);
    if (status.ok()) {
      Say(absl::StrCat("loaded the snapshot at record ", position, ": ",
                       shard->state().account_count(), " accounts"));
      return position;
    }
    PassOver(position, status.message());
    NewShard();
  }
  snapshot_log_bytes = 0;
  return 0;
}

void Disk::PassOver(uint64_t position, absl::string_view why) {
  Say(absl::StrCat("the snapshot at record ", position,
                   " cannot be used, the one before it and more of the log are: ", why));
  unusable_.push_back(position);
}

absl::Status Disk::LoadSnapshot(uint64_t position) {
  if (position + 1 < log->first_position()) {
    return absl::DataLossError(
        absl::StrCat("the log begins later, at record ", log->first_position()));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<SnapshotReader> reader, snapshots->Read(position));
  std::string node_facts;
  while (true) {
    ASSIGN_OR_RETURN(const SnapshotReader::Chunk* const chunk, reader->Next());
    if (chunk == nullptr) break;
    if (chunk->section == kNodeFactsSection) {
      node_facts.append(chunk->bytes.data(), chunk->bytes.size());
    } else {
      RETURN_IF_ERROR(shard->LoadImage(chunk->section, chunk->bytes));
    }
  }
  pb::NodeFacts node;
  if (node_facts.empty()) return absl::DataLossError("it says nothing of the node");
  if (!node.ParseFromString(node_facts)) {
    return absl::DataLossError("what it says of the node cannot be read");
  }
  RETURN_IF_ERROR(shard->Restore(reader->facts(), node));
  const Reached reached = shard->state().reached();
  const Flushed flushed = history->flushed();
  if (flushed.transfers < reached.transfers || flushed.burnt < reached.burnt) {
    return absl::DataLossError(absl::StrCat("it rests on ", reached.transfers,
                                            " transfers, and the history holds only ",
                                            flushed.transfers));
  }
  RETURN_IF_ERROR(shard->LoadDone());
  snapshot_log_bytes = node.log_bytes();
  return absl::OkStatus();
}

absl::Status Disk::Replay() {
  const uint64_t before = shard->position();
  LogReader reader(*log, before + 1);
  while (true) {
    ASSIGN_OR_RETURN(const LogReader::Item* const item, reader.Next());
    if (item == nullptr) break;
    RETURN_IF_ERROR(shard->Replay(item->record));
  }
  RETURN_IF_ERROR(shard->ReplayDone());
  Say(absl::StrCat("read back ", shard->position() - before,
                   " records: ", shard->state().account_count(), " accounts, ",
                   shard->state().transfer_count(), " transfers"));
  return absl::OkStatus();
}

}  // namespace ledger
