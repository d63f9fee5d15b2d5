#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/storage/snapshots.h"
#include "tests/ledger/storage/log_writer.h"
#include "tests/ledger/storage/memory_file_system.h"

namespace ledger {

// A node's life on one disk: it appends, takes snapshots, prunes, trims and starts again; and what
// it was told is durable. A snapshot's content is a function of its position.
class DiskScenario {
 public:
  explicit DiskScenario(MemoryFileSystem& files) : files_(files) {}

  // Opens what is there. INTERNAL when something acknowledged is missing and nothing said so.
  absl::Status Start();
  // After a clean end. Without one, damage to the very last frame may go unnoticed.
  absl::Status Restart();
  void Stop() { writer_.reset(); }
  // A frame of `records` records of `events` transfers each.
  absl::Status Append(int records, size_t events);
  // A mark, as at a clean end.
  absl::Status Mark();
  // At the durable position; prunes and trims after it.
  absl::Status TakeSnapshot();

  // The same life every time, over several segments, until something fails.
  absl::Status Run();
  // Another one for each seed.
  absl::Status RunRandomly(std::mt19937& random);

  // What is wrong with what is on the disk now; OK when nothing is, DATA_LOSS when damage was found
  // and named. Goes on with the life for a while when nothing is.
  absl::StatusOr<std::string> Examine();

  uint64_t acknowledged() const { return acknowledged_; }

 private:
  std::string ExamineLog();
  absl::StatusOr<std::string> ExamineSnapshots();

  MemoryFileSystem& files_;
  std::unique_ptr<LogWriter> writer_;
  std::unique_ptr<Snapshots> snapshots_;
  uint64_t acknowledged_ = 0;
  std::map<uint64_t, base::Hash256> hashes_;  // Of all that was ever appended, by position.
};

}  // namespace ledger
