#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace benchmarks {

// A folder of its own on the disk that is measured; gone with all it holds when destroyed.
class Folder {
 public:
  // PARENT/NAME-XXXXXX, which only this user can read.
  static absl::StatusOr<std::unique_ptr<Folder>> Create(const std::string& parent,
                                                        const std::string& name);
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit Folder(std::string path) : path_(std::move(path)) {}
  const std::string path_;
};

}  // namespace benchmarks
