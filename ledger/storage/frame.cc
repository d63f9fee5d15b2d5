#include "ledger/storage/frame.h"

#include <cstring>

#include "base/hash.h"
#include "base/invariant.h"

namespace ledger {
namespace {

constexpr uint64_t kMagic = 0x3130'474f'4c4d'4148;  // "HAMLOG01"

uint64_t ChecksumOf(absl::string_view frame) {
  return base::Checksum64(frame.data() + sizeof(uint64_t), frame.size() - sizeof(uint64_t));
}

}  // namespace

std::optional<FrameHeader> PeekFrameHeader(absl::string_view bytes) {
  if (bytes.size() < kFrameHeaderBytes) return std::nullopt;
  FrameHeader header{};
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.magic != kMagic) return std::nullopt;
  return header;
}

std::optional<FrameHeader> ParseFrame(absl::string_view bytes) {
  const std::optional<FrameHeader> header = PeekFrameHeader(bytes);
  if (!header) return std::nullopt;
  const uint64_t size = PaddedFrameBytes(header->bytes);
  if (bytes.size() < size) return std::nullopt;
  if (ChecksumOf(bytes.substr(0, size)) != header->checksum) return std::nullopt;
  return header;
}

void Frame::Add(Record& record) {
  NotePosition(record.position);
  EncodeRecord(record, bytes_);
}

void Frame::AddEncoded(const Record& record, absl::string_view encoded) {
  NotePosition(record.position);
  bytes_.append(encoded.data(), encoded.size());
}

void Frame::Clear() {
  bytes_.resize(kFrameHeaderBytes);
  first_position_ = 0;
  last_position_ = 0;
}

void Frame::NotePosition(uint64_t position) {
  if (empty()) {
    first_position_ = position;
  } else {
    INVARIANT(position == last_position_ + 1);
  }
  last_position_ = position;
}

absl::string_view Frame::Finish(uint64_t next_position, uint64_t synced_position) {
  FrameHeader header{};
  header.magic = kMagic;
  header.bytes = static_cast<uint32_t>(record_bytes());
  header.first_position = next_position;
  header.last_position = empty() ? next_position - 1 : last_position_;
  header.synced_position = synced_position;
  bytes_.resize(PaddedFrameBytes(record_bytes()), '\0');
  std::memcpy(bytes_.data(), &header, sizeof(header));
  header.checksum = ChecksumOf(bytes_);
  std::memcpy(bytes_.data(), &header.checksum, sizeof(header.checksum));
  return bytes_;
}

}  // namespace ledger
