#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/file_system.h"
#include "ledger/copy/piece_file.h"

namespace ledger {

// The files of a copy that comes in. A copy has thousands, more than a process may have open: each
// is opened when a piece of it comes, and synced before it is closed. Several threads may write,
// each its own pieces.
class PieceFiles {
 public:
  // More than there are threads that use one at a time: the streams, and who saves.
  static constexpr size_t kOpenMax = 32;

  // By their place in the manifest. `files` must outlive it.
  PieceFiles(base::FileSystem& files, std::vector<std::string> paths)
      : files_(files), paths_(std::move(paths)) {}

  absl::Status Write(const Piece& piece, const AlignedBuffer& buffer);
  // What was written of them is on the disk when OK. After an error, of whatever file, it is never
  // OK again: what was written may be lost, whatever a later sync says.
  absl::Status Sync(const std::set<uint32_t>& files);

 private:
  struct Open {
    std::unique_ptr<PieceFile> file;
    int users = 0;
    uint64_t used = 0;  // When, last: the how manieth use.
  };
  absl::StatusOr<Open*> Begin(uint32_t file) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CloseOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  base::FileSystem& files_;
  const std::vector<std::string> paths_;
  absl::Mutex mutex_;
  std::map<uint32_t, Open> open_ ABSL_GUARDED_BY(mutex_);
  uint64_t uses_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status failed_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ledger
