#include "ledger/core/challenge.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/invariant.h"

namespace ledger {
namespace {

constexpr char kNoncePrefix[16] = "hamisha.nonce.1";
constexpr char kRangePrefix[16] = "hamisha.range.1";
constexpr char kChunkPrefix[16] = "hamisha.chunk.1";
constexpr char kChallengePrefix[16] = "hamisha.chall.1";

uint64_t DivideUp(uint64_t number, uint64_t by) { return (number + by - 1) / by; }

template <size_t kBytes>
base::Sha256& Add(base::Sha256& sha, const char (&prefix)[kBytes]) {
  return sha.Update(prefix, kBytes);
}

base::Sha256& Add(base::Sha256& sha, absl::Span<const base::Hash256> hashes) {
  return sha.Update(hashes.data(), hashes.size() * sizeof(base::Hash256));
}

void AddTo(CurrencyTotals& sums, const CurrencyTotals& more) {
  sums.debits_posted += more.debits_posted;
  sums.credits_posted += more.credits_posted;
  sums.debits_pending += more.debits_pending;
  sums.credits_pending += more.credits_pending;
}

// Most accounts have the currency of the one before.
CurrencyTotals& SumsOf(uint32_t ledger, std::vector<CurrencyTotals>& sums) {
  if (!sums.empty() && sums.back().ledger == ledger) return sums.back();
  const auto found = std::find_if(sums.begin(), sums.end(), [ledger](const CurrencyTotals& one) {
    return one.ledger == ledger;
  });
  if (found == sums.end()) {
    sums.push_back({.ledger = ledger,
                    .debits_posted = 0,
                    .credits_posted = 0,
                    .debits_pending = 0,
                    .credits_pending = 0});
  } else {
    std::swap(*found, sums.back());
  }
  return sums.back();
}

}  // namespace

base::Hash256 ChallengeNonce(const base::Hash256& drawn_by_primary,
                             const base::Hash256& drawn_by_asker) {
  base::Sha256 sha;
  Add(sha, kNoncePrefix);
  sha.Update(drawn_by_primary.data(), drawn_by_primary.size());
  sha.Update(drawn_by_asker.data(), drawn_by_asker.size());
  return sha.Finish();
}

Challenge::Challenge(const StateImage& image, const base::Hash256& nonce)
    : image_(image),
      nonce_(nonce),
      accounts_(ForRows(image.facts().accounts)),
      pendings_(ForRows(image.facts().pendings)),
      chunk_sums_(accounts_.chunks.size()) {}

Challenge::Digests Challenge::ForRows(uint64_t rows) {
  Digests digests;
  digests.ranges.resize(DivideUp(rows, kRangeRows));
  digests.chunks.resize(DivideUp(rows, kChunkRows));
  return digests;
}

template <typename Row, typename Read, typename See>
void Challenge::HashChunk(ImageTable table, uint64_t chunk, const Read& read, const See& see) {
  const bool is_accounts = table == ImageTable::kAccounts;
  Digests& digests = is_accounts ? accounts_ : pendings_;
  const uint64_t rows = is_accounts ? image_.facts().accounts : image_.facts().pendings;
  const uint64_t first_range = chunk * kChunkRanges;
  const uint64_t end_range = std::min<uint64_t>(first_range + kChunkRanges, digests.ranges.size());
  base::Sha256 sha;
  std::array<Row, kRangeRows> buffer;
  for (uint64_t range = first_range; range < end_range; ++range) {
    const uint64_t first_row = range * kRangeRows;
    const absl::Span<Row> part(buffer.data(), std::min(kRangeRows, rows - first_row));
    read(first_row, part);
    see(absl::Span<const Row>(part));
    const uint64_t numbers[2] = {static_cast<uint64_t>(table), first_row};
    Add(sha, kRangePrefix).Update(nonce_.data(), nonce_.size()).Update(numbers, sizeof(numbers));
    digests.ranges[range] = sha.Update(part.data(), part.size() * sizeof(Row)).Finish();
  }
  Add(sha, kChunkPrefix);
  const auto ranges = absl::MakeConstSpan(digests.ranges);
  digests.chunks[chunk] = Add(sha, ranges.subspan(first_range, end_range - first_range)).Finish();
}

void Challenge::HashPart(size_t part) {
  if (part >= accounts_.chunks.size()) {
    const auto read = [this](uint64_t first, absl::Span<PendingFacts> rows) {
      image_.ReadPendings(first, rows);
    };
    HashChunk<PendingFacts>(ImageTable::kPendings, part - accounts_.chunks.size(), read,
                            [](absl::Span<const PendingFacts>) {});
    return;
  }
  const auto read = [this](uint64_t first, absl::Span<Account> rows) {
    image_.ReadAccounts(first, rows);
  };
  std::vector<CurrencyTotals> sums;
  HashChunk<Account>(ImageTable::kAccounts, part, read, [&sums](absl::Span<const Account> rows) {
    for (const Account& row : rows) {
      AddTo(SumsOf(row.ledger, sums), {.ledger = row.ledger,
                                       .debits_posted = row.debits_posted,
                                       .credits_posted = row.credits_posted,
                                       .debits_pending = row.debits_pending,
                                       .credits_pending = row.credits_pending});
    }
  });
  chunk_sums_[part] = std::move(sums);
}

void Challenge::Finish() {
  base::Sha256 sha;
  Add(sha, kChallengePrefix).Update(nonce_.data(), nonce_.size());
  sha.Update(&image_.facts(), sizeof(ImageFacts));
  Add(sha, accounts_.chunks);
  digest_ = Add(sha, pendings_.chunks).Finish();
  std::map<uint32_t, CurrencyTotals> by_ledger;
  for (const std::vector<CurrencyTotals>& sums : chunk_sums_) {
    for (const CurrencyTotals& one : sums) {
      const auto [entry, is_new] = by_ledger.try_emplace(one.ledger, one);
      if (!is_new) AddTo(entry->second, one);
    }
  }
  totals_ = {
      .accounts = image_.facts().accounts, .transfers = image_.facts().transfers, .currencies = {}};
  for (const auto& [ledger, sums] : by_ledger) totals_.currencies.push_back(sums);
}

}  // namespace ledger
