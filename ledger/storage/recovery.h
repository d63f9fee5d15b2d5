#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
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

// Where a log begins: the segment, and the position of the first record in it. Kept in
// "folder/base" once it is not the first of all; segments before it are given up.
struct LogBase {
  uint32_t segment = 1;
  uint64_t position = 1;
};
absl::StatusOr<LogBase> LoadLogBase(base::FileSystem& files, const std::string& folder);
absl::Status SaveLogBase(base::FileSystem& files, const std::string& folder, const LogBase& base);

// The numbers of the segments in `folder`, sorted.
absl::StatusOr<std::vector<uint32_t>> ListSegments(base::FileSystem& files,
                                                   const std::string& folder);

struct LogSegment {
  uint32_t number;
  uint64_t first_position;
  uint64_t end;  // Behind its last frame; an upper bound when it was not scanned.
};

// What the frames of a log on the disk say.
struct RecoveredLog {
  uint64_t position = 0;             // Last one; one before the base's for an empty log.
  uint64_t synced_position = 0;      // As the last frame states.
  std::vector<LogSegment> segments;  // From the base's to that where the next frame goes.
  std::vector<uint32_t> given_up;    // Segments before the base's that are still there.
  std::vector<FramePlace> index;
  std::string torn_tail;  // Where a frame was dropped that was never known to be durable; else "".
};

// Scans the segments in `folder`. Of segments that hold only records before `scan_from` it looks
// where they begin and no further: their `end` is where the file ends, and their records may be
// damaged; who reads them finds out. A frame that is not whole is a torn tail, unless a later frame
// says that it was durable, or it is found in another place: then DATA_LOSS names file and byte.
// Changes nothing.
absl::StatusOr<RecoveredLog> RecoverLog(base::FileSystem& files, const std::string& folder,
                                        uint64_t scan_from = 1);

}  // namespace ledger
