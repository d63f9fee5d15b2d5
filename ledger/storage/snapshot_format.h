#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/hash.h"
#include "ledger/storage/aligned_buffer.h"

// How a snapshot stands in its file: ledger/FORMAT.md, "Snapshots".
namespace ledger {

inline constexpr uint64_t kSnapshotMagic = 0x3150'414e'534d'4148;       // "HAMSNAP1"
inline constexpr uint64_t kSnapshotChunkMagic = 0x4350'414e'534d'4148;  // "HAMSNAPC"
inline constexpr uint64_t kSnapshotEndMagic = 0x4550'414e'534d'4148;    // "HAMSNAPE"
inline constexpr uint32_t kSnapshotFormatVersion = 1;
inline constexpr uint64_t kSnapshotBlockBytes = base::kDirectAlignment;
inline constexpr uint64_t kSnapshotChunkBytesMax = 1 << 20;  // With header and padding.

// Alone in the first block.
struct SnapshotHeader {
  uint64_t checksum;  // XXH3 of the block behind this field. Likewise below.
  uint64_t magic;
  uint32_t format_version;
  uint32_t reserved_32;
  uint64_t shard;
  uint64_t position;
  uint64_t epoch;
  uint64_t timestamp_ns;
  base::Hash256 log_hash;
};

struct SnapshotChunkHeader {
  uint64_t checksum;  // Of the padded chunk.
  uint64_t magic;
  uint32_t section;
  uint32_t bytes;     // Of the payload: what is between header and padding.
  uint64_t position;  // The snapshot's.
  uint64_t offset;    // In the file.
  uint64_t number;    // 0, 1, 2, …
  uint64_t reserved_64[2];
};

// Alone in the last block.
struct SnapshotEnd {
  uint64_t checksum;
  uint64_t magic;
  uint64_t position;
  uint64_t offset;
  uint64_t chunks;
  uint64_t payload_bytes;
  base::Hash256 checksums_hash;  // SHA-256 of the header's checksum and those of all chunks.
};
static_assert(sizeof(SnapshotHeader) == 88 && sizeof(SnapshotChunkHeader) == 64 &&
              sizeof(SnapshotEnd) == 80);

inline uint64_t SnapshotChecksum(const char* frame, uint64_t bytes) {
  return base::Checksum64(frame + sizeof(uint64_t), bytes - sizeof(uint64_t));
}

}  // namespace ledger
