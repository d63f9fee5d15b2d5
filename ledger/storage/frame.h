#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "base/file_system.h"
#include "ledger/core/record.h"

namespace ledger {

// Frames begin at multiples of this, so that a torn write never touches the frame before.
inline constexpr uint64_t kFrameAlignment = base::kDirectAlignment;
inline constexpr uint64_t kFrameHeaderBytes = 64;

// What stands in front of the records of one frame: ledger/FORMAT.md, "Log segments".
struct FrameHeader {
  uint64_t checksum;  // XXH3 of the whole padded frame behind this field.
  uint64_t magic;
  uint32_t segment;  // The place that it was written for: a frame that is elsewhere, or was left in
                     // a file by the segment before, is not taken for one that belongs there.
  uint32_t bytes;    // Of the records: what is between header and padding.
  uint64_t first_position;   // Of the records. A frame without records is a mark:
  uint64_t last_position;    // then this is first_position - 1.
  uint64_t synced_position;  // All up to here was known to be on the disk when this was written.
  uint64_t offset;           // In the segment.
  uint64_t reserved_64;

  bool IsFor(uint32_t for_segment, uint64_t for_offset) const {
    return segment == for_segment && offset == for_offset;
  }
};
static_assert(sizeof(FrameHeader) == kFrameHeaderBytes);

// Length in the file: header, records, padding.
constexpr uint64_t PaddedFrameBytes(uint64_t record_bytes) {
  return (kFrameHeaderBytes + record_bytes + kFrameAlignment - 1) / kFrameAlignment *
         kFrameAlignment;
}

// The header of the whole frame at the start of `bytes`; nothing when there is none or it is
// damaged in any bit.
std::optional<FrameHeader> ParseFrame(absl::string_view bytes);

// Only the header, unchecked but for the magic number: to learn how much to read.
std::optional<FrameHeader> PeekFrameHeader(absl::string_view bytes);

// Whether a frame of the format before this one, which does not say its place, begins here.
bool IsOlderFrame(absl::string_view bytes);

// Records on their way to the log as one group commit, in memory that is written as it is. Not
// thread-safe.
class Frame {
 public:
  Frame() { Clear(); }

  // Encodes `record`, setting its hash and encoded_bytes.
  void Add(Record& record);
  // A record that is encoded already: `encoded` are its bytes.
  void AddEncoded(const Record& record, absl::string_view encoded);
  void Clear();

  bool empty() const { return record_bytes() == 0; }
  uint64_t record_bytes() const { return bytes_.size() - start_ - kFrameHeaderBytes; }
  uint64_t first_position() const { return first_position_; }
  uint64_t last_position() const { return last_position_; }
  // The encoded records.
  absl::string_view records() const {
    return absl::string_view(bytes_).substr(start_ + kFrameHeaderBytes);
  }

 private:
  friend class Log;
  void NotePosition(uint64_t position);
  void Align(uint64_t bytes);
  // Pads, fills in all of `header` but what the records say, and gives what is to be written, at
  // an aligned address. Clear() must follow.
  absl::string_view Finish(FrameHeader header);

  // The frame starts in it at the first aligned address. It moves when the string grows, and then
  // stays: the string is never shrunk.
  std::string bytes_;
  uint64_t start_ = 0;
  uint64_t first_position_ = 0;
  uint64_t last_position_ = 0;
};

}  // namespace ledger
