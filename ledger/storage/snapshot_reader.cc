#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "ledger/storage/snapshot.h"

namespace ledger {
namespace {

// The fields at the start of a frame of `bytes`, when its checksum holds.
template <typename Fields>
std::optional<Fields> Parse(const char* frame, uint64_t bytes, uint64_t magic) {
  Fields fields{};
  std::memcpy(&fields, frame, sizeof(fields));
  if (fields.magic != magic || fields.checksum != SnapshotChecksum(frame, bytes)) {
    return std::nullopt;
  }
  return fields;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SnapshotReader>> SnapshotReader::Open(base::FileSystem& files,
                                                                     const std::string& folder,
                                                                     uint64_t position) {
  const std::string path = SnapshotPath(folder, position);
  ASSIGN_OR_RETURN(std::unique_ptr<base::File> file,
                   files.OpenDirect(path, base::IfMissing::kFail));
  ASSIGN_OR_RETURN(const uint64_t bytes, file->Size());
  std::unique_ptr<SnapshotReader> reader(new SnapshotReader(path, std::move(file), bytes));
  if (bytes < 2 * kSnapshotBlockBytes || bytes % kSnapshotBlockBytes != 0) {
    return reader->Damaged(bytes, "the file was cut short");
  }
  RETURN_IF_ERROR(reader->ReadHeader(position));
  RETURN_IF_ERROR(reader->ReadEnd());
  return reader;
}

SnapshotReader::SnapshotReader(std::string path, std::unique_ptr<base::File> file,
                               uint64_t file_bytes)
    : path_(std::move(path)),
      file_(std::move(file)),
      file_bytes_(file_bytes),
      read_ahead_(*file_, kSnapshotBlockBytes) {}

absl::Status SnapshotReader::ReadHeader(uint64_t position) {
  const AlignedBuffer block(kSnapshotBlockBytes);
  RETURN_IF_ERROR(file_->ReadAt(0, block.data(), kSnapshotBlockBytes));
  const auto header = Parse<SnapshotHeader>(block.data(), kSnapshotBlockBytes, kSnapshotMagic);
  if (!header || header->position != position) return Damaged(0, "the header is damaged");
  if (header->format_version != kSnapshotFormatVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat(path_, " is of format ", header->format_version, " and this program reads ",
                     kSnapshotFormatVersion, "; start a program of its version"));
  }
  facts_ = {.shard = header->shard,
            .position = header->position,
            .epoch = header->epoch,
            .timestamp_ns = header->timestamp_ns,
            .log_hash = header->log_hash};
  checksums_.Update(&header->checksum, sizeof(header->checksum));
  return absl::OkStatus();
}

absl::Status SnapshotReader::ReadEnd() {
  const uint64_t offset = file_bytes_ - kSnapshotBlockBytes;
  const AlignedBuffer block(kSnapshotBlockBytes);
  RETURN_IF_ERROR(file_->ReadAt(offset, block.data(), kSnapshotBlockBytes));
  const auto end = Parse<SnapshotEnd>(block.data(), kSnapshotBlockBytes, kSnapshotEndMagic);
  if (!end || end->position != facts_.position || end->offset != offset) {
    return Damaged(offset, "the end is damaged or missing");
  }
  end_ = *end;
  return absl::OkStatus();
}

absl::StatusOr<const SnapshotReader::Chunk*> SnapshotReader::Next() {
  if (chunk_.bytes.data() != nullptr) {
    read_ahead_.Skip(RoundUpToBlock(sizeof(SnapshotChunkHeader) + chunk_.bytes.size()));
    chunk_ = {};
  }
  const uint64_t offset = read_ahead_.offset();
  if (offset == end_.offset) return CheckEnd();
  ASSIGN_OR_RETURN(absl::string_view frame, read_ahead_.Peek(kSnapshotBlockBytes, end_.offset));
  SnapshotChunkHeader header{};
  std::memcpy(&header, frame.data(), sizeof(header));
  const uint64_t bytes = RoundUpToBlock(sizeof(header) + header.bytes);
  if (header.bytes > kSnapshotPayloadBytesMax || bytes > end_.offset - offset) {
    return Damaged(offset, "the chunk is damaged");
  }
  ASSIGN_OR_RETURN(frame, read_ahead_.Peek(bytes, end_.offset));
  const bool whole = Parse<SnapshotChunkHeader>(frame.data(), bytes, kSnapshotChunkMagic) &&
                     header.position == facts_.position && header.offset == offset &&
                     header.number == chunks_;
  if (!whole) return Damaged(offset, "the chunk is damaged");
  checksums_.Update(&header.checksum, sizeof(header.checksum));
  ++chunks_;
  payload_bytes_ += header.bytes;
  chunk_ = {header.section, frame.substr(sizeof(header), header.bytes)};
  return &chunk_;
}

absl::StatusOr<const SnapshotReader::Chunk*> SnapshotReader::CheckEnd() {
  if (chunks_ != end_.chunks || payload_bytes_ != end_.payload_bytes ||
      checksums_.Finish() != end_.checksums_hash) {
    return Damaged(end_.offset, "the chunks are not those that were written");
  }
  return nullptr;
}

absl::Status SnapshotReader::Damaged(uint64_t offset, absl::string_view what) const {
  return absl::DataLossError(absl::StrCat(path_, " at byte ", offset, ": ", what,
                                          "; remove this file: the snapshot before it and the log "
                                          "serve"));
}

}  // namespace ledger
