#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/file_system.h"
#include "ledger/core/record.h"
#include "ledger/storage/frame.h"
#include "ledger/storage/recovery.h"

namespace ledger {

struct LogOptions {
  std::string folder;                 // Created when missing.
  uint64_t segment_bytes = 64 << 20;  // A multiple of kFrameAlignment.
};

class LogReader;

// The durable, append-only log of one shard's records, in preallocated segments
// (ledger/FORMAT.md, "Log segments").
//
// One thread appends; any thread reads beside it, and sees durable records only. After an error of
// Append() nothing is known about the frame and the log is poisoned: every later Append() fails,
// and the program must end and open the log anew.
class Log {
 public:
  // Reads back what is there; a torn tail is dropped, other damage is DATA_LOSS naming file and
  // byte. When it returns, all that was read back has been synced again. `files` must outlive the
  // log.
  static absl::StatusOr<std::unique_ptr<Log>> Open(base::FileSystem& files, LogOptions options);

  // Writes `frame` and syncs; it is durable when this returns OK. An empty frame is a mark: it
  // records what is durable, so that later damage to the last records cannot pass for a torn tail.
  // Leaves `frame` empty, also after an error. RESOURCE_EXHAUSTED when the disk is full;
  // INVALID_ARGUMENT when the frame is longer than a segment.
  absl::Status Append(Frame& frame);

  // Any thread.
  uint64_t durable_position() const;
  // What Open() dropped, in words; "" when nothing was.
  const std::string& torn_tail() const { return torn_tail_; }

 private:
  friend class LogReader;
  Log(base::FileSystem& files, LogOptions options, RecoveredLog recovered);
  absl::Status Start();
  absl::Status DropTornTail();
  absl::Status OpenSegment(uint32_t segment);
  absl::Status Write(absl::string_view bytes, uint64_t last_position);

  // For readers: where to begin for `position`, and where the durable part of a segment ends.
  FramePlace Locate(uint64_t position) const;
  uint64_t DurableEnd(uint32_t segment) const;

  base::FileSystem& files_;
  const LogOptions options_;
  const std::string torn_tail_;

  // The appending thread's.
  std::unique_ptr<base::File> file_;
  uint32_t segment_;
  uint64_t offset_;
  uint64_t position_;
  uint64_t stated_position_;  // That the last frame on the disk states as synced.
  absl::Status failed_;

  // Not absl::Mutex: the thread sanitizer knows that one only in a library built with it.
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  uint64_t durable_position_;
  std::vector<uint64_t> segment_ends_;
  std::vector<FramePlace> index_;
};

// Walks over a log's durable records in order. Not thread-safe; many may be open beside the
// appending thread. The log must outlive it.
class LogReader {
 public:
  // Begins at `position`, 1 or more; it may lie beyond the end.
  LogReader(Log& log, uint64_t position);

  struct Item {
    Record record;              // Both point into the reader's memory:
    absl::string_view encoded;  // valid until the next Next().
  };
  // The next record; nullptr when it is not durable yet: then ask again later. DATA_LOSS names
  // file and byte.
  absl::StatusOr<const Item*> Next();

 private:
  absl::Status LoadFrame();

  Log& log_;
  uint64_t position_;  // Of the next record.
  uint32_t segment_;
  uint64_t offset_;  // Of the next frame.
  std::unique_ptr<base::File> file_;
  std::string frame_;
  absl::string_view rest_;  // Records of the frame that were not given yet.
  Item item_;
};

}  // namespace ledger
