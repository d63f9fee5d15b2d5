#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "ledger/copy/piece_plan.h"
#include "ledger/storage/aligned_buffer.h"

namespace ledger {

// A file that is read or written a piece at a time, past the page cache as far as its blocks go.
// Several threads may, each its own pieces.
class PieceFile {
 public:
  // NOT_FOUND without it.
  static absl::StatusOr<std::unique_ptr<PieceFile>> Open(base::FileSystem& files,
                                                         const std::string& path);

  // `buffer` has room for a piece.
  absl::Status Read(const Piece& piece, const AlignedBuffer& buffer) const;
  absl::Status Write(const Piece& piece, const AlignedBuffer& buffer);
  absl::Status Sync() { return direct_->Sync(); }

 private:
  PieceFile(std::unique_ptr<base::File> direct, std::unique_ptr<base::File> rest)
      : direct_(std::move(direct)), rest_(std::move(rest)) {}

  const std::unique_ptr<base::File> direct_;
  const std::unique_ptr<base::File> rest_;  // For what fills no block.
};

}  // namespace ledger
