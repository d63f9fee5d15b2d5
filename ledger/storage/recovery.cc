#include "ledger/storage/recovery.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "ledger/storage/aligned_buffer.h"
#include "ledger/storage/frame.h"
#include "ledger/storage/read_ahead.h"
#include "ledger/storage/small_file.h"

namespace ledger {
namespace {

constexpr absl::string_view kWhatToDo =
    "do not start this node again: set up a new node id and let it follow another node of the "
    "shard";

class Scanner {
 public:
  Scanner(base::FileSystem& files, const std::string& folder) : files_(files), folder_(folder) {}

  absl::StatusOr<RecoveredLog> Scan(uint64_t from) {
    RETURN_IF_ERROR(Begin(from));
    while (true) {
      const uint64_t offset = log_.segments.back().end;
      const std::optional<FrameHeader> here = FrameAt(offset);
      if (here && here->IsFor(segment(), offset) && here->first_position == log_.position + 1) {
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
  uint32_t segment() const { return log_.segments.back().number; }

  absl::Status Begin(uint64_t from) {
    ASSIGN_OR_RETURN(const LogBase base, LoadLogBase(files_, folder_));
    ASSIGN_OR_RETURN(const std::vector<uint32_t> there, ListSegments(files_, folder_));
    for (const uint32_t number : there) {
      if (number < base.segment) log_.given_up.push_back(number);
    }
    last_segment_ = there.empty() ? 0 : there.back();
    log_.position = base.position - 1;
    log_.synced_position = log_.position;
    log_.segments.push_back({base.segment, base.position, 0});
    RETURN_IF_ERROR(PassOver(from));
    RETURN_IF_ERROR(Load(segment()));
    if (!IsOlderFrame(content_)) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(
        SegmentPath(folder_, segment()),
        " was written by an earlier version of this program, which this one does not "
        "read; start that version, or set up a new node id that follows another node"));
  }

  // Goes to the segment that holds `from`, or to the one before the first whose beginning does not
  // fit: the scan finds what is wrong.
  absl::Status PassOver(uint64_t from) {
    while (segment() < last_segment_) {
      const uint32_t next = segment() + 1;
      ASSIGN_OR_RETURN(const std::optional<FrameHeader> first, PeekFirst(next));
      if (!first || !first->IsFor(next, 0)) return absl::OkStatus();
      if (first->first_position > from || first->first_position <= log_.position) break;
      LogSegment& passed = log_.segments.back();
      ASSIGN_OR_RETURN(passed.end, WholeBytes(passed.number));
      AddToIndex(log_.index, {passed.first_position, passed.number, 0});
      log_.segments.push_back({next, first->first_position, 0});
      // A frame is written when the one before is durable.
      log_.position = log_.synced_position = first->first_position - 1;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::optional<FrameHeader>> PeekFirst(uint32_t number) const {
    ASSIGN_OR_RETURN(const uint64_t bytes, WholeBytes(number));
    if (bytes == 0) return std::nullopt;
    ASSIGN_OR_RETURN(const auto file,
                     files_.OpenDirect(SegmentPath(folder_, number), base::IfMissing::kFail));
    const AlignedBuffer block(kFrameAlignment);
    RETURN_IF_ERROR(file->ReadAt(0, block.data(), block.size()));
    return PeekFrameHeader(block.view(0, block.size()));
  }

  // Frames end at multiples: what is behind the last one was cut short. 0 without the segment.
  absl::StatusOr<uint64_t> WholeBytes(uint32_t number) const {
    const auto file = files_.OpenDirect(SegmentPath(folder_, number), base::IfMissing::kFail);
    if (absl::IsNotFound(file.status())) return 0;
    RETURN_IF_ERROR(file.status());
    ASSIGN_OR_RETURN(const uint64_t size, (*file)->Size());
    return size / kFrameAlignment * kFrameAlignment;
  }

  // The whole segment into memory; a missing one is empty. The memory serves all of them.
  absl::Status Load(uint32_t number) {
    content_ = {};
    ASSIGN_OR_RETURN(const uint64_t whole, WholeBytes(number));
    if (whole == 0) return absl::OkStatus();
    ASSIGN_OR_RETURN(const auto file,
                     files_.OpenDirect(SegmentPath(folder_, number), base::IfMissing::kFail));
    if (buffer_.size() < whole) buffer_ = AlignedBuffer(whole);
    RETURN_IF_ERROR(ReadByTwo(*file, 0, buffer_.data(), whole));
    content_ = buffer_.view(0, whole);
    return absl::OkStatus();
  }

  std::optional<FrameHeader> FrameAt(uint64_t offset) const {
    if (offset >= content_.size()) return std::nullopt;
    return ParseFrame(content_.substr(offset));
  }

  void Accept(const FrameHeader& header) {
    LogSegment& segment = log_.segments.back();
    AddToIndex(log_.index, {header.first_position, segment.number, segment.end});
    log_.position = header.last_position;
    log_.synced_position = header.synced_position;
    segment.end += PaddedFrameBytes(header.bytes);
  }

  // A frame that did not fit into the rest of a segment begins the next one.
  absl::StatusOr<bool> MoveToNextSegment() {
    const uint32_t next = segment() + 1;
    if (next > last_segment_) return false;
    std::swap(buffer_, other_buffer_);
    const absl::string_view kept = std::exchange(content_, {});
    RETURN_IF_ERROR(Load(next));
    const std::optional<FrameHeader> first = FrameAt(0);
    if (!first || !first->IsFor(next, 0) || first->first_position != log_.position + 1) {
      std::swap(buffer_, other_buffer_);
      content_ = kept;
      return false;
    }
    log_.segments.push_back({next, log_.position + 1, 0});
    return true;
  }

  // Whether what stands behind the last whole frame was never known to be durable.
  absl::Status CheckTail() {
    const uint64_t tail = log_.segments.back().end;
    uint64_t from = tail;
    for (uint32_t number = segment();;) {
      for (uint64_t offset = from; offset < content_.size(); offset += kFrameAlignment) {
        RETURN_IF_ERROR(CheckBehindTail(number, offset));
      }
      const bool begins_here =
          number == segment() ? from < content_.size() : number == segment() + 1;
      if (begins_here && log_.torn_tail.empty() && BeginsTornFrame(number, from)) {
        log_.torn_tail = absl::StrCat(SegmentPath(folder_, number), " at byte ", from);
      }
      if (++number > last_segment_) return absl::OkStatus();
      RETURN_IF_ERROR(Load(number));
      from = 0;
    }
  }

  // The place where the next frame would have been written, or its beginning says so.
  bool BeginsTornFrame(uint32_t number, uint64_t offset) const {
    if (offset >= content_.size()) return false;
    const std::optional<FrameHeader> header = PeekFrameHeader(content_.substr(offset));
    return header && header->IsFor(number, offset);
  }

  // What the segment before left in a reused file says nothing about this log's end.
  absl::Status CheckBehindTail(uint32_t number, uint64_t offset) const {
    const std::optional<FrameHeader> header = PeekFrameHeader(content_.substr(offset));
    if (!header || header->segment < number || !FrameAt(offset)) return absl::OkStatus();
    const uint64_t lost = log_.position + 1;
    const std::string where =
        absl::StrCat(SegmentPath(folder_, segment()), " at byte ", log_.segments.back().end);
    const std::string other = absl::StrCat(SegmentPath(folder_, number), " at byte ", offset);
    if (header->synced_position >= lost) {
      return absl::DataLossError(absl::StrCat(
          where, ": the frame with position ", lost, " is damaged, and the one in ", other,
          " says that all up to ", header->synced_position, " was durable; ", kWhatToDo));
    }
    if (header->IsFor(number, offset) || header->last_position < lost) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat(where, ": the frame with position ", lost,
                                            " was written to ", other,
                                            " instead, so the disk is broken; ", kWhatToDo));
  }

  base::FileSystem& files_;
  const std::string& folder_;
  uint32_t last_segment_ = 0;
  AlignedBuffer buffer_;
  AlignedBuffer other_buffer_;
  absl::string_view content_;  // Of the segment at hand, in buffer_.
  RecoveredLog log_;
};

std::string BasePath(const std::string& folder) { return absl::StrCat(folder, "/base"); }

}  // namespace

std::string SegmentPath(const std::string& folder, uint32_t segment) {
  return absl::StrFormat("%s/%04d", folder, segment);
}

void AddToIndex(std::vector<FramePlace>& index, const FramePlace& place) {
  const bool near = !index.empty() && index.back().segment == place.segment &&
                    place.offset - index.back().offset < kIndexEveryBytes;
  if (!near) index.push_back(place);
}

absl::StatusOr<LogBase> LoadLogBase(base::FileSystem& files, const std::string& folder) {
  ASSIGN_OR_RETURN(const std::string content, LoadChecked(files, BasePath(folder)));
  LogBase base;
  if (content.empty()) return base;
  const std::vector<std::string> words = absl::StrSplit(content, ' ');
  if (words.size() != 2 || !absl::SimpleAtoi(words[0], &base.segment) ||
      !absl::SimpleAtoi(words[1], &base.position) || base.segment == 0 || base.position == 0) {
    return absl::DataLossError(absl::StrCat(BasePath(folder), ": \"", content,
                                            "\" is no segment and position; ", kWhatToDo));
  }
  return base;
}

absl::Status SaveLogBase(base::FileSystem& files, const std::string& folder, const LogBase& base) {
  return SaveChecked(files, BasePath(folder), absl::StrCat(base.segment, " ", base.position));
}

absl::StatusOr<std::vector<uint32_t>> ListSegments(base::FileSystem& files,
                                                   const std::string& folder) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(folder));
  std::vector<uint32_t> segments;
  for (const std::string& name : names) {
    uint32_t number = 0;
    if (absl::SimpleAtoi(name, &number)) segments.push_back(number);
  }
  std::sort(segments.begin(), segments.end());
  return segments;
}

absl::StatusOr<RecoveredLog> RecoverLog(base::FileSystem& files, const std::string& folder,
                                        uint64_t scan_from) {
  return Scanner(files, folder).Scan(scan_from);
}

}  // namespace ledger
