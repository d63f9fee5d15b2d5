#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "hamisha/ledger/v1/verification.pb.h"
#include "ledger/core/challenge.h"
#include "ledger/core/state_tree.h"

namespace ledger {

namespace pb = ::hamisha::ledger::v1;

inline constexpr size_t kDifferencesMax = 10;

// A part of what a finished challenge covers, as far as the table goes. INVALID_ARGUMENT for what
// is asked wrongly.
absl::StatusOr<pb::ImagePart> ReadPart(const Challenge& challenge,
                                       const pb::ReadImageRequest& request);
// The same for a request `of_tree`: digests of the state root's tree and rows, both of one
// position.
absl::StatusOr<pb::ImagePart> ReadTreePart(const StateImage& image, const TreeDigests& tree,
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
  uint32_t exchanges = 0;  // Calls of `there.read`, and
  uint64_t bytes = 0;      // what went both ways in them.
};

// The digests that a search goes down by. Those of a challenge tell all rows as they are; those of
// the tree are there without hashing, and tell what the state root was found from.
enum class SearchBy { kChallenge, kTree };

// Where two sides of the challenge of one position differ: through digests of chunks, then of
// ranges, to rows, three exchanges for one difference, whatever the number of rows.
absl::StatusOr<FoundDifferences> FindDifferences(uint32_t shard, const ImageSide& here,
                                                 const ImageSide& there,
                                                 SearchBy by = SearchBy::kChallenge);

}  // namespace ledger
