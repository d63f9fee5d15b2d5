#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/file_system.h"
#include "base/hash.h"
#include "ledger/storage/aligned_buffer.h"
#include "ledger/storage/read_ahead.h"
#include "ledger/storage/snapshot_format.h"

namespace ledger {

// What a snapshot is of: the state behind the record at `position`.
struct SnapshotFacts {
  uint64_t shard = 0;
  uint64_t position = 0;
  uint64_t epoch = 0;
  uint64_t timestamp_ns = 0;  // Of that record.
  base::Hash256 log_hash{};   // At that record.
};

inline constexpr uint64_t kSnapshotPayloadBytesMax =
    kSnapshotChunkBytesMax - sizeof(SnapshotChunkHeader);

// The section that holds a serialized NodeFacts; the others are the ledger's.
inline constexpr uint32_t kNodeFactsSection = 0;

// "folder/position"
std::string SnapshotPath(const std::string& folder, uint64_t position);
// What is behind the name of a snapshot that is not finished.
inline constexpr absl::string_view kUnfinishedSuffix = ".writing";

// Writes a snapshot from front to back, in large steps on a thread of its own. It gets its name
// only once all of it is on the disk. Not thread-safe. After an error it takes nothing more; what
// was not finished is removed with it.
class SnapshotWriter {
 public:
  // `files` must outlive it; the folder must be there.
  static absl::StatusOr<std::unique_ptr<SnapshotWriter>> Begin(base::FileSystem& files,
                                                               const std::string& folder,
                                                               const SnapshotFacts& facts);
  ~SnapshotWriter();
  SnapshotWriter(const SnapshotWriter&) = delete;
  SnapshotWriter& operator=(const SnapshotWriter&) = delete;

  // Appends to a section; `bytes` are at most kSnapshotPayloadBytesMax, are copied, and come back
  // in one piece. A chunk holds several such pieces of one section. RESOURCE_EXHAUSTED when the
  // disk is full.
  absl::Status Add(uint32_t section, absl::string_view bytes);
  // The snapshot is durable, under its name, when this returns OK. Call at most once.
  absl::Status Finish();

  uint64_t file_bytes() const { return file_bytes_ + used_; }  // So far.

 private:
  SnapshotWriter(base::FileSystem& files, std::string folder, const SnapshotFacts& facts);
  absl::Status AddToChunk(uint32_t section, absl::string_view bytes);
  absl::Status Write();
  absl::Status OpenChunk(uint32_t section);
  void CloseChunk();
  // A block at the end of what is buffered, with its checksum.
  template <typename Fields>
  void PutBlock(const Fields& fields);
  void PutChecksum(char* frame, uint64_t bytes);
  absl::Status Flush();
  absl::Status WriteInPieces(uint64_t offset, uint64_t bytes);
  absl::Status Drain();

  base::FileSystem& files_;
  const std::string folder_;
  const SnapshotFacts facts_;
  std::unique_ptr<base::File> file_;
  bool renamed_ = false;
  absl::Status failed_;

  AlignedBuffer buffer_;           // Filled while
  AlignedBuffer written_;          // this one is written.
  uint64_t file_bytes_ = 0;        // Flushed: where buffer_ goes.
  uint64_t used_ = 0;              // Of buffer_.
  std::optional<uint64_t> chunk_;  // Where in buffer_ the open chunk begins.
  SnapshotChunkHeader header_{};   // The open chunk's.
  SnapshotEnd end_{};              // Totals so far.
  base::Sha256 checksums_;
  // Last: its destructor waits for the thread that uses the others.
  std::future<absl::Status> writing_;
};

// Reads a snapshot from front to back, checking every byte. Not thread-safe.
class SnapshotReader {
 public:
  // NOT_FOUND without one; DATA_LOSS naming file and byte when its first or last block is not
  // whole. `files` must outlive it.
  static absl::StatusOr<std::unique_ptr<SnapshotReader>> Open(base::FileSystem& files,
                                                              const std::string& folder,
                                                              uint64_t position);

  const SnapshotFacts& facts() const { return facts_; }
  // Of all chunks together.
  uint64_t payload_bytes() const { return end_.payload_bytes; }

  struct Chunk {
    uint32_t section;
    absl::string_view bytes;  // Valid until the next Next().
  };
  // The next chunk, in the order in which they were written; nullptr when all were given, and then
  // all of the file has been found whole. Nothing may be kept of a snapshot that gave DATA_LOSS,
  // which names file and byte: use the one before it, and the log.
  absl::StatusOr<const Chunk*> Next();

 private:
  SnapshotReader(std::string path, std::unique_ptr<base::File> file, uint64_t file_bytes);
  absl::Status ReadHeader(uint64_t position);
  absl::Status ReadEnd();
  absl::StatusOr<const Chunk*> CheckEnd();
  absl::Status Damaged(uint64_t offset, absl::string_view what) const;

  const std::string path_;
  const std::unique_ptr<base::File> file_;
  const uint64_t file_bytes_;
  SnapshotFacts facts_;
  SnapshotEnd end_{};
  uint64_t chunks_ = 0;  // Given so far, like
  uint64_t payload_bytes_ = 0;
  base::Sha256 checksums_;
  Chunk chunk_{};
  ReadAhead read_ahead_;
};

}  // namespace ledger
