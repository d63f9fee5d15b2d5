#pragma once

#include <cstdint>
#include <future>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/file_system.h"
#include "ledger/storage/aligned_buffer.h"

namespace ledger {

// A large read by two threads: one does not get all out of a disk.
absl::Status ReadByTwo(const base::File& file, uint64_t offset, char* data, uint64_t bytes);

// Reads a direct file from front to back in large steps: while the caller works on one, the next is
// read on a thread of its own. All offsets and lengths are multiples of base::kDirectAlignment. Not
// thread-safe.
class ReadAhead {
 public:
  static constexpr uint64_t kStepBytes = 4 << 20;

  // Begins at `offset`. `file` must outlive it.
  ReadAhead(const base::File& file, uint64_t offset) : file_(file), offset_(offset), end_(offset) {}

  uint64_t offset() const { return offset_; }
  // At least `bytes` from offset() on in one piece, valid until the next call. Nothing from `limit`
  // on is read, so the file may be written there meanwhile.
  absl::StatusOr<absl::string_view> Peek(uint64_t bytes, uint64_t limit);
  // On to offset() + `bytes`, which were peeked at.
  void Skip(uint64_t bytes);

 private:
  // In front of what is read ahead there is room for so much of the step before.
  static constexpr uint64_t kCarriedBytesMax = 2 << 20;

  absl::Status Extend(uint64_t bytes, uint64_t limit);
  absl::Status ReadNow(uint64_t bytes, uint64_t limit);
  absl::Status TakeAhead();
  void StartAhead(uint64_t limit);

  const base::File& file_;
  uint64_t offset_;  // In the file, like end_: what of it is in buffer_,
  uint64_t end_;
  uint64_t begin_ = 0;  // and where it is there.
  AlignedBuffer buffer_;
  AlignedBuffer spare_;
  uint64_t ahead_bytes_ = 0;
  // Last: its destructor waits for the thread that uses the others.
  std::future<absl::Status> ahead_;  // Into spare_.
};

}  // namespace ledger
