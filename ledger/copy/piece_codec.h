#pragma once

#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "hamisha/ledger/v1/copy.pb.h"

// zstd's contexts, as its header declares them.
struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace ledger {

// Packs pieces. Not thread-safe.
class PieceEncoder {
 public:
  static constexpr int kLevelMax = 9;

  PieceEncoder();
  ~PieceEncoder();
  PieceEncoder(const PieceEncoder&) = delete;
  PieceEncoder& operator=(const PieceEncoder&) = delete;

  // Fills in how `raw`, at most a piece, is sent: as it is at level 0, and where compression gains
  // nothing.
  void Encode(absl::string_view raw, int level, ::hamisha::ledger::v1::CopyChunk& chunk);

 private:
  ZSTD_CCtx_s* const context_;
};

// Unpacks them. Not thread-safe.
class PieceDecoder {
 public:
  PieceDecoder();
  ~PieceDecoder();
  PieceDecoder(const PieceDecoder&) = delete;
  PieceDecoder& operator=(const PieceDecoder&) = delete;

  // Puts the chunk's raw bytes at `raw`, which has room for a piece. DATA_LOSS when they are not
  // what was sent.
  absl::Status Decode(const ::hamisha::ledger::v1::CopyChunk& chunk, char* raw);

 private:
  ZSTD_DCtx_s* const context_;
};

}  // namespace ledger
