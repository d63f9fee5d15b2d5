#include "ledger/storage/read_ahead.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/invariant.h"
#include "base/status_macros.h"

namespace ledger {

absl::Status ReadByTwo(const base::File& file, uint64_t offset, char* data, uint64_t bytes) {
  constexpr uint64_t kWorthAThread = 2 << 20;
  const uint64_t half =
      bytes < kWorthAThread ? 0 : bytes / 2 / base::kDirectAlignment * base::kDirectAlignment;
  std::future<absl::Status> first;
  if (half > 0) {
    first = std::async(std::launch::async, [&] { return file.ReadAt(offset, data, half); });
  }
  const absl::Status second = file.ReadAt(offset + half, data + half, bytes - half);
  if (first.valid()) RETURN_IF_ERROR(first.get());
  return second;
}

absl::StatusOr<absl::string_view> ReadAhead::Peek(uint64_t bytes, uint64_t limit) {
  INVARIANT(offset_ + bytes <= limit);
  while (end_ - offset_ < bytes) RETURN_IF_ERROR(Extend(bytes, limit));
  return buffer_.view(begin_, begin_ + (end_ - offset_));
}

void ReadAhead::Skip(uint64_t bytes) {
  INVARIANT(offset_ + bytes <= end_);
  offset_ += bytes;
  begin_ += bytes;
}

absl::Status ReadAhead::Extend(uint64_t bytes, uint64_t limit) {
  if (ahead_.valid() && end_ - offset_ <= kCarriedBytesMax) {
    RETURN_IF_ERROR(TakeAhead());
  } else {
    if (ahead_.valid()) RETURN_IF_ERROR(ahead_.get());  // Too much to carry: read once more.
    RETURN_IF_ERROR(ReadNow(bytes, limit));
  }
  StartAhead(limit);
  return absl::OkStatus();
}

absl::Status ReadAhead::ReadNow(uint64_t bytes, uint64_t limit) {
  const uint64_t kept = end_ - offset_;
  const uint64_t wanted = std::min(limit - offset_, std::max(bytes, kStepBytes));
  if (buffer_.size() < wanted) {
    AlignedBuffer larger(wanted);
    if (kept > 0) std::memcpy(larger.data(), buffer_.data() + begin_, kept);
    buffer_ = std::move(larger);
  } else if (kept > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, kept);
  }
  begin_ = 0;
  RETURN_IF_ERROR(file_.ReadAt(end_, buffer_.data() + kept, wanted - kept));
  end_ = offset_ + wanted;
  return absl::OkStatus();
}

absl::Status ReadAhead::TakeAhead() {
  RETURN_IF_ERROR(ahead_.get());
  const uint64_t kept = end_ - offset_;
  std::swap(buffer_, spare_);
  if (kept > 0) {
    std::memcpy(buffer_.data() + kCarriedBytesMax - kept, spare_.data() + begin_, kept);
  }
  begin_ = kCarriedBytesMax - kept;
  end_ += ahead_bytes_;
  return absl::OkStatus();
}

// Whole steps only: at the end of what is there, waiting for more gives a larger read.
void ReadAhead::StartAhead(uint64_t limit) {
  if (limit - end_ < kStepBytes) return;
  ahead_bytes_ = kStepBytes;
  constexpr uint64_t kBufferBytes = kCarriedBytesMax + kStepBytes;
  if (spare_.size() < kBufferBytes) spare_ = AlignedBuffer(kBufferBytes);
  ahead_ = std::async(std::launch::async, [this, offset = end_] {
    return ReadByTwo(file_, offset, spare_.data() + kCarriedBytesMax, kStepBytes);
  });
}

}  // namespace ledger
