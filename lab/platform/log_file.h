#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "base/file_system.h"

namespace lab {

// What a process has written, while it goes on writing. A file that is not there yet is empty.
class LogFile {
 public:
  LogFile(base::FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  uint64_t Size() const;
  // From `offset` on, at most the last MiB of it; advances `offset` to the end.
  std::string ReadFrom(uint64_t& offset) const;
  // The last lines, for a message about the end of the process.
  std::string LastLines(size_t count) const;

 private:
  base::FileSystem& files_;
  std::string path_;
};

}  // namespace lab
