#include "ledger/core/image_search.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "ledger/core/difference.h"
#include "ledger/core/pending_table.h"

namespace ledger {
namespace {

constexpr uint32_t kDigestsMax = 65'536;  // As many as chunks can be.

template <typename T>
std::string ToBytes(absl::Span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

template <typename T>
absl::StatusOr<std::vector<T>> FromBytes(const std::string& bytes) {
  if (bytes.size() % sizeof(T) != 0) {
    return absl::DataLossError(
        absl::StrCat("the other node sent ", bytes.size(), " bytes, which are no whole rows"));
  }
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

struct Part {
  uint64_t first;
  uint64_t count;
};
Part Within(const pb::ReadImageRequest& request, uint64_t size, uint64_t most) {
  const uint64_t first = std::min<uint64_t>(request.first(), size);
  return {first, std::min({uint64_t{request.count()}, size - first, most})};
}

std::string Digests(absl::Span<const base::Hash256> all, const pb::ReadImageRequest& request) {
  const Part part = Within(request, all.size(), kDigestsMax);
  return ToBytes(all.subspan(part.first, part.count));
}

// The search for what differs; `exchanges_` counts what crosses between the nodes.
class Search {
 public:
  Search(const ImageSide& here, const ImageSide& there, SearchBy by)
      : here_(here), there_(there), is_of_tree_(by == SearchBy::kTree) {}

  template <typename Row>
  absl::Status Table(pb::ImageTable table, uint64_t rows_max) {
    const pb::ReadImageRequest all = Request(table, pb::IMAGE_LEVEL_CHUNKS, 0, kDigestsMax);
    ASSIGN_OR_RETURN(const std::vector<uint64_t> chunks, Different(all));
    for (const uint64_t chunk : chunks) {
      const uint64_t first = chunk * Challenge::kChunkRanges;
      const auto within =
          Request(table, pb::IMAGE_LEVEL_RANGES, first, uint32_t{Challenge::kChunkRanges});
      ASSIGN_OR_RETURN(const std::vector<uint64_t> ranges, Different(within));
      for (const uint64_t range : ranges) {
        ASSIGN_OR_RETURN(const bool goes_on, Range<Row>(table, first + range, rows_max));
        if (!goes_on) return absl::OkStatus();
      }
    }
    return absl::OkStatus();
  }

  FoundDifferences found;

 private:
  pb::ReadImageRequest Request(pb::ImageTable table, pb::ImageLevel level, uint64_t first,
                               uint32_t count) const {
    pb::ReadImageRequest request;
    request.set_nonce(here_.state.nonce());
    request.set_table(table);
    request.set_level(level);
    request.set_first(first);
    request.set_count(count);
    request.set_of_tree(is_of_tree_);
    return request;
  }

  absl::StatusOr<pb::ImagePart> ReadThere(const pb::ReadImageRequest& request) {
    ++found.exchanges;
    ASSIGN_OR_RETURN(pb::ImagePart part, there_.read(request));
    found.bytes += request.ByteSizeLong() + part.ByteSizeLong();
    if (part.of_tree() == is_of_tree_) return part;
    return absl::FailedPreconditionError(
        "the other node is of an earlier version, which keeps no tree to search by");
  }

  absl::StatusOr<std::vector<uint64_t>> Different(const pb::ReadImageRequest& request) {
    ASSIGN_OR_RETURN(const pb::ImagePart left, here_.read(request));
    ASSIGN_OR_RETURN(const pb::ImagePart right, ReadThere(request));
    ASSIGN_OR_RETURN(const auto here, FromBytes<base::Hash256>(left.digests()));
    ASSIGN_OR_RETURN(const auto there, FromBytes<base::Hash256>(right.digests()));
    return DifferentDigests(here, there, kDifferencesMax);
  }

  // False: nothing further is of use, or enough was found.
  template <typename Row>
  absl::StatusOr<bool> Range(pb::ImageTable table, uint64_t range, uint64_t rows_max) {
    const auto request = Request(table, pb::IMAGE_LEVEL_ROWS, range * Challenge::kRangeRows,
                                 uint32_t{Challenge::kRangeRows});
    ASSIGN_OR_RETURN(const pb::ImagePart left, here_.read(request));
    ASSIGN_OR_RETURN(const pb::ImagePart right, ReadThere(request));
    ASSIGN_OR_RETURN(const auto here, FromBytes<Row>(left.rows()));
    ASSIGN_OR_RETURN(const auto there, FromBytes<Row>(right.rows()));
    // Rows do not go from one bucket of the tree to the next.
    const bool is_bucket = is_of_tree_ && table == pb::IMAGE_TABLE_PENDINGS;
    const bool is_end = is_bucket || (range + 1) * Challenge::kRangeRows >= rows_max;
    RangeDifference difference = CompareRows(here, there, is_end);
    for (pb::RowDifference& row : difference.rows) {
      if (found.rows.size() == kDifferencesMax) return false;
      found.rows.push_back(std::move(row));
    }
    return (is_bucket || !difference.is_shifted) && found.rows.size() < kDifferencesMax;
  }

  const ImageSide& here_;
  const ImageSide& there_;
  const bool is_of_tree_;
};

absl::StatusOr<ImageTable> TableOf(const pb::ReadImageRequest& request) {
  if (request.table() == pb::IMAGE_TABLE_ACCOUNTS) return ImageTable::kAccounts;
  if (request.table() == pb::IMAGE_TABLE_PENDINGS) return ImageTable::kPendings;
  return absl::InvalidArgumentError("say which table: accounts or pendings");
}

struct TableDigests {
  absl::Span<const base::Hash256> chunks;
  absl::Span<const base::Hash256> ranges;
};

// Of any level but rows, which `read_rows` gives.
template <typename ReadRows>
absl::StatusOr<pb::ImagePart> Read(const TableDigests& digests, const pb::ReadImageRequest& request,
                                   const ReadRows& read_rows) {
  pb::ImagePart part;
  part.set_of_tree(request.of_tree());
  const pb::ImageLevel level = request.level();
  if (level == pb::IMAGE_LEVEL_CHUNKS || level == pb::IMAGE_LEVEL_RANGES) {
    const bool is_chunks = level == pb::IMAGE_LEVEL_CHUNKS;
    part.set_digests(Digests(is_chunks ? digests.chunks : digests.ranges, request));
    return part;
  }
  if (level != pb::IMAGE_LEVEL_ROWS) {
    return absl::InvalidArgumentError("say which level: chunks, ranges or rows");
  }
  part.set_rows(read_rows());
  return part;
}

std::string Accounts(const StateImage& image, const pb::ReadImageRequest& request) {
  const Part of = Within(request, image.facts().accounts, Challenge::kRangeRows);
  std::vector<Account> rows(of.count);
  image.ReadAccounts(of.first, absl::MakeSpan(rows));
  return ToBytes(absl::MakeConstSpan(rows));
}

std::string Pendings(const StateImage& image, const pb::ReadImageRequest& request) {
  const Part of = Within(request, image.facts().pendings, Challenge::kRangeRows);
  std::vector<PendingFacts> rows(of.count);
  image.ReadPendings(of.first, absl::MakeSpan(rows));
  return ToBytes(absl::MakeConstSpan(rows));
}

std::string PendingsOfBucket(const StateImage& image, const pb::ReadImageRequest& request) {
  const uint64_t bucket = request.first() / Challenge::kRangeRows;
  if (bucket >= PendingTable::kBuckets) return "";
  const auto rows = image.PendingsOfBucket(static_cast<uint16_t>(bucket));
  return ToBytes(absl::MakeConstSpan(rows));
}

}  // namespace

absl::StatusOr<pb::ImagePart> ReadPart(const Challenge& challenge,
                                       const pb::ReadImageRequest& request) {
  ASSIGN_OR_RETURN(const ImageTable table, TableOf(request));
  return Read({.chunks = challenge.chunks(table), .ranges = challenge.ranges(table)}, request, [&] {
    const StateImage& image = challenge.image();
    return table == ImageTable::kAccounts ? Accounts(image, request) : Pendings(image, request);
  });
}

absl::StatusOr<pb::ImagePart> ReadTreePart(const StateImage& image, const TreeDigests& tree,
                                           const pb::ReadImageRequest& request) {
  ASSIGN_OR_RETURN(const ImageTable table, TableOf(request));
  const bool is_accounts = table == ImageTable::kAccounts;
  const TreeDigests::Table& digests = is_accounts ? tree.accounts : tree.pendings;
  return Read({.chunks = digests.chunks, .ranges = digests.ranges}, request, [&] {
    return is_accounts ? Accounts(image, request) : PendingsOfBucket(image, request);
  });
}

absl::StatusOr<FoundDifferences> FindDifferences(uint32_t shard, const ImageSide& here,
                                                 const ImageSide& there, SearchBy by) {
  const pb::StateFacts& mine = here.state.facts();
  const pb::StateFacts& theirs = there.state.facts();
  Search search(here, there, by);
  RETURN_IF_ERROR(search.Table<Account>(pb::IMAGE_TABLE_ACCOUNTS,
                                        std::max(mine.accounts(), theirs.accounts())));
  if (search.found.rows.size() < kDifferencesMax) {
    RETURN_IF_ERROR(search.Table<PendingFacts>(
        pb::IMAGE_TABLE_PENDINGS, std::max(mine.open_pendings(), theirs.open_pendings())));
  }
  FoundDifferences found = std::move(search.found);
  pb::RowDifference facts = CompareFacts(shard, mine, theirs);
  if (facts.fields_size() > 0) found.rows.push_back(std::move(facts));
  return found;
}

}  // namespace ledger
