#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "hamisha/ledger/v1/verification.pb.h"
#include "ledger/core/types.h"

namespace ledger {

// What an auditor was given, as paths of JSON files.
struct CutoverFiles {
  std::vector<std::string> certificates;  // A Signed each, as in the run's journal.
  std::string proof;                      // An AccountProof; "" for none.
  std::string keys;                       // A NodeConfig, or only its members.
};

// Checks all signatures, that owner and successor both signed and state the same, and that the
// proof leads to their state root; asks nobody. What they state, as JSON: {"signers": […],
// "statement": {…}, "account": {…}}. The status says which file does not hold, and why;
// FAILED_PRECONDITION whose certificate is missing.
absl::StatusOr<std::string> CheckCutover(base::FileSystem& files, const CutoverFiles& given);

// An AccountProof as the file that it goes into.
std::string ToJson(const hamisha::ledger::v1::AccountProof& proof);

// 32 hexadecimal digits, or INVALID_ARGUMENT.
absl::StatusOr<Id128> ParseAccountId(const std::string& digits);

}  // namespace ledger
