#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "hamisha/agent/v1/log.pb.h"

namespace agents {

// What an agent has done, in one append-only file of frames:
//
//   u32 length | u64 XXH3 of length and payload | payload: a serialized LogBatch (little-endian)
//
// A frame is synced before the next one is written, so only the last can be torn by a crash. It is
// cut off when the log is opened; damage before an intact frame is DATA_LOSS that names the byte.
// Not thread-safe.
class Log {
 public:
  // Opens or creates it and reads all entries. Everything read is durable when this returns.
  static absl::StatusOr<std::unique_ptr<Log>> Open(base::FileSystem& files,
                                                   const std::string& path);

  // Entries found by Open(), in order; the caller may move them away.
  std::vector<hamisha::agent::v1::LogEntry>& recovered() { return recovered_; }

  // Durable when it returns OK. After an error the program must end: nothing is known of the file.
  absl::Status Append(const hamisha::agent::v1::LogBatch& batch);

 private:
  Log(std::unique_ptr<base::File> file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}
  absl::Status Read();

  std::unique_ptr<base::File> file_;
  std::string path_;
  uint64_t end_ = 0;  // Where the next frame begins.
  std::vector<hamisha::agent::v1::LogEntry> recovered_;
};

}  // namespace agents
