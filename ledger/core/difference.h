#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/hash.h"
#include "hamisha/ledger/v1/verification.pb.h"
#include "ledger/core/state_image.h"

namespace ledger {

namespace pb = ::hamisha::ledger::v1;

// The numbers of the first `limit` digests that differ; one that only one side has does.
std::vector<uint64_t> DifferentDigests(absl::Span<const base::Hash256> here,
                                       absl::Span<const base::Hash256> there, size_t limit);

// What differs between the same range of rows on two sides.
struct RangeDifference {
  std::vector<pb::RowDifference> rows;
  // One side has a row that the other has not: rows behind it have other numbers there.
  bool is_shifted = false;
};

// `is_end`: nothing comes behind the range on either side.
RangeDifference CompareRows(absl::Span<const Account> here, absl::Span<const Account> there,
                            bool is_end);
RangeDifference CompareRows(absl::Span<const PendingFacts> here,
                            absl::Span<const PendingFacts> there, bool is_end);

pb::StateFacts ToProto(const ImageFacts& facts);
// Facts of the shard that differ; no fields when none does.
pb::RowDifference CompareFacts(uint32_t shard, const pb::StateFacts& here,
                               const pb::StateFacts& there);

// "account 17: credits_posted is 5 at 'a', 6 at 'b'".
std::string Describe(const pb::RowDifference& difference, absl::string_view here,
                     absl::string_view there);

}  // namespace ledger
