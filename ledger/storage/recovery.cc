#include "ledger/storage/recovery.h"

#include <algorithm>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "ledger/storage/frame.h"

namespace ledger {
namespace {

class Scanner {
 public:
  Scanner(base::FileSystem& files, const std::string& folder) : files_(files), folder_(folder) {}

  absl::StatusOr<RecoveredLog> Scan() {
    RETURN_IF_ERROR(CountSegments());
    RETURN_IF_ERROR(Load(1));
    while (true) {
      const std::optional<FrameHeader> here = FrameAt(log_.offset);
      if (here && here->first_position == log_.position + 1) {
        Accept(*here);
        continue;
      }
      ASSIGN_OR_RETURN(const bool moved, MoveToNextSegment());
      if (!moved) break;
    }
    RETURN_IF_ERROR(CheckTail());
    return std::move(log_);
  }

 private:
  absl::Status CountSegments() {
    ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(folder_));
    for (const std::string& name : names) {
      uint32_t number = 0;
      if (absl::SimpleAtoi(name, &number)) segments_ = std::max(segments_, number);
    }
    return absl::OkStatus();
  }

  // The whole segment into memory; a missing one is empty.
  absl::Status Load(uint32_t segment) {
    content_.clear();
    const std::string path = SegmentPath(folder_, segment);
    if (segment > segments_ || !files_.Exists(path)) return absl::OkStatus();
    ASSIGN_OR_RETURN(content_, files_.Read(path));
    return absl::OkStatus();
  }

  std::optional<FrameHeader> FrameAt(uint64_t offset) const {
    if (offset >= content_.size()) return std::nullopt;
    return ParseFrame(absl::string_view(content_).substr(offset));
  }

  void Accept(const FrameHeader& header) {
    AddToIndex(log_.index, {header.first_position, log_.segment, log_.offset});
    log_.position = header.last_position;
    log_.synced_position = header.synced_position;
    log_.offset += PaddedFrameBytes(header.bytes);
  }

  // A frame that did not fit into the rest of a segment begins the next one.
  absl::StatusOr<bool> MoveToNextSegment() {
    if (log_.segment >= segments_) return false;
    std::string kept = std::move(content_);
    RETURN_IF_ERROR(Load(log_.segment + 1));
    const std::optional<FrameHeader> first = FrameAt(0);
    if (!first || first->first_position != log_.position + 1) {
      content_ = std::move(kept);
      return false;
    }
    log_.segment_ends.push_back(log_.offset);
    ++log_.segment;
    log_.offset = 0;
    return true;
  }

  // Whether what stands behind the last whole frame was never known to be durable.
  absl::Status CheckTail() {
    log_.segment_ends.push_back(log_.offset);
    const uint64_t lost = log_.position + 1;
    const uint64_t tail = log_.offset;
    const std::string place = absl::StrCat(SegmentPath(folder_, log_.segment), " at byte ", tail);
    bool torn = content_.find_first_not_of('\0', std::min(tail, content_.size())) != content_.npos;
    uint64_t from = tail;
    for (uint32_t segment = log_.segment;;) {
      for (uint64_t offset = from; offset < content_.size(); offset += kFrameAlignment) {
        const std::optional<FrameHeader> header = FrameAt(offset);
        if (!header || header->synced_position < lost) continue;
        return absl::DataLossError(absl::StrCat(
            place, ": the frame with position ", lost, " is damaged, and the one in ",
            SegmentPath(folder_, segment), " at byte ", offset, " says that all up to ",
            header->synced_position,
            " was durable; do not start this node again: set up a new node id and let it follow "
            "another node of the shard"));
      }
      if (++segment > segments_) break;
      RETURN_IF_ERROR(Load(segment));
      torn = torn || content_.find_first_not_of('\0') != content_.npos;
      from = 0;
    }
    if (torn) log_.torn_tail = place;
    return absl::OkStatus();
  }

  base::FileSystem& files_;
  const std::string& folder_;
  uint32_t segments_ = 0;
  std::string content_;  // Of the segment at hand.
  RecoveredLog log_;
};

}  // namespace

std::string SegmentPath(const std::string& folder, uint32_t segment) {
  return absl::StrFormat("%s/%04d", folder, segment);
}

void AddToIndex(std::vector<FramePlace>& index, const FramePlace& place) {
  const bool near = !index.empty() && index.back().segment == place.segment &&
                    place.offset - index.back().offset < kIndexEveryBytes;
  if (!near) index.push_back(place);
}

absl::StatusOr<RecoveredLog> RecoverLog(base::FileSystem& files, const std::string& folder) {
  return Scanner(files, folder).Scan();
}

}  // namespace ledger
