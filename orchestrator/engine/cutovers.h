#pragma once

#include <string>
#include <vector>

#include "hamisha/ledger/v1/node.pb.h"

namespace orchestrator {

// How two certificates of one cutover (shard and epoch) differ in what they state: both signers and
// the first field; "" when they state the same, or are not both of one cutover.
std::string CutoverContradiction(const hamisha::ledger::v1::Signed& one,
                                 const hamisha::ledger::v1::Signed& other);

// Of each cutover, what contradicts the first of its certificates.
std::vector<std::string> CutoverContradictions(
    const std::vector<hamisha::ledger::v1::Signed>& certificates);

}  // namespace orchestrator
