// RFC 6962, section 2.1, for SHA-256: how the leaves of a state root come together.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/hash.h"

namespace ledger {

base::Hash256 MerkleLeaf(absl::string_view data);
base::Hash256 MerkleNode(const base::Hash256& left, const base::Hash256& right);
// Of a tree without leaves.
base::Hash256 MerkleOfNothing();

// The hash of a tree with these leaves, or with these subtrees of equal height, of which the last
// may be smaller: neighbours are paired, level by level, and who has none goes up as it is. Uses
// `hashes`, which are not empty, as its workplace.
base::Hash256 MerkleRoot(absl::Span<base::Hash256> hashes);

}  // namespace ledger
