#include "ledger/storage/log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "base/status_macros.h"

namespace ledger {

absl::StatusOr<std::unique_ptr<Log>> Log::Open(base::FileSystem& files, LogOptions options) {
  INVARIANT(options.segment_bytes % kFrameAlignment == 0);
  RETURN_IF_ERROR(files.CreateFolders(options.folder));
  RETURN_IF_ERROR(files.SyncFolder(options.folder.substr(0, options.folder.rfind('/'))));
  ASSIGN_OR_RETURN(RecoveredLog recovered, RecoverLog(files, options.folder));
  std::unique_ptr<Log> log(new Log(files, std::move(options), std::move(recovered)));
  RETURN_IF_ERROR(log->Start());
  return log;
}

Log::Log(base::FileSystem& files, LogOptions options, RecoveredLog recovered)
    : files_(files),
      options_(std::move(options)),
      torn_tail_(std::move(recovered.torn_tail)),
      segment_(recovered.segment),
      offset_(recovered.offset),
      position_(recovered.position),
      stated_position_(recovered.synced_position),
      durable_position_(recovered.position),
      segment_ends_(std::move(recovered.segment_ends)),
      index_(std::move(recovered.index)) {}

// What was read back may have been in the page cache only, written by a process that was killed
// before its sync.
absl::Status Log::Start() {
  RETURN_IF_ERROR(OpenSegment(segment_));
  if (!torn_tail_.empty()) RETURN_IF_ERROR(DropTornTail());
  RETURN_IF_ERROR(file_->Sync());
  Frame mark;
  return Append(mark);
}

// So that nothing of it is met again.
absl::Status Log::DropTornTail() {
  RETURN_IF_ERROR(file_->Truncate(offset_));
  RETURN_IF_ERROR(file_->Preallocate(options_.segment_bytes));
  const std::string next = SegmentPath(options_.folder, segment_ + 1);
  if (files_.Exists(next)) RETURN_IF_ERROR(files_.Remove(next));
  return files_.SyncFolder(options_.folder);
}

absl::Status Log::OpenSegment(uint32_t segment) {
  ASSIGN_OR_RETURN(file_, files_.Open(SegmentPath(options_.folder, segment)));
  ASSIGN_OR_RETURN(const uint64_t size, file_->Size());
  if (size < options_.segment_bytes) RETURN_IF_ERROR(file_->Preallocate(options_.segment_bytes));
  return files_.SyncFolder(options_.folder);
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
  const uint64_t last = frame.empty() ? position_ : frame.last_position();
  const absl::Status status = Write(frame.Finish(position_ + 1, position_), last);
  frame.Clear();
  if (!status.ok()) {
    failed_ = absl::Status(status.code(),
                           absl::StrCat("the log failed after position ", position_,
                                        ", end the node and look at the disk: ", status.message()));
    return failed_;
  }
  return absl::OkStatus();
}

absl::Status Log::Write(absl::string_view bytes, uint64_t last_position) {
  if (offset_ + bytes.size() > options_.segment_bytes) {
    RETURN_IF_ERROR(OpenSegment(segment_ + 1));
    ++segment_;
    offset_ = 0;
  }
  RETURN_IF_ERROR(file_->WriteAt(offset_, bytes));
  RETURN_IF_ERROR(file_->Sync());
  const std::lock_guard lock(mutex_);
  AddToIndex(index_, {position_ + 1, segment_, offset_});
  offset_ += bytes.size();
  if (segment_ends_.size() < segment_) segment_ends_.push_back(0);
  segment_ends_.back() = offset_;
  stated_position_ = position_;
  position_ = last_position;
  durable_position_ = last_position;
  return absl::OkStatus();
}

uint64_t Log::durable_position() const {
  const std::lock_guard lock(mutex_);
  return durable_position_;
}

FramePlace Log::Locate(uint64_t position) const {
  const std::lock_guard lock(mutex_);
  const auto after = std::upper_bound(
      index_.begin(), index_.end(), position,
      [](uint64_t wanted, const FramePlace& place) { return wanted < place.first_position; });
  if (after == index_.begin()) return {1, 1, 0};
  return *std::prev(after);
}

uint64_t Log::DurableEnd(uint32_t segment) const {
  const std::lock_guard lock(mutex_);
  return segment <= segment_ends_.size() ? segment_ends_[segment - 1] : 0;
}

LogReader::LogReader(Log& log, uint64_t position) : log_(log), position_(position) {
  INVARIANT(position >= 1);
  const FramePlace place = log.Locate(position);
  segment_ = place.segment;
  offset_ = place.offset;
}

absl::StatusOr<const LogReader::Item*> LogReader::Next() {
  if (position_ > log_.durable_position()) return nullptr;
  while (true) {
    while (rest_.empty()) RETURN_IF_ERROR(LoadFrame());
    absl::StatusOr<Record> record = DecodeRecord(rest_);
    if (!record.ok()) {
      return absl::DataLossError(absl::StrCat(SegmentPath(log_.options_.folder, segment_),
                                              ", frame that ends at byte ", offset_, ", position ",
                                              position_, ": ", record.status().message()));
    }
    item_.encoded = rest_.substr(0, record->encoded_bytes);
    item_.record = std::move(record).value();
    rest_.remove_prefix(item_.encoded.size());
    if (item_.record.position < position_) continue;  // Before where reading begins.
    INVARIANT(item_.record.position == position_);
    ++position_;
    return &item_;
  }
}

absl::Status LogReader::LoadFrame() {
  while (offset_ >= log_.DurableEnd(segment_)) {
    ++segment_;
    offset_ = 0;
    file_.reset();
    INVARIANT(log_.DurableEnd(segment_) > 0);
  }
  const std::string path = SegmentPath(log_.options_.folder, segment_);
  if (file_ == nullptr) {
    ASSIGN_OR_RETURN(file_, log_.files_.Open(path));
  }
  const auto damaged = [&] {
    return absl::DataLossError(absl::StrCat(
        path, " at byte ", offset_, ": the frame with position ", position_, " is damaged"));
  };
  frame_.resize(kFrameHeaderBytes);
  RETURN_IF_ERROR(file_->ReadAt(offset_, frame_.data(), frame_.size()));
  const std::optional<FrameHeader> header = PeekFrameHeader(frame_);
  if (!header || offset_ + PaddedFrameBytes(header->bytes) > log_.DurableEnd(segment_)) {
    return damaged();
  }
  frame_.resize(PaddedFrameBytes(header->bytes));
  RETURN_IF_ERROR(file_->ReadAt(offset_, frame_.data(), frame_.size()));
  if (!ParseFrame(frame_)) return damaged();
  offset_ += frame_.size();
  if (header->last_position < position_) return absl::OkStatus();  // Nothing wanted in it.
  rest_ = absl::string_view(frame_).substr(kFrameHeaderBytes, header->bytes);
  return absl::OkStatus();
}

}  // namespace ledger
