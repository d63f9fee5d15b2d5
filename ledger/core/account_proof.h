#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "hamisha/ledger/v1/verification.pb.h"
#include "ledger/core/state_tree.h"
#include "ledger/core/types.h"

namespace ledger {

namespace pb = ::hamisha::ledger::v1;

// That the account in row `row` is under the tree's root. `bucket`: all accounts of its bucket.
pb::AccountProof ProveAccount(const StateTree& tree, uint64_t row,
                              absl::Span<const Account> bucket);

// Whether what a proof says of its account holds under the state root. INVALID_ARGUMENT says what
// does not.
absl::Status CheckProof(const pb::AccountProof& proof, absl::string_view state_root);

}  // namespace ledger
