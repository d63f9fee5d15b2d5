#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "base/hash.h"
#include "ledger/storage/log.h"

namespace ledger {

// A log that is written as the node writes it: records in a chain.
struct LogWriter {
  std::unique_ptr<Log> log;
  uint64_t position = 0;              // Of the last record that was added.
  base::Hash256 hash{};               // Of that record.
  std::vector<base::Hash256> hashes;  // Of the records read back, from first_position() on.
  Frame frame;

  // Opens the log and reads all of it back: DATA_LOSS when it is no chain.
  static absl::StatusOr<LogWriter> Open(base::FileSystem& files, const LogOptions& options);

  // A record of `events` transfers.
  void Add(size_t events);
  absl::Status Append(size_t events);
};

}  // namespace ledger
