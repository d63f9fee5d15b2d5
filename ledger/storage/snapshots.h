#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "ledger/storage/shrink.h"
#include "ledger/storage/snapshot.h"

namespace ledger {

// A node's snapshots, each a file in one folder. The newest two are kept and the log behind the
// older of them, so that damage to one snapshot always leaves a way. Any thread; one writes at a
// time.
class Snapshots {
 public:
  static constexpr size_t kKept = 2;

  // Creates the folder where it is missing and removes what was interrupted: writing one, or
  // removing it. `files` must outlive it.
  static absl::StatusOr<std::unique_ptr<Snapshots>> Open(base::FileSystem& files,
                                                         std::string folder);

  // The positions of the finished ones, newest first.
  absl::StatusOr<std::vector<uint64_t>> List() const;
  absl::StatusOr<std::unique_ptr<SnapshotWriter>> Begin(const SnapshotFacts& facts) const;
  absl::StatusOr<std::unique_ptr<SnapshotReader>> Read(uint64_t position) const;
  // One that cannot be used: it must not count as one of those that are kept.
  absl::Status Remove(uint64_t position) const;
  // Removes all but the newest two, in steps. What is left of one when `pause` fails goes at the
  // next start.
  absl::Status Prune(const Pause& pause) const;
  // The log may be trimmed before this position: behind the second newest snapshot. 1 while there
  // are not two.
  absl::StatusOr<uint64_t> TrimPosition() const;

  // DATA_LOSS when a snapshot is of a later position than the log's last one. A snapshot is of what
  // was durable, so the end of the log was lost then, even if nothing in the log says so. To be
  // asked at every start.
  absl::Status CheckLogReaches(uint64_t durable_position) const;

 private:
  Snapshots(base::FileSystem& files, std::string folder)
      : files_(files), folder_(std::move(folder)) {}
  absl::Status RemoveUnfinished() const;
  absl::Status GiveUp(uint64_t position, const Pause& pause) const;
  absl::StatusOr<std::vector<uint64_t>> ListDurable() const;

  base::FileSystem& files_;
  const std::string folder_;
};

}  // namespace ledger
