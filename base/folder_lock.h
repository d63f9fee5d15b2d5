#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace base {

// At most one process works in a folder: holds FOLDER/lock until destroyed, or until the process
// ends in any way.
class FolderLock {
 public:
  // Creates the folder where needed. FAILED_PRECONDITION when another process, or another part of
  // this one, holds it.
  static absl::StatusOr<FolderLock> Take(const std::string& folder);
  FolderLock(FolderLock&& other) noexcept : descriptor_(other.descriptor_) {
    other.descriptor_ = -1;
  }
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace base
