#pragma once

#include <cstdint>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "ledger/storage/shrink.h"

namespace ledger {

struct SegmentSupplyOptions {
  std::string folder;
  uint64_t segment_bytes;
  bool prepares_ahead;
};

// Files for a log's segments whose blocks have all been written before, so that a frame in them
// costs one write and nothing of the file system's own. A given-up segment's file is taken as it
// is, with the frames it holds; where there is none, a file is filled with zeros.
//
// One thread takes; any thread gives up. `files` must outlive it.
class SegmentSupply {
 public:
  // So many given-up segments are kept for reuse; the others are surplus.
  static constexpr size_t kFreeSegmentsMax = 16;

  // `free` are segments in the folder that were given up before.
  SegmentSupply(base::FileSystem& files, SegmentSupplyOptions options,
                const std::vector<uint32_t>& free);

  // Begins to prepare `segment` on a thread of its own, unless this was begun or is not wanted.
  void PrepareAhead(uint32_t segment);
  // The file of `segment`, durably in its folder. Waits for what was begun; what went wrong then is
  // tried once more. RESOURCE_EXHAUSTED when the disk is full.
  absl::StatusOr<std::unique_ptr<base::File>> Take(uint32_t segment);
  // Nothing in `segment` is needed any more, and durably so.
  void GiveUp(uint32_t segment);
  // Removes the surplus in steps, the oldest first. What an error leaves may be reused, or removed
  // by the next call. One thread at a time.
  absl::Status RemoveSurplus(const Pause& pause);

 private:
  absl::StatusOr<std::unique_ptr<base::File>> Make(uint32_t segment);
  absl::Status Reuse(const std::string& path);
  std::optional<uint32_t> TakeSurplus();
  absl::Status FillWithZeros(base::File& file) const;

  base::FileSystem& files_;
  const SegmentSupplyOptions options_;
  std::mutex mutex_;
  std::deque<uint32_t> free_;  // Guarded by mutex_.

  uint32_t ahead_segment_ = 0;
  // Last: its destructor waits for the thread that uses the others.
  std::future<absl::StatusOr<std::unique_ptr<base::File>>> ahead_;
};

}  // namespace ledger
