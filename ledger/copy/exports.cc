#include "ledger/copy/exports.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "hamisha/ledger/v1/snapshot.pb.h"
#include "ledger/copy/duration.h"
#include "ledger/storage/small_file.h"

namespace ledger {

namespace pb = ::hamisha::ledger::v1;

namespace {

constexpr absl::string_view kGivenUpSuffix = ".removing";
constexpr const char* kParts[] = {"snapshots", "history/filters", "history/runs"};

// Of RocksDB's files those that hold something.
bool IsOfHistory(const std::string& name) { return name != "LOCK" && name.rfind("LOG", 0) != 0; }

}  // namespace

std::string Export::PathOf(uint32_t file) const {
  return absl::StrCat(folder_, "/", manifest().files(static_cast<int>(file)).name());
}

std::optional<absl::Duration> Export::commit_p99_before() const {
  if (!kept_.has_commit_p99_before()) return std::nullopt;
  return FromProto(kept_.commit_p99_before());
}

int Export::level() const {
  const absl::MutexLock lock(&mutex_);
  return tuner_.level();
}

void Export::Note(const LevelTuner::Sent& sent, absl::Duration now) {
  const absl::MutexLock lock(&mutex_);
  tuner_.Note(sent, now);
}

Exports::Exports(ExportParts parts, absl::Duration kept)
    : parts_(std::move(parts)), folder_(parts_.data_dir + "/copies"), kept_(kept) {}

absl::StatusOr<std::unique_ptr<Exports>> Exports::Open(ExportParts parts, absl::Duration kept) {
  std::unique_ptr<Exports> exports(new Exports(std::move(parts), kept));
  RETURN_IF_ERROR(exports->Load());
  return exports;
}

absl::Status Exports::Load() {
  RETURN_IF_ERROR(parts_.files.CreateFolders(folder_));
  RETURN_IF_ERROR(parts_.files.SyncFolder(parts_.data_dir));
  ASSIGN_OR_RETURN(const std::vector<std::string> names, parts_.files.List(folder_));
  const absl::MutexLock lock(&mutex_);
  for (const std::string& copy_id : names) {
    if (absl::EndsWith(copy_id, kGivenUpSuffix)) {
      has_given_up_ = true;
      continue;
    }
    const auto content = LoadChecked(parts_.files, FolderOf(copy_id) + "/manifest");
    pb::KeptCopy kept;
    if (!content.ok() || content->empty() || !kept.ParseFromString(*content)) {
      RETURN_IF_ERROR(GiveUp(copy_id));
      continue;
    }
    auto found = std::make_shared<Export>(std::move(kept), FolderOf(copy_id));
    found->asked_at_ = parts_.clock.MonotonicNow();
    exports_[copy_id] = std::move(found);
  }
  return absl::OkStatus();
}

std::string Exports::FolderOf(const std::string& copy_id) const {
  return absl::StrCat(folder_, "/", copy_id);
}

std::shared_ptr<Export> Exports::Find(const std::string& copy_id) {
  const absl::MutexLock lock(&mutex_);
  const auto found = exports_.find(copy_id);
  if (found == exports_.end()) return nullptr;
  found->second->asked_at_ = parts_.clock.MonotonicNow();
  return found->second;
}

absl::StatusOr<std::shared_ptr<Export>> Exports::Make(const std::string& follower,
                                                      const std::string& copy_id, uint64_t position,
                                                      const pb::CopyPacing& pacing) {
  const absl::MutexLock making(&making_mutex_);
  RETURN_IF_ERROR(CheckSpace());
  RETURN_IF_ERROR(MakeRoom(follower));
  {
    // From now on the log behind it stays.
    const absl::MutexLock trimming(&trimming_mutex_);
    const absl::MutexLock lock(&mutex_);
    if (parts_.log.first_position() > position + 1) {
      return absl::AbortedError("the log behind that snapshot was given up; ask again");
    }
    making_position_ = position;
  }
  const absl::Cleanup made = [this] {
    const absl::MutexLock lock(&mutex_);
    making_position_ = UINT64_MAX;
  };
  pb::KeptCopy kept;
  kept.set_follower(follower);
  kept.mutable_manifest()->set_copy_id(copy_id);
  kept.mutable_manifest()->set_position(position);
  if (pacing.has_commit_p99_before()) {
    *kept.mutable_commit_p99_before() = pacing.commit_p99_before();
  }
  if (const absl::Status status = Link(kept); !status.ok()) {
    GiveUp(copy_id).IgnoreError();  // Else the next start does.
    return status;
  }
  auto made_export = std::make_shared<Export>(std::move(kept), FolderOf(copy_id));
  const absl::MutexLock lock(&mutex_);
  made_export->asked_at_ = parts_.clock.MonotonicNow();
  exports_[copy_id] = made_export;
  return made_export;
}

absl::Status Exports::MakeRoom(const std::string& follower) {
  std::vector<std::string> dropped;
  {
    const absl::MutexLock lock(&mutex_);
    for (const auto& [copy_id, kept] : exports_) {
      if (kept->follower() == follower) dropped.push_back(copy_id);
    }
    for (const std::string& copy_id : dropped) exports_.erase(copy_id);
    if (exports_.size() >= kMax) {
      return absl::ResourceExhaustedError(
          absl::StrCat(exports_.size(), " copies are kept for others; try again later"));
    }
  }
  for (const std::string& copy_id : dropped) RETURN_IF_ERROR(GiveUp(copy_id));
  return absl::OkStatus();
}

absl::Status Exports::Link(pb::KeptCopy& kept) {
  pb::CopyManifest& manifest = *kept.mutable_manifest();
  const std::string folder = FolderOf(manifest.copy_id());
  RETURN_IF_ERROR(GiveUp(manifest.copy_id()));
  manifest.set_shard(parts_.shard);
  RETURN_IF_ERROR(ReadFacts(manifest));
  RETURN_IF_ERROR(LinkFiles(folder, manifest));
  // Last: what has one is whole.
  RETURN_IF_ERROR(SaveChecked(parts_.files, folder + "/manifest", kept.SerializeAsString()));
  return parts_.files.SyncFolder(folder_);
}

absl::Status Exports::ReadFacts(pb::CopyManifest& manifest) const {
  ASSIGN_OR_RETURN(const std::unique_ptr<SnapshotReader> reader,
                   parts_.snapshots.Read(manifest.position()));
  manifest.set_log_hash(std::string(base::AsBytes(reader->facts().log_hash)));
  manifest.set_epoch(reader->facts().epoch);
  std::string facts;
  while (true) {
    ASSIGN_OR_RETURN(const SnapshotReader::Chunk* const chunk, reader->Next());
    if (chunk == nullptr || chunk->section != kNodeFactsSection) break;
    facts.append(chunk->bytes.data(), chunk->bytes.size());
  }
  if (pb::NodeFacts node; node.ParseFromString(facts)) manifest.set_accounts(node.accounts());
  return absl::OkStatus();
}

absl::Status Exports::LinkFiles(const std::string& folder, pb::CopyManifest& manifest) {
  const std::string position = absl::StrCat(manifest.position());
  RETURN_IF_ERROR(parts_.files.CreateFolders(folder + "/snapshots"));
  RETURN_IF_ERROR(
      parts_.files.Link(SnapshotPath(parts_.data_dir + "/snapshots", manifest.position()),
                        absl::StrCat(folder, "/snapshots/", position)));
  RETURN_IF_ERROR(parts_.files.SyncFolder(folder + "/snapshots"));
  // After the snapshot was finished, so it holds all that the snapshot rests on.
  ASSIGN_OR_RETURN(const Flushed flushed, parts_.history.Link(folder + "/history"));
  manifest.set_history_ns(flushed.record_ns);
  for (const char* const part : kParts) {
    ASSIGN_OR_RETURN(const std::vector<std::string> names,
                     parts_.files.List(absl::StrCat(folder, "/", part)));
    for (const std::string& name : names) {
      if (!IsOfHistory(name)) continue;
      pb::CopyFile& file = *manifest.add_files();
      file.set_name(absl::StrCat(part, "/", name));
      ASSIGN_OR_RETURN(const std::unique_ptr<base::File> opened,
                       parts_.files.Open(absl::StrCat(folder, "/", file.name())));
      ASSIGN_OR_RETURN(const uint64_t bytes, opened->Size());
      file.set_bytes(bytes);
    }
  }
  return absl::OkStatus();
}

absl::Status Exports::End(const std::string& copy_id) {
  const absl::MutexLock making(&making_mutex_);
  {
    const absl::MutexLock lock(&mutex_);
    if (exports_.erase(copy_id) == 0) return absl::OkStatus();
  }
  return GiveUp(copy_id);
}

absl::Status Exports::EndOf(const std::string& follower) {
  std::vector<std::string> ended;
  {
    const absl::MutexLock lock(&mutex_);
    for (const auto& [copy_id, kept] : exports_) {
      if (kept->follower() == follower) ended.push_back(copy_id);
    }
  }
  for (const std::string& copy_id : ended) RETURN_IF_ERROR(End(copy_id));
  return absl::OkStatus();
}

bool Exports::DropUnasked() {
  const absl::MutexLock making(&making_mutex_);
  std::vector<std::string> dropped;
  bool is_empty = false;
  {
    const absl::MutexLock lock(&mutex_);
    const absl::Duration now = parts_.clock.MonotonicNow();
    for (const auto& [copy_id, kept] : exports_) {
      // Streams hold it, and may wait for hours until they may send.
      if (kept.use_count() > 1) kept->asked_at_ = now;
      if (now - kept->asked_at_ > kept_) dropped.push_back(copy_id);
    }
    for (const std::string& copy_id : dropped) exports_.erase(copy_id);
    is_empty = exports_.empty();
  }
  for (const std::string& copy_id : dropped) GiveUp(copy_id).IgnoreError();
  return is_empty;
}

void Exports::Pulls(const std::string& follower) {
  const absl::MutexLock lock(&mutex_);
  for (const auto& [copy_id, kept] : exports_) {
    if (kept->follower() == follower) kept->asked_at_ = parts_.clock.MonotonicNow();
  }
}

absl::Status Exports::TrimLogBefore(uint64_t position) {
  const absl::MutexLock trimming(&trimming_mutex_);
  {
    const absl::MutexLock lock(&mutex_);
    if (making_position_ != UINT64_MAX) position = std::min(position, making_position_ + 1);
    for (const auto& [copy_id, kept] : exports_) {
      position = std::min(position, kept->manifest().position() + 1);
    }
  }
  return parts_.log.TrimBefore(position);
}

absl::Status Exports::CheckSpace() const {
  if (!parts_.free_bytes) return absl::OkStatus();
  ASSIGN_OR_RETURN(const uint64_t free_bytes, parts_.free_bytes());
  if (free_bytes >= parts_.free_bytes_min) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("the source's disk has ", free_bytes,
                                                   " bytes free, and keeps copies from ",
                                                   parts_.free_bytes_min, " on: free some"));
}

