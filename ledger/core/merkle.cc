#include "ledger/core/merkle.h"

#include "base/invariant.h"

namespace ledger {

base::Hash256 MerkleLeaf(absl::string_view data) {
  return base::Sha256().Update("\0", 1).Update(data).Finish();
}

base::Hash256 MerkleNode(const base::Hash256& left, const base::Hash256& right) {
  return base::Sha256()
      .Update("\1", 1)
      .Update(left.data(), left.size())
      .Update(right.data(), right.size())
      .Finish();
}

base::Hash256 MerkleOfNothing() { return base::Sha256Of(""); }

base::Hash256 MerkleRoot(absl::Span<base::Hash256> hashes) {
  INVARIANT(!hashes.empty());
  for (size_t count = hashes.size(); count > 1; count = (count + 1) / 2) {
    for (size_t i = 0; i + 1 < count; i += 2) hashes[i / 2] = MerkleNode(hashes[i], hashes[i + 1]);
    if (count % 2 == 1) hashes[count / 2] = hashes[count - 1];
  }
  return hashes[0];
}

}  // namespace ledger
