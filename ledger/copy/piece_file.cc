#include "ledger/copy/piece_file.h"

#include <utility>

#include "base/status_macros.h"

namespace ledger {
namespace {

uint64_t WholeBlocks(uint64_t bytes) {
  return bytes / base::kDirectAlignment * base::kDirectAlignment;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PieceFile>> PieceFile::Open(base::FileSystem& files,
                                                           const std::string& path) {
  ASSIGN_OR_RETURN(std::unique_ptr<base::File> direct,
                   files.OpenDirect(path, base::IfMissing::kFail));
  ASSIGN_OR_RETURN(std::unique_ptr<base::File> rest, files.Open(path));
  return std::unique_ptr<PieceFile>(new PieceFile(std::move(direct), std::move(rest)));
}

absl::Status PieceFile::Read(const Piece& piece, const AlignedBuffer& buffer) const {
  const uint64_t whole = WholeBlocks(piece.bytes);
  if (whole > 0) RETURN_IF_ERROR(direct_->ReadAt(piece.offset, buffer.data(), whole));
  if (whole == piece.bytes) return absl::OkStatus();
  return rest_->ReadAt(piece.offset + whole, buffer.data() + whole, piece.bytes - whole);
}

absl::Status PieceFile::Write(const Piece& piece, const AlignedBuffer& buffer) {
  const uint64_t whole = WholeBlocks(piece.bytes);
  if (whole > 0) RETURN_IF_ERROR(direct_->WriteAt(piece.offset, buffer.view(0, whole)));
  if (whole == piece.bytes) return absl::OkStatus();
  return rest_->WriteAt(piece.offset + whole, buffer.view(whole, piece.bytes));
}

}  // namespace ledger