absl::Status Exports::GiveUpForSpace() {
  const absl::Status space = CheckSpace();
  if (!absl::IsResourceExhausted(space)) return space;
  const absl::MutexLock making(&making_mutex_);
  std::shared_ptr<Export> oldest;
  {
    const absl::MutexLock lock(&mutex_);
    for (const auto& [copy_id, kept] : exports_) {
      if (oldest == nullptr || kept->asked_at_ < oldest->asked_at_) oldest = kept;
    }
    if (oldest == nullptr) return absl::OkStatus();
    exports_.erase(oldest->manifest().copy_id());
  }
  if (parts_.say) {
    parts_.say(
        absl::StrCat("the copy for ", oldest->follower(), " is given up: ", space.message()));
  }
  return GiveUp(oldest->manifest().copy_id());
}

pb::KeptCopies Exports::Kept() const {
  const absl::MutexLock lock(&mutex_);
  pb::KeptCopies kept_copies;
  uint64_t first = UINT64_MAX;
  for (const auto& [copy_id, kept] : exports_) {
    kept_copies.set_copies(kept_copies.copies() + 1);
    for (const pb::CopyFile& file : kept->manifest().files()) {
      kept_copies.set_bytes(kept_copies.bytes() + file.bytes());
    }
    first = std::min(first, kept->manifest().position());
  }
  const uint64_t last = parts_.log.durable_position();
  if (first < last) kept_copies.set_log_records(last - first);
  return kept_copies;
}

