#include "ledger/storage/frame.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/hash.h"
#include "base/invariant.h"

namespace ledger {
namespace {

constexpr uint64_t kMagic = 0x3230'474f'4c4d'4148;  // "HAMLOG02"

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

bool IsOlderFrame(absl::string_view bytes) {
  return bytes.size() >= kFrameHeaderBytes &&
         bytes.substr(offsetof(FrameHeader, magic), sizeof(uint64_t)) == "HAMLOG01";
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
  bytes_.clear();
  start_ = 0;
  Align(kFrameHeaderBytes);
  bytes_.resize(start_ + kFrameHeaderBytes);
  first_position_ = 0;
  last_position_ = 0;
}

// Makes room for a frame of `bytes` and moves what there is of it to an aligned address.
void Frame::Align(uint64_t bytes) {
  bytes_.reserve(bytes + 2 * kFrameAlignment);
  const uint64_t past = reinterpret_cast<uintptr_t>(bytes_.data()) % kFrameAlignment;
  const uint64_t start = (kFrameAlignment - past) % kFrameAlignment;
  if (start == start_) return;
  const uint64_t used = bytes_.size() - start_;
  bytes_.resize(std::max(start, start_) + used);
  std::memmove(bytes_.data() + start, bytes_.data() + start_, used);
  bytes_.resize(start + used);
  start_ = start;
}

void Frame::NotePosition(uint64_t position) {
  if (empty()) {
    first_position_ = position;
  } else {
    INVARIANT(position == last_position_ + 1);
  }
  last_position_ = position;
}

absl::string_view Frame::Finish(FrameHeader header) {
  header.magic = kMagic;
  header.bytes = static_cast<uint32_t>(record_bytes());
  header.last_position = empty() ? header.first_position - 1 : last_position_;
  const uint64_t bytes = PaddedFrameBytes(header.bytes);
  Align(bytes);
  bytes_.resize(start_ + bytes, '\0');
  std::memcpy(bytes_.data() + start_, &header, sizeof(header));
  const absl::string_view frame = absl::string_view(bytes_).substr(start_);
  header.checksum = ChecksumOf(frame);
  std::memcpy(bytes_.data() + start_, &header.checksum, sizeof(header.checksum));
  return frame;
}

}  // namespace ledger
