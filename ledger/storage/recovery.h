#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/file_system.h"

namespace ledger {

// Where a frame begins, and the first position that it or a frame after it holds.
struct FramePlace {
  uint64_t first_position;
  uint32_t segment;  // 1, 2, 3, …
  uint64_t offset;
};

// "folder/0001"
std::string SegmentPath(const std::string& folder, uint32_t segment);

// An index of frames, one for about every kIndexEveryBytes.
inline constexpr uint64_t kIndexEveryBytes = 1 << 20;
void AddToIndex(std::vector<FramePlace>& index, const FramePlace& place);

// What the frames of a log on the disk say.
struct RecoveredLog {
  uint64_t position = 0;         // Last one; 0 for an empty log.
  uint64_t synced_position = 0;  // As the last frame states.
  uint32_t segment = 1;          // Where the next frame goes.
  uint64_t offset = 0;
  std::vector<uint64_t> segment_ends;  // Of segments 1, 2, …: behind their last frame.
  std::vector<FramePlace> index;
  std::string torn_tail;  // Where a frame was dropped that was never known to be durable; else "".
};

// Scans the segments in `folder`. A frame that is not whole is a torn tail, unless a later frame
// says that it was durable: then DATA_LOSS names file and byte. Changes nothing.
absl::StatusOr<RecoveredLog> RecoverLog(base::FileSystem& files, const std::string& folder);

}  // namespace ledger
