#include "ledger/storage/segment_supply.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/status_macros.h"
#include "ledger/storage/aligned_buffer.h"
#include "ledger/storage/recovery.h"

namespace ledger {

SegmentSupply::SegmentSupply(base::FileSystem& files, SegmentSupplyOptions options,
                             const std::vector<uint32_t>& free)
    : files_(files), options_(std::move(options)), free_(free.begin(), free.end()) {}

void SegmentSupply::PrepareAhead(uint32_t segment) {
  if (!options_.prepares_ahead || ahead_.valid()) return;
  ahead_segment_ = segment;
  ahead_ = std::async(std::launch::async, [this, segment] { return Make(segment); });
}

absl::StatusOr<std::unique_ptr<base::File>> SegmentSupply::Take(uint32_t segment) {
  if (ahead_.valid()) {
    absl::StatusOr<std::unique_ptr<base::File>> file = ahead_.get();
    if (file.ok() && ahead_segment_ == segment) return file;
  }
  return Make(segment);
}

void SegmentSupply::GiveUp(uint32_t segment) {
  const std::lock_guard lock(mutex_);
  free_.push_back(segment);
}

absl::Status SegmentSupply::RemoveSurplus(const Pause& pause) {
  while (const std::optional<uint32_t> segment = TakeSurplus()) {
    const std::string path = SegmentPath(options_.folder, *segment);
    const absl::Status status = RemoveInSteps(files_, path, pause);
    if (status.ok()) continue;
    const std::lock_guard lock(mutex_);
    if (files_.Exists(path)) free_.push_front(*segment);
    return status;
  }
  return absl::OkStatus();
}

std::optional<uint32_t> SegmentSupply::TakeSurplus() {
  const std::lock_guard lock(mutex_);
  if (free_.size() <= kFreeSegmentsMax) return std::nullopt;
  const uint32_t segment = free_.front();
  free_.pop_front();
  return segment;
}

// What is there already was begun by a process that ended, and is gone on with.
absl::StatusOr<std::unique_ptr<base::File>> SegmentSupply::Make(uint32_t segment) {
  const std::string path = SegmentPath(options_.folder, segment);
  if (!files_.Exists(path)) RETURN_IF_ERROR(Reuse(path));
  ASSIGN_OR_RETURN(std::unique_ptr<base::File> file,
                   files_.OpenDirect(path, base::IfMissing::kCreate));
  RETURN_IF_ERROR(FillWithZeros(*file));
  RETURN_IF_ERROR(file->Sync());
  RETURN_IF_ERROR(files_.SyncFolder(options_.folder));
  return file;
}

absl::Status SegmentSupply::Reuse(const std::string& path) {
  uint32_t segment = 0;
  {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return absl::OkStatus();
    segment = free_.back();
    free_.pop_back();
  }
  return files_.Rename(SegmentPath(options_.folder, segment), path);
}

// The file only ever grows by being written, so its length says how far that went.
absl::Status SegmentSupply::FillWithZeros(base::File& file) const {
  constexpr uint64_t kStepBytes = 1 << 20;
  ASSIGN_OR_RETURN(const uint64_t size, file.Size());
  if (size >= options_.segment_bytes) return absl::OkStatus();
  const AlignedBuffer zeros(std::min(kStepBytes, options_.segment_bytes));
  std::memset(zeros.data(), 0, zeros.size());
  for (uint64_t offset = size / base::kDirectAlignment * base::kDirectAlignment;
       offset < options_.segment_bytes;) {
    const uint64_t bytes = std::min(zeros.size(), options_.segment_bytes - offset);
    RETURN_IF_ERROR(file.WriteAt(offset, zeros.view(0, bytes)));
    offset += bytes;
  }
  return absl::OkStatus();
}

}  // namespace ledger
