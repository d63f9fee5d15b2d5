#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "base/status_macros.h"
#include "ledger/storage/log.h"

namespace ledger {

LogReader::LogReader(const Log& log, uint64_t position) : log_(log), position_(position) {
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
  if (position_ < log_.first_position()) return Trimmed();
  if (log_.IsBehind(segment_, position_)) {
    ++segment_;
    offset_ = 0;
    read_ahead_.reset();
    file_.reset();
  }
  absl::Status status = ParseFrameAt(log_.DurableEnd(segment_));
  // Its segment may have been given up meanwhile, and be another one now.
  if (!status.ok() && position_ < log_.first_position()) return Trimmed();
  return status;
}

absl::Status LogReader::ParseFrameAt(uint64_t durable_end) {
  if (offset_ >= durable_end) return Damaged();
  if (!read_ahead_) {
    ASSIGN_OR_RETURN(file_, log_.files_.OpenDirect(SegmentPath(log_.options_.folder, segment_),
                                                   base::IfMissing::kFail));
    read_ahead_.emplace(*file_, offset_);
  }
  read_ahead_->Skip(offset_ - read_ahead_->offset());  // The frame before.
  ASSIGN_OR_RETURN(absl::string_view frame, read_ahead_->Peek(kFrameAlignment, durable_end));
  std::optional<FrameHeader> header = PeekFrameHeader(frame);
  if (!header || offset_ + PaddedFrameBytes(header->bytes) > durable_end) return Damaged();
  ASSIGN_OR_RETURN(frame, read_ahead_->Peek(PaddedFrameBytes(header->bytes), durable_end));
  header = ParseFrame(frame);
  if (!header || !header->IsFor(segment_, offset_) || header->first_position > position_) {
    return Damaged();
  }
  offset_ += PaddedFrameBytes(header->bytes);
  if (header->last_position < position_) return absl::OkStatus();  // Nothing wanted in it.
  rest_ = frame.substr(kFrameHeaderBytes, header->bytes);
  return absl::OkStatus();
}

absl::Status LogReader::Trimmed() const {
  return absl::OutOfRangeError(
      absl::StrCat("position ", position_, " is no longer in the log, which begins at ",
                   log_.first_position(), "; fetch a snapshot and go on behind it"));
}

absl::Status LogReader::Damaged() const {
  return absl::DataLossError(absl::StrCat(SegmentPath(log_.options_.folder, segment_), " at byte ",
                                          offset_, ": the frame with position ", position_,
                                          " is damaged"));
}

}  // namespace ledger
