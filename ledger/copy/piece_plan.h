#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "hamisha/ledger/v1/copy.pb.h"

namespace ledger {

namespace pb = ::hamisha::ledger::v1;

// What is sent, checked and recorded at once: so much of a file, from a multiple of it on.
inline constexpr uint64_t kPieceBytes = 1 << 20;

struct Piece {
  uint32_t file;  // Its place in the manifest.
  uint64_t offset;
  uint64_t bytes;  // 1 to kPieceBytes.
};

// Which pieces of a copy are on the disk, written, on their way, or still missing. Pure; not
// thread-safe.
class PiecePlan {
 public:
  using Number = size_t;  // Of a piece: those of the first file first.

  explicit PiecePlan(const pb::CopyManifest& manifest);

  // The bits of IncomingCopy.pieces: those are on the disk. Bits too few or too many are left out.
  void Restore(absl::string_view bits);
  // The same with `written` as well.
  std::string Bits(const std::vector<Number>& written) const;

  // The first missing ones, at most `count`, which are on their way from now on.
  std::vector<Number> Take(size_t count);
  // Those of them that did not come are missing again.
  void GiveBack(const std::vector<Number>& taken);
  // False when it is none of those on their way.
  bool Written(Number number);
  std::vector<Number> written() const;
  void Durable(const std::vector<Number>& written);

  Piece At(Number number) const { return pieces_[number]; }
  size_t missing() const { return missing_; }
  bool IsDurable() const { return durable_ == pieces_.size(); }
  bool IsDurable(uint32_t file) const;
  uint64_t total_bytes() const { return total_bytes_; }
  uint64_t durable_bytes() const { return durable_bytes_; }
  // Of one file, written or on the disk.
  uint64_t there_bytes(uint32_t file) const { return there_bytes_[file]; }

 private:
  enum class Is : uint8_t { kMissing, kTaken, kWritten, kDurable };
  void MakeDurable(Number number);

  std::vector<Piece> pieces_;
  std::vector<Is> is_;
  std::vector<uint64_t> there_bytes_;  // By file.
  size_t first_missing_ = 0;           // None before it.
  size_t missing_ = 0;
  size_t durable_ = 0;
  uint64_t total_bytes_ = 0;
  uint64_t durable_bytes_ = 0;
};

}  // namespace ledger
