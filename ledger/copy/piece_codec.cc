#include "ledger/copy/piece_codec.h"

#include <zstd.h>

#include <cstring>

#include "base/hash.h"
#include "base/invariant.h"
#include "ledger/copy/piece_plan.h"

namespace ledger {

PieceEncoder::PieceEncoder() : context_(ZSTD_createCCtx()) { INVARIANT(context_ != nullptr); }
PieceEncoder::~PieceEncoder() { ZSTD_freeCCtx(context_); }

void PieceEncoder::Encode(absl::string_view raw, int level, pb::CopyChunk& chunk) {
  chunk.set_raw_bytes(static_cast<uint32_t>(raw.size()));
  chunk.set_checksum(base::Checksum64(raw.data(), raw.size()));
  std::string& data = *chunk.mutable_data();
  if (level > 0) {
    data.resize(ZSTD_compressBound(raw.size()));
    const size_t bytes =
        ZSTD_compressCCtx(context_, data.data(), data.size(), raw.data(), raw.size(), level);
    // The bound leaves it no other error than memory.
    INVARIANT(ZSTD_isError(bytes) == 0);
    data.resize(bytes);
    chunk.set_compressed(bytes < raw.size());
    if (chunk.compressed()) return;
  }
  chunk.set_compressed(false);
  data.assign(raw.data(), raw.size());
}

PieceDecoder::PieceDecoder() : context_(ZSTD_createDCtx()) { INVARIANT(context_ != nullptr); }
PieceDecoder::~PieceDecoder() { ZSTD_freeDCtx(context_); }

absl::Status PieceDecoder::Decode(const pb::CopyChunk& chunk, char* raw) {
  const std::string& data = chunk.data();
  const absl::Status damaged = absl::DataLossError("a piece was damaged on its way");
  if (chunk.raw_bytes() == 0 || chunk.raw_bytes() > kPieceBytes) return damaged;
  if (chunk.compressed()) {
    const size_t bytes = ZSTD_decompressDCtx(context_, raw, kPieceBytes, data.data(), data.size());
    if (ZSTD_isError(bytes) != 0 || bytes != chunk.raw_bytes()) return damaged;
  } else {
    if (data.size() != chunk.raw_bytes()) return damaged;
    std::memcpy(raw, data.data(), data.size());
  }
  return base::Checksum64(raw, chunk.raw_bytes()) == chunk.checksum() ? absl::OkStatus() : damaged;
}

}  // namespace ledger
