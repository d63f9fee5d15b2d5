#include "ledger/storage/snapshots.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace ledger {
namespace {

constexpr absl::string_view kGivenUpSuffix = ".removing";

}  // namespace

absl::StatusOr<std::unique_ptr<Snapshots>> Snapshots::Open(base::FileSystem& files,
                                                           std::string folder) {
  RETURN_IF_ERROR(files.CreateFolders(folder));
  RETURN_IF_ERROR(files.SyncFolder(folder.substr(0, folder.rfind('/'))));
  std::unique_ptr<Snapshots> snapshots(new Snapshots(files, std::move(folder)));
  RETURN_IF_ERROR(snapshots->RemoveUnfinished());
  return snapshots;
}

absl::Status Snapshots::RemoveUnfinished() const {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(folder_));
  for (const std::string& name : names) {
    if (!absl::EndsWith(name, kUnfinishedSuffix) && !absl::EndsWith(name, kGivenUpSuffix)) continue;
    RETURN_IF_ERROR(files_.Remove(absl::StrCat(folder_, "/", name)));
  }
  return files_.SyncFolder(folder_);
}

absl::StatusOr<std::vector<uint64_t>> Snapshots::List() const {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(folder_));
  std::vector<uint64_t> positions;
  for (const std::string& name : names) {
    uint64_t position = 0;
    if (absl::SimpleAtoi(name, &position)) positions.push_back(position);
  }
  std::sort(positions.begin(), positions.end(), std::greater<>());
  return positions;
}

// A name may be there and not yet durable: what was renamed by a writer that then failed.
absl::StatusOr<std::vector<uint64_t>> Snapshots::ListDurable() const {
  ASSIGN_OR_RETURN(std::vector<uint64_t> positions, List());
  RETURN_IF_ERROR(files_.SyncFolder(folder_));
  return positions;
}

absl::StatusOr<std::unique_ptr<SnapshotWriter>> Snapshots::Begin(const SnapshotFacts& facts) const {
  return SnapshotWriter::Begin(files_, folder_, facts);
}

absl::StatusOr<std::unique_ptr<SnapshotReader>> Snapshots::Read(uint64_t position) const {
  return SnapshotReader::Open(files_, folder_, position);
}

absl::Status Snapshots::Remove(uint64_t position) const {
  RETURN_IF_ERROR(files_.Remove(SnapshotPath(folder_, position)));
  return files_.SyncFolder(folder_);
}

absl::Status Snapshots::Prune(const Pause& pause) const {
  ASSIGN_OR_RETURN(const std::vector<uint64_t> positions, ListDurable());
  for (size_t i = kKept; i < positions.size(); ++i) {
    RETURN_IF_ERROR(GiveUp(positions[i], pause));
  }
  return positions.size() > kKept ? files_.SyncFolder(folder_) : absl::OkStatus();
}

absl::Status Snapshots::GiveUp(uint64_t position, const Pause& pause) const {
  // First the name: nobody finds it any more, nor links it.
  const std::string path = absl::StrCat(SnapshotPath(folder_, position), kGivenUpSuffix);
  RETURN_IF_ERROR(files_.Rename(SnapshotPath(folder_, position), path));
  RETURN_IF_ERROR(files_.SyncFolder(folder_));
  return RemoveInSteps(files_, path, pause);
}

absl::StatusOr<uint64_t> Snapshots::TrimPosition() const {
  ASSIGN_OR_RETURN(const std::vector<uint64_t> positions, ListDurable());
  return positions.size() < kKept ? 1 : positions[kKept - 1] + 1;
}

absl::Status Snapshots::CheckLogReaches(uint64_t durable_position) const {
  ASSIGN_OR_RETURN(const std::vector<uint64_t> positions, List());
  if (positions.empty() || positions.front() <= durable_position) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(SnapshotPath(folder_, positions.front()),
                   " is of a position that was durable, and the log "
                   "ends at ",
                   durable_position,
                   ", so it is damaged; do not start this node again: set up a new "
                   "node id and let it follow another node of the shard"));
}

}  // namespace ledger
