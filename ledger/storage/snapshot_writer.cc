#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "base/status_macros.h"
#include "ledger/storage/snapshot.h"

namespace ledger {
namespace {

constexpr uint64_t kStepBytes = 4 << 20;
// A sync of the log that comes meanwhile waits for no more than one.
constexpr uint64_t kPieceBytes = 256 << 10;
static_assert(kStepBytes >= kSnapshotChunkBytesMax + kSnapshotBlockBytes);

}  // namespace

std::string SnapshotPath(const std::string& folder, uint64_t position) {
  return absl::StrCat(folder, "/", position);
}

absl::StatusOr<std::unique_ptr<SnapshotWriter>> SnapshotWriter::Begin(base::FileSystem& files,
                                                                      const std::string& folder,
                                                                      const SnapshotFacts& facts) {
  std::unique_ptr<SnapshotWriter> writer(new SnapshotWriter(files, folder, facts));
  const std::string path = absl::StrCat(SnapshotPath(folder, facts.position), kUnfinishedSuffix);
  ASSIGN_OR_RETURN(writer->file_, files.OpenDirect(path, base::IfMissing::kCreate));
  RETURN_IF_ERROR(writer->file_->Truncate(0));
  SnapshotHeader header{};
  header.magic = kSnapshotMagic;
  header.format_version = kSnapshotFormatVersion;
  header.shard = facts.shard;
  header.position = facts.position;
  header.epoch = facts.epoch;
  header.timestamp_ns = facts.timestamp_ns;
  header.log_hash = facts.log_hash;
  writer->PutBlock(header);
  return writer;
}

SnapshotWriter::SnapshotWriter(base::FileSystem& files, std::string folder,
                               const SnapshotFacts& facts)
    : files_(files),
      folder_(std::move(folder)),
      facts_(facts),
      buffer_(kStepBytes),
      written_(kStepBytes) {}

SnapshotWriter::~SnapshotWriter() {
  if (file_ == nullptr || renamed_) return;
  Drain().IgnoreError();
  // What stays is removed at the next start.
  files_.Remove(absl::StrCat(SnapshotPath(folder_, facts_.position), kUnfinishedSuffix))
      .IgnoreError();
}

absl::Status SnapshotWriter::Add(uint32_t section, absl::string_view bytes) {
  INVARIANT(bytes.size() <= kSnapshotPayloadBytesMax);
  if (failed_.ok()) failed_ = AddToChunk(section, bytes);
  return failed_;
}

absl::Status SnapshotWriter::AddToChunk(uint32_t section, absl::string_view bytes) {
  if (bytes.empty()) return absl::OkStatus();
  const bool fits = chunk_ && header_.section == section &&
                    header_.bytes + bytes.size() <= kSnapshotPayloadBytesMax;
  if (!fits) RETURN_IF_ERROR(OpenChunk(section));
  std::memcpy(buffer_.data() + used_, bytes.data(), bytes.size());
  used_ += bytes.size();
  header_.bytes += static_cast<uint32_t>(bytes.size());
  return absl::OkStatus();
}

absl::Status SnapshotWriter::OpenChunk(uint32_t section) {
  CloseChunk();
  if (used_ + kSnapshotChunkBytesMax > kStepBytes) RETURN_IF_ERROR(Flush());
  header_ = {};
  header_.magic = kSnapshotChunkMagic;
  header_.section = section;
  header_.position = facts_.position;
  header_.offset = file_bytes_ + used_;
  header_.number = end_.chunks;
  chunk_ = used_;
  used_ += sizeof(header_);
  return absl::OkStatus();
}

void SnapshotWriter::CloseChunk() {
  if (!chunk_) return;
  char* const frame = buffer_.data() + *chunk_;
  const uint64_t end = RoundUpToBlock(used_);
  std::memset(buffer_.data() + used_, 0, end - used_);
  std::memcpy(frame, &header_, sizeof(header_));
  PutChecksum(frame, end - *chunk_);
  ++end_.chunks;
  end_.payload_bytes += header_.bytes;
  used_ = end;
  chunk_.reset();
}

template <typename Fields>
void SnapshotWriter::PutBlock(const Fields& fields) {
  char* const frame = buffer_.data() + used_;
  std::memset(frame, 0, kSnapshotBlockBytes);
  std::memcpy(frame, &fields, sizeof(fields));
  PutChecksum(frame, kSnapshotBlockBytes);
  used_ += kSnapshotBlockBytes;
}

void SnapshotWriter::PutChecksum(char* frame, uint64_t bytes) {
  const uint64_t checksum = SnapshotChecksum(frame, bytes);
  std::memcpy(frame, &checksum, sizeof(checksum));
  checksums_.Update(&checksum, sizeof(checksum));
}

absl::Status SnapshotWriter::Flush() {
  RETURN_IF_ERROR(Drain());
  std::swap(buffer_, written_);
  writing_ = std::async(std::launch::async, [this, offset = file_bytes_, bytes = used_] {
    return WriteInPieces(offset, bytes);
  });
  file_bytes_ += used_;
  used_ = 0;
  return absl::OkStatus();
}

absl::Status SnapshotWriter::WriteInPieces(uint64_t offset, uint64_t bytes) {
  for (uint64_t begin = 0; begin < bytes; begin += kPieceBytes) {
    const uint64_t end = std::min(bytes, begin + kPieceBytes);
    RETURN_IF_ERROR(file_->WriteAt(offset + begin, written_.view(begin, end)));
  }
  return absl::OkStatus();
}

absl::Status SnapshotWriter::Drain() {
  return writing_.valid() ? writing_.get() : absl::OkStatus();
}

absl::Status SnapshotWriter::Finish() {
  if (failed_.ok()) failed_ = Write();
  return failed_;
}

absl::Status SnapshotWriter::Write() {
  INVARIANT(!renamed_);
  CloseChunk();
  if (used_ + kSnapshotBlockBytes > kStepBytes) RETURN_IF_ERROR(Flush());
  end_.magic = kSnapshotEndMagic;
  end_.position = facts_.position;
  end_.offset = file_bytes_ + used_;
  end_.checksums_hash = checksums_.Finish();
  PutBlock(end_);
  RETURN_IF_ERROR(Flush());
  RETURN_IF_ERROR(Drain());
  RETURN_IF_ERROR(file_->Sync());
  const std::string path = SnapshotPath(folder_, facts_.position);
  RETURN_IF_ERROR(files_.Rename(absl::StrCat(path, kUnfinishedSuffix), path));
  renamed_ = true;
  return files_.SyncFolder(folder_);
}

}  // namespace ledger
