#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "base/hash.h"
#include "hamisha/ledger/v1/verification.pb.h"
#include "ledger/core/types.h"

namespace ledger {

// What a shard's log amounts to at its last record.
struct Replayed {
  uint32_t shard = 0;
  uint64_t position = 0;
  base::Hash256 log_hash{};
  base::Hash256 state_root{};
  uint64_t roots = 0;  // State roots that checkpoints say, each found again.
  uint64_t accounts = 0;
  uint64_t transfers = 0;
};

// Executes every record of the log in DATA_DIR on an empty ledger in memory: no snapshot and no
// history is looked at, and nothing but the folder's lock is touched. FAILED_PRECONDITION while a
// node runs there, or when the log does not begin at record 1; DATA_LOSS when records do not
// follow one another, or a checkpoint's state root is not the one that is found.
absl::StatusOr<Replayed> ReplayLog(base::FileSystem& files, const std::string& data_dir,
                                   uint32_t shard);

// That the account stood so at `position`, by executing the log up to there: the same, and
// NOT_FOUND when there is no such account or position.
struct AccountAt {
  uint32_t shard = 0;
  uint64_t position = 0;
  Id128 account;
};
absl::StatusOr<hamisha::ledger::v1::AccountProof> ProveFromLog(base::FileSystem& files,
                                                               const std::string& data_dir,
                                                               const AccountAt& wanted);

// One object on one line; hashes in hexadecimal.
std::string ToJson(const Replayed& replayed);

}  // namespace ledger
