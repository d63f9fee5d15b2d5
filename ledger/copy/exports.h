#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "hamisha/ledger/v1/copy.pb.h"
#include "ledger/copy/level_tuner.h"
#include "ledger/history/history.h"
#include "ledger/storage/log.h"
#include "ledger/storage/shrink.h"
#include "ledger/storage/snapshots.h"

namespace ledger {

// What the exports are made of, and kept by; all must outlive them.
struct ExportParts {
  base::FileSystem& files;
  const std::string data_dir;
  const uint32_t shard;
  const Snapshots& snapshots;
  const History& history;
  Log& log;
  const base::Clock& clock;
  // What the disk has free, and what it should have; without it nobody looks.
  std::function<absl::StatusOr<uint64_t>()> free_bytes = {};
  const uint64_t free_bytes_min = 0;
  std::function<void(const std::string&)> say = {};
};

// A snapshot and the history with it, as they were, for one follower: links in copies/ID, which
// take no disk while the node still has the files itself.
class Export {
 public:
  Export(::hamisha::ledger::v1::KeptCopy kept, std::string folder)
      : kept_(std::move(kept)), folder_(std::move(folder)) {}

  const ::hamisha::ledger::v1::CopyManifest& manifest() const { return kept_.manifest(); }
  const std::string& follower() const { return kept_.follower(); }
  // What commits took before it began; none when that is not known.
  std::optional<absl::Duration> commit_p99_before() const;
  std::string PathOf(uint32_t file) const;

  std::atomic<uint64_t> sent_bytes = 0;
  // How its streams compress.
  int level() const;
  void Note(const LevelTuner::Sent& sent, absl::Duration now);

 private:
  friend class Exports;
  const ::hamisha::ledger::v1::KeptCopy kept_;
  const std::string folder_;
  absl::Duration asked_at_;  // Guarded by the mutex of Exports.
  mutable absl::Mutex mutex_;
  LevelTuner tuner_ ABSL_GUARDED_BY(mutex_);
};

// The exports of one node. They are there again after a restart. While one is kept, so is the log
// behind it. Any thread.
class Exports {
 public:
  static constexpr size_t kMax = 3;

  // Finds what is kept, and gives up what was not finished.
  static absl::StatusOr<std::unique_ptr<Exports>> Open(ExportParts parts, absl::Duration kept);

  // Null when there is none. It was asked for now.
  std::shared_ptr<Export> Find(const std::string& copy_id);
  // Of the snapshot at `position`, under an id that is not taken; in place of all others of that
  // follower. RESOURCE_EXHAUSTED when there are too many or the disk is nearly full, ABORTED when
  // the snapshot has gone. `pacing` is what is met when it begins.
  absl::StatusOr<std::shared_ptr<Export>> Make(
      const std::string& follower, const std::string& copy_id, uint64_t position,
      const ::hamisha::ledger::v1::CopyPacing& pacing = {});
  absl::Status End(const std::string& copy_id);
  // The follower has read the log behind its copy.
  absl::Status EndOf(const std::string& follower);
  // Gives up those that were not asked for for long. True when there is none then.
  bool DropUnasked();
  // The follower pulls the log behind its copy: that counts as asking.
  void Pulls(const std::string& follower);
  // While the disk has less free than it should: gives up the one that was asked for longest ago,
  // and says so. What it held is free after RemoveGivenUp().
  absl::Status GiveUpForSpace();
  // What the exports hold.
  ::hamisha::ledger::v1::KeptCopies Kept() const;
  // Removes what was given up, in steps, which may take long: on a thread that clients do not wait
  // for. After an error a later call goes on.
  absl::Status RemoveGivenUp(const Pause& pause);
  // As Log::TrimBefore(), but no further than the exports allow.
  absl::Status TrimLogBefore(uint64_t position);

 private:
  Exports(ExportParts parts, absl::Duration kept);
  absl::Status Load();
  std::string FolderOf(const std::string& copy_id) const;
  absl::Status MakeRoom(const std::string& follower) ABSL_EXCLUSIVE_LOCKS_REQUIRED(making_mutex_);
  // Links what `kept` says, and fills in the rest of it.
  absl::Status Link(::hamisha::ledger::v1::KeptCopy& kept);
  absl::Status LinkFiles(const std::string& folder, ::hamisha::ledger::v1::CopyManifest& manifest);
  absl::Status ReadFacts(::hamisha::ledger::v1::CopyManifest& manifest) const;
  absl::Status GiveUp(const std::string& copy_id);
  // RESOURCE_EXHAUSTED when the disk has less free than it should.
  absl::Status CheckSpace() const;

  const ExportParts parts_;
  const std::string folder_;
  const absl::Duration kept_;

  absl::Mutex making_mutex_;    // One is made, or removed, at a time. Taken before the others.
  absl::Mutex trimming_mutex_;  // The log's beginning stays where it is. Taken before mutex_.
  mutable absl::Mutex mutex_;   // Never held while the disk is waited for.
  std::map<std::string, std::shared_ptr<Export>> exports_ ABSL_GUARDED_BY(mutex_);
  uint64_t making_position_ ABSL_GUARDED_BY(mutex_) = UINT64_MAX;
  std::atomic<bool> has_given_up_ = false;  // There is something for RemoveGivenUp().
};

}  // namespace ledger
