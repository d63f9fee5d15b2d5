#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/file_system.h"
#include "ledger/core/record.h"
#include "ledger/storage/frame.h"
#include "ledger/storage/read_ahead.h"
#include "ledger/storage/recovery.h"
#include "ledger/storage/segment_supply.h"

namespace ledger {

struct LogOptions {
  std::string folder;                 // Created when missing.
  uint64_t segment_bytes = 64 << 20;  // A multiple of kFrameAlignment.
  // Whether the next segment is prepared on a thread of its own while the one before fills; else it
  // is when it is needed, which stops Append() for as long as its zeros take.
  bool prepares_ahead = true;
  // Records before it stand in a snapshot: Open() does not scan segments that hold only those, and
  // who reads them finds out whether they are whole.
  uint64_t scan_from = 1;
};

class LogReader;

// The durable, append-only log of one shard's records, in segments whose blocks are written before
// they are used (ledger/FORMAT.md, "Log segments"). It begins at first_position(): what was before
// has been trimmed, and is in a snapshot.
//
// One thread appends; any thread trims, or reads beside it and sees durable records only. After an
// error of Append() nothing is known about the frame and the log is poisoned: every later Append()
// fails, and the program must end and open the log anew.
class Log {
 public:
  // Reads back what is there; a torn tail is dropped, other damage is DATA_LOSS naming file and
  // byte. When it returns, all that was read back has been synced again. That the first record
  // follows the snapshot before it (by its hash) is for the caller to check. `files` must outlive
  // the log.
  static absl::StatusOr<std::unique_ptr<Log>> Open(base::FileSystem& files, LogOptions options);

  // Changes nothing and syncs nothing: for those who look at a log that nobody has open. A torn
  // tail is left out.
  static absl::StatusOr<std::unique_ptr<const Log>> OpenToRead(base::FileSystem& files,
                                                               const std::string& folder);

  // Makes the log in `folder`, which nobody may have open, an empty one whose next record is
  // `first_position`: for a node that takes over a snapshot. What it held is given up. Durable when
  // OK; after an error or a crash the log is the old one or the new one, never a mix.
  static absl::Status StartOver(base::FileSystem& files, const std::string& folder,
                                uint64_t first_position);

  // Writes `frame` and syncs; it is durable when this returns OK. An empty frame is a mark: it
  // records what is durable, so that later damage to the last records cannot pass for a torn tail.
  // Leaves `frame` empty, also after an error. RESOURCE_EXHAUSTED when the disk is full;
  // INVALID_ARGUMENT when the frame is longer than a segment.
  absl::Status Append(Frame& frame);

  // Gives up, for reuse, the segments all of whose records are before `position`, at most the one
  // behind the last durable one. Only what a snapshot holds may be given up: see
  // Snapshots::TrimPosition(). After an error all that was there still is, or is given up durably;
  // it may be tried again.
  absl::Status TrimBefore(uint64_t position);
  // Removes, in steps, what was given up and is too much for reuse. Any thread, one at a time.
  absl::Status RemoveSurplus(const Pause& pause) { return supply_.RemoveSurplus(pause); }

  // Any thread.
  uint64_t durable_position() const;
  // Of the oldest record that can be read; one more than durable_position() in an empty log.
  uint64_t first_position() const;
  // What Open() dropped, in words; "" when nothing was recognised.
  const std::string& torn_tail() const { return torn_tail_; }

 private:
  friend class LogReader;
  Log(base::FileSystem& files, LogOptions options, RecoveredLog recovered);
  absl::Status Start();
  absl::Status DropTornTail();
  absl::Status MoveToNextSegment();
  absl::Status Write(Frame& frame);

  // For readers: where to begin for `position`, which segment holds a durable one, and where at
  // most the durable part of a segment ends; 0 for a segment that has none.
  FramePlace Locate(uint64_t position) const;
  bool IsBehind(uint32_t segment, uint64_t position) const;
  uint64_t DurableEnd(uint32_t segment) const;

  base::FileSystem& files_;
  const LogOptions options_;
  const std::string torn_tail_;
  SegmentSupply supply_;

  // The appending thread's.
  std::unique_ptr<base::File> file_;
  uint32_t segment_;
  uint64_t offset_;
  uint64_t position_;
  uint64_t stated_position_;  // That the last frame on the disk states as synced.
  absl::Status failed_;

  std::mutex trim_mutex_;  // One trims at a time. Taken before mutex_.
  // Not absl::Mutex: the thread sanitizer knows that one only in a library built with it.
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  uint64_t durable_position_;
  std::deque<LogSegment> segments_;  // Never empty; the last is where the next frame goes.
  std::vector<FramePlace> index_;
};

// Walks over a log's durable records in order. Not thread-safe; many may be open beside the
// appending thread. The log must outlive it.
class LogReader {
 public:
  // Begins at `position`, 1 or more; it may lie beyond the end.
  LogReader(const Log& log, uint64_t position);

  struct Item {
    Record record;              // Both point into the reader's memory:
    absl::string_view encoded;  // valid until the next Next().
  };
  // The next record; nullptr when it is not durable yet: then ask again later. DATA_LOSS names
  // file and byte. OUT_OF_RANGE when it was trimmed: a snapshot has to be fetched.
  absl::StatusOr<const Item*> Next();

 private:
  absl::Status LoadFrame();
  absl::Status ParseFrameAt(uint64_t durable_end);
  absl::Status Trimmed() const;
  absl::Status Damaged() const;

  const Log& log_;
  uint64_t position_;  // Of the next record.
  uint32_t segment_;
  uint64_t offset_;  // Of the next frame.
  std::unique_ptr<base::File> file_;
  std::optional<ReadAhead> read_ahead_;  // Of file_; its offset is where the last frame begins.
  absl::string_view rest_;               // Records of the frame that were not given yet.
  Item item_;
};

}  // namespace ledger
