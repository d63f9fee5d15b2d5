#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "base/hash.h"
#include "ledger/core/state_image.h"
#include "ledger/core/state_machine.h"

namespace ledger {

// The two kinds of rows that a ledger consists of.
enum class ImageTable : uint8_t { kAccounts = 1, kPendings = 2 };

// Neither side alone chooses what a challenge hashes with: SHA-256 over what both drew.
base::Hash256 ChallengeNonce(const base::Hash256& drawn_by_primary,
                             const base::Hash256& drawn_by_asker);

// The digest of all that an image holds, from scratch and with a nonce, and the digests of its
// parts, by which two nodes find where they differ: ledger/FORMAT.md, "Challenge".
//
// Made of parts that different threads may hash at the same time, each once; then Finish().
class Challenge {
 public:
  static constexpr uint64_t kRangeRows = 256;
  static constexpr uint64_t kChunkRanges = 256;
  static constexpr uint64_t kChunkRows = kRangeRows * kChunkRanges;

  // The image is prepared and outlives it.
  Challenge(const StateImage& image, const base::Hash256& nonce);

  size_t parts() const { return accounts_.chunks.size() + pendings_.chunks.size(); }
  void HashPart(size_t part);
  void Finish();

  // --- After Finish() ---
  const base::Hash256& digest() const { return digest_; }
  // Sums over all accounts, each looked at.
  const Totals& totals() const { return totals_; }
  absl::Span<const base::Hash256> chunks(ImageTable table) const { return Of(table).chunks; }
  absl::Span<const base::Hash256> ranges(ImageTable table) const { return Of(table).ranges; }

  const StateImage& image() const { return image_; }
  const base::Hash256& nonce() const { return nonce_; }

 private:
  struct Digests {
    std::vector<base::Hash256> ranges;
    std::vector<base::Hash256> chunks;
  };
  static Digests ForRows(uint64_t rows);
  const Digests& Of(ImageTable table) const {
    return table == ImageTable::kAccounts ? accounts_ : pendings_;
  }
  template <typename Row, typename Read, typename See>
  void HashChunk(ImageTable table, uint64_t chunk, const Read& read, const See& see);

  const StateImage& image_;
  const base::Hash256 nonce_;
  Digests accounts_;
  Digests pendings_;
  std::vector<std::vector<CurrencyTotals>> chunk_sums_;  // Of each chunk of accounts.
  base::Hash256 digest_{};
  Totals totals_;
};

}  // namespace ledger
