#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "hamisha/ledger/v1/copy.pb.h"
#include "ledger/copy/piece_plan.h"
#include "ledger/storage/aligned_buffer.h"

// zstd's contexts, as its header declares them.
struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace ledger {

// Room for a piece however it is packed.
inline constexpr uint64_t kPackedBytesMax = kPieceBytes + (64 << 10);

// Packs pieces. Not thread-safe.
class PieceEncoder {
 public:
  static constexpr int kLevelMax = 9;

  PieceEncoder();
  ~PieceEncoder();
  PieceEncoder(const PieceEncoder&) = delete;
  PieceEncoder& operator=(const PieceEncoder&) = delete;

  // Sets what the chunk says of `raw`, at most a piece, but not its data, which is returned: in
  // `room`, of kPackedBytesMax, or `raw` itself, at level 0 and where compression gains nothing.
  absl::string_view Encode(absl::string_view raw, int level, char* room, pb::CopyChunk& chunk);

 private:
  ZSTD_CCtx_s* const context_;
};

// A message with all that `chunk` says and the data. Data are not copied, which matters at a GB a
// second: they are in `buffer`, which is held for as long as gRPC needs it.
grpc::ByteBuffer ToMessage(const pb::CopyChunk& chunk, absl::string_view data,
                           std::shared_ptr<const AlignedBuffer> buffer);

// Unpacks them. Not thread-safe.
class PieceDecoder {
 public:
  PieceDecoder();
  ~PieceDecoder();
  PieceDecoder(const PieceDecoder&) = delete;
  PieceDecoder& operator=(const PieceDecoder&) = delete;

  // Reads a CopyChunk, but for its data, and puts the raw bytes at `raw`, which has room for a
  // piece. DATA_LOSS when they are not what was sent.
  absl::Status Decode(grpc::ByteBuffer message, pb::CopyChunk& chunk, char* raw);

 private:
  ZSTD_DCtx_s* const context_;
  const AlignedBuffer packed_{kPieceBytes};
};

}  // namespace ledger