// First the name: nobody finds it any more. Its files have no other use then, but some are still
// the node's own too.
absl::Status Exports::GiveUp(const std::string& copy_id) {
  const std::string folder = FolderOf(copy_id);
  if (!parts_.files.Exists(folder)) return absl::OkStatus();
  std::string given_up;
  for (int number = 0; given_up.empty() || parts_.files.Exists(given_up); ++number) {
    given_up = absl::StrCat(folder, ".", number, kGivenUpSuffix);
  }
  RETURN_IF_ERROR(parts_.files.Rename(folder, given_up));
  has_given_up_ = true;
  return parts_.files.SyncFolder(folder_);
}

absl::Status Exports::RemoveGivenUp(const Pause& pause) {
  if (!has_given_up_.exchange(false)) return absl::OkStatus();
  absl::Cleanup later = [this] { has_given_up_ = true; };
  ASSIGN_OR_RETURN(const std::vector<std::string> names, parts_.files.List(folder_));
  for (const std::string& name : names) {
    if (!absl::EndsWith(name, kGivenUpSuffix)) continue;
    for (const char* const part : kParts) {
      const std::string folder = absl::StrCat(folder_, "/", name, "/", part);
      if (!parts_.files.Exists(folder)) continue;
      ASSIGN_OR_RETURN(const std::vector<std::string> in_it, parts_.files.List(folder));
      for (const std::string& file : in_it) {
        RETURN_IF_ERROR(RemoveInSteps(parts_.files, absl::StrCat(folder, "/", file), pause));
      }
    }
    RETURN_IF_ERROR(parts_.files.RemoveAll(absl::StrCat(folder_, "/", name)));
  }
  std::move(later).Cancel();
  return absl::OkStatus();
}

}  // namespace ledger
