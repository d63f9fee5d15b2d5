#include "ledger/copy/piece_files.h"

#include <algorithm>
#include <utility>

#include "base/invariant.h"
#include "base/status_macros.h"

namespace ledger {

absl::Status PieceFiles::Write(const Piece& piece, const AlignedBuffer& buffer) {
  Open* open = nullptr;
  {
    const absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(open, Begin(piece.file));
  }
  absl::Status status = open->file->Write(piece, buffer);
  const absl::MutexLock lock(&mutex_);
  --open->users;
  return status;
}

absl::Status PieceFiles::Sync(const std::set<uint32_t>& files) {
  for (const uint32_t file : files) {
    Open* open = nullptr;
    {
      const absl::MutexLock lock(&mutex_);
      const auto found = open_.find(file);
      if (found == open_.end()) continue;  // Synced when it was closed.
      open = &found->second;
      ++open->users;
    }
    const absl::Status status = open->file->Sync();
    const absl::MutexLock lock(&mutex_);
    --open->users;
    if (failed_.ok()) failed_ = status;
  }
  const absl::MutexLock lock(&mutex_);
  return failed_;
}

// The file, opened where it is not, which stays so until its users have gone.
absl::StatusOr<PieceFiles::Open*> PieceFiles::Begin(uint32_t file) {
  RETURN_IF_ERROR(failed_);
  auto found = open_.find(file);
  if (found == open_.end()) {
    if (open_.size() >= kOpenMax) RETURN_IF_ERROR(CloseOldest());
    ASSIGN_OR_RETURN(std::unique_ptr<PieceFile> opened, PieceFile::Open(files_, paths_[file]));
    found = open_.try_emplace(file).first;
    found->second.file = std::move(opened);
  }
  ++found->second.users;
  found->second.used = ++uses_;
  return &found->second;
}

absl::Status PieceFiles::CloseOldest() {
  auto oldest = open_.end();
  for (auto it = open_.begin(); it != open_.end(); ++it) {
    if (it->second.users > 0) continue;
    if (oldest == open_.end() || it->second.used < oldest->second.used) oldest = it;
  }
  INVARIANT(oldest != open_.end());  // There are fewer threads than that.
  failed_ = oldest->second.file->Sync();
  open_.erase(oldest);
  return failed_;
}

}  // namespace ledger
