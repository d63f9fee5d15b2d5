#include "ledger/storage/log.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "base/status_macros.h"
#include "ledger/storage/aligned_buffer.h"

namespace ledger {
namespace {

absl::Status WriteZeroBlock(base::File& file, uint64_t offset) {
  const AlignedBuffer zeros(kFrameAlignment);
  std::memset(zeros.data(), 0, zeros.size());
  RETURN_IF_ERROR(file.WriteAt(offset, zeros.view(0, zeros.size())));
  return file.Sync();
}

absl::Status MakeFolder(base::FileSystem& files, const std::string& folder) {
  RETURN_IF_ERROR(files.CreateFolders(folder));
  return files.SyncFolder(folder.substr(0, folder.rfind('/')));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Log>> Log::Open(base::FileSystem& files, LogOptions options) {
  INVARIANT(options.segment_bytes % kFrameAlignment == 0);
  RETURN_IF_ERROR(MakeFolder(files, options.folder));
  ASSIGN_OR_RETURN(RecoveredLog recovered, RecoverLog(files, options.folder, options.scan_from));
  std::unique_ptr<Log> log(new Log(files, std::move(options), std::move(recovered)));
  RETURN_IF_ERROR(log->Start());
  return log;
}

absl::StatusOr<std::unique_ptr<const Log>> Log::OpenToRead(base::FileSystem& files,
                                                           const std::string& folder) {
  ASSIGN_OR_RETURN(RecoveredLog recovered, RecoverLog(files, folder));
  return std::unique_ptr<const Log>(new Log(files, {.folder = folder}, std::move(recovered)));
}

absl::Status Log::StartOver(base::FileSystem& files, const std::string& folder,
                            uint64_t first_position) {
  INVARIANT(first_position >= 1);
  RETURN_IF_ERROR(MakeFolder(files, folder));
  ASSIGN_OR_RETURN(const LogBase old, LoadLogBase(files, folder));
  ASSIGN_OR_RETURN(const std::vector<uint32_t> there, ListSegments(files, folder));
  const uint32_t last = there.empty() ? 0 : there.back();
  return SaveLogBase(files, folder, {std::max(last, old.segment) + 1, first_position});
}

Log::Log(base::FileSystem& files, LogOptions options, RecoveredLog recovered)
    : files_(files),
      options_(std::move(options)),
      torn_tail_(std::move(recovered.torn_tail)),
      supply_(files,
              {.folder = options_.folder,
               .segment_bytes = options_.segment_bytes,
               .prepares_ahead = options_.prepares_ahead},
              std::move(recovered.given_up)),
      segment_(recovered.segments.back().number),
      offset_(recovered.segments.back().end),
      position_(recovered.position),
      stated_position_(recovered.synced_position),
      durable_position_(recovered.position),
      segments_(recovered.segments.begin(), recovered.segments.end()),
      index_(std::move(recovered.index)) {}

// What was read back may have been in the page cache or the disk's only, written by a process that
// was killed before its sync.
absl::Status Log::Start() {
  ASSIGN_OR_RETURN(file_, supply_.Take(segment_));
  if (!torn_tail_.empty()) RETURN_IF_ERROR(DropTornTail());
  RETURN_IF_ERROR(file_->Sync());
  Frame mark;
  return Append(mark);
}

// So that nothing of it is met again: it begins here, or where the next segment does.
absl::Status Log::DropTornTail() {
  if (offset_ < options_.segment_bytes) RETURN_IF_ERROR(WriteZeroBlock(*file_, offset_));
  const auto next =
      files_.OpenDirect(SegmentPath(options_.folder, segment_ + 1), base::IfMissing::kFail);
  if (absl::IsNotFound(next.status())) return absl::OkStatus();
  RETURN_IF_ERROR(next.status());
  return WriteZeroBlock(**next, 0);
}

absl::Status Log::Append(Frame& frame) {
  if (!failed_.ok()) {
    frame.Clear();
    return failed_;
  }
  if (PaddedFrameBytes(frame.record_bytes()) > options_.segment_bytes) {
    const uint64_t bytes = frame.record_bytes();
    frame.Clear();
    return absl::InvalidArgumentError(
        absl::StrCat("a frame of ", bytes, " bytes does not fit into a segment of ",
                     options_.segment_bytes, "; commit less at once"));
  }
  if (frame.empty() && stated_position_ == position_) return absl::OkStatus();
  INVARIANT(frame.empty() || frame.first_position() == position_ + 1);
  const absl::Status status = Write(frame);
  frame.Clear();
  if (!status.ok()) {
    failed_ = absl::Status(status.code(),
                           absl::StrCat("the log failed after position ", position_,
                                        ", end the node and look at the disk: ", status.message()));
    return failed_;
  }
  return absl::OkStatus();
}

absl::Status Log::Write(Frame& frame) {
  if (offset_ + PaddedFrameBytes(frame.record_bytes()) > options_.segment_bytes) {
    RETURN_IF_ERROR(MoveToNextSegment());
  }
  const uint64_t last_position = frame.empty() ? position_ : frame.last_position();
  FrameHeader header{};
  header.segment = segment_;
  header.first_position = position_ + 1;
  header.synced_position = position_;
  header.offset = offset_;
  const absl::string_view bytes = frame.Finish(header);
  RETURN_IF_ERROR(file_->WriteAt(offset_, bytes));
  RETURN_IF_ERROR(file_->Sync());
  // Only now: a log that is hardly written needs no second segment.
  if (offset_ + bytes.size() > options_.segment_bytes / 2) supply_.PrepareAhead(segment_ + 1);
  const std::lock_guard lock(mutex_);
  AddToIndex(index_, {position_ + 1, segment_, offset_});
  offset_ += bytes.size();
  segments_.back().end = offset_;
  stated_position_ = position_;
  position_ = last_position;
  durable_position_ = last_position;
  return absl::OkStatus();
}

absl::Status Log::MoveToNextSegment() {
  ASSIGN_OR_RETURN(file_, supply_.Take(segment_ + 1));
  ++segment_;
  offset_ = 0;
  const std::lock_guard lock(mutex_);
  segments_.push_back({segment_, position_ + 1, 0});
  return absl::OkStatus();
}

absl::Status Log::TrimBefore(uint64_t position) {
  const std::lock_guard trimming(trim_mutex_);
  std::vector<uint32_t> given_up;
  LogBase base;
  {
    const std::lock_guard lock(mutex_);
    INVARIANT(position <= durable_position_ + 1);
    size_t first = 0;
    // A segment without a frame yet cannot be where the log begins.
    while (first + 1 < segments_.size() && segments_[first + 1].first_position <= position &&
           segments_[first + 1].end > 0) {
      given_up.push_back(segments_[first++].number);
    }
    base = {segments_[first].number, segments_[first].first_position};
  }
  if (given_up.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(SaveLogBase(files_, options_.folder, base));
  {
    const std::lock_guard lock(mutex_);
    segments_.erase(segments_.begin(), segments_.begin() + static_cast<ptrdiff_t>(given_up.size()));
    std::erase_if(index_, [&](const FramePlace& place) { return place.segment < base.segment; });
  }
  for (const uint32_t segment : given_up) supply_.GiveUp(segment);
  return absl::OkStatus();
}

uint64_t Log::durable_position() const {
  const std::lock_guard lock(mutex_);
  return durable_position_;
}

uint64_t Log::first_position() const {
  const std::lock_guard lock(mutex_);
  return segments_.front().first_position;
}

FramePlace Log::Locate(uint64_t position) const {
  const std::lock_guard lock(mutex_);
  const auto after = std::upper_bound(
      index_.begin(), index_.end(), position,
      [](uint64_t wanted, const FramePlace& place) { return wanted < place.first_position; });
  if (after != index_.begin()) return *std::prev(after);
  return {segments_.front().first_position, segments_.front().number, 0};
}

// Whether that position, which is still there, stands in a later segment: behind one that was given
// up all do.
bool Log::IsBehind(uint32_t segment, uint64_t position) const {
  const std::lock_guard lock(mutex_);
  const uint32_t first = segments_.front().number;
  if (segment < first) return true;
  if (segment - first + 1 >= segments_.size()) return false;
  return segments_[segment - first + 1].first_position <= position;
}

uint64_t Log::DurableEnd(uint32_t segment) const {
  const std::lock_guard lock(mutex_);
  const uint32_t first = segments_.front().number;
  return segment >= first && segment - first < segments_.size() ? segments_[segment - first].end
                                                                : 0;
}

}  // namespace ledger
