#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "hamisha/ledger/v1/verification.pb.h"
#include "ledger/core/challenge.h"

namespace ledger {

namespace pb = ::hamisha::ledger::v1;

inline constexpr size_t kDifferencesMax = 10;

// A part of what a finished challenge covers, as far as the table goes. INVALID_ARGUMENT for what
// is asked wrongly.
absl::StatusOr<pb::ImagePart> ReadPart(const Challenge& challenge,
                                       const pb::ReadImageRequest& request);

// One side of a search: a node's parts of a challenge, wherever they are.
using ReadImage = std::function<absl::StatusOr<pb::ImagePart>(const pb::ReadImageRequest&)>;
struct ImageSide {
  pb::ChallengeState state;
  ReadImage read;
};

struct FoundDifferences {
  std::vector<pb::RowDifference>
      rows;                // The first, at most kDifferencesMax; then the shard's facts.
  uint32_t exchanges = 0;  // Calls of `there.read`.
};

// Where two sides of the challenge of one position differ: through digests of chunks, then of
// ranges, to rows, three exchanges for one difference, whatever the number of rows.
absl::StatusOr<FoundDifferences> FindDifferences(uint32_t shard, const ImageSide& here,
                                                 const ImageSide& there);

}  // namespace ledger
