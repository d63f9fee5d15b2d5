#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace base {

// What memory, offset and length of every read and write of a file opened with OpenDirect() must
// be multiples of.
inline constexpr uint64_t kDirectAlignment = 4'096;

// An open file. Errors name the path and carry errno's text; ENOSPC is RESOURCE_EXHAUSTED.
// Not thread-safe, but reads may go on beside one writer.
class File {
 public:
  virtual ~File() = default;

  // Exactly `bytes` at `offset`; OUT_OF_RANGE when the file ends before.
  virtual absl::Status ReadAt(uint64_t offset, void* data, size_t bytes) const = 0;
  // All of `data` at `offset`, growing the file where needed.
  virtual absl::Status WriteAt(uint64_t offset, absl::string_view data) = 0;
  // Data and the size are on the disk when it returns OK. After an error nothing may be assumed
  // about what was written since the last OK: the caller must stop.
  virtual absl::Status Sync() = 0;
  // Reserves disk blocks for [0, bytes) and makes the file that long; the new part reads as zeros.
  virtual absl::Status Preallocate(uint64_t bytes) = 0;
  virtual absl::Status Truncate(uint64_t bytes) = 0;
  virtual absl::StatusOr<uint64_t> Size() const = 0;
};

enum class IfMissing { kCreate, kFail };

// The one way to the disk. Safe for any thread.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // Opens for reading and writing, creating an empty file where there is none.
  virtual absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path) = 0;
  // Opens a file that is read and written past the page cache where the file system can, else
  // through it. Either way the caller aligns all it does to kDirectAlignment, and syncs. NOT_FOUND
  // when it is missing and must not be created.
  virtual absl::StatusOr<std::unique_ptr<File>> OpenDirect(const std::string& path,
                                                           IfMissing if_missing) = 0;
  virtual absl::StatusOr<std::string> Read(const std::string& path) = 0;  // NOT_FOUND without it.
  // Replaces the whole file durably: written beside it, synced, renamed, folder synced. After a
  // crash it holds the old content or the new.
  virtual absl::Status Replace(const std::string& path, absl::string_view content) = 0;
  virtual absl::Status CreateFolders(const std::string& path) = 0;  // With parents; fine if there.
  virtual absl::Status SyncFolder(const std::string& path) = 0;
  // Gives `from` the name `to`, in place of what had it. Durable once the folder is synced; a crash
  // before leaves the file under one of the two names.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  // Gives the file `from` the second name `to`, which must be free: neither is a copy. Durable once
  // the folder is synced.
  virtual absl::Status Link(const std::string& from, const std::string& to) = 0;
  virtual absl::Status Remove(const std::string& path) = 0;
  // A file, or a folder with all that is in it; fine when there is nothing. Not durable: what was
  // removed may be there again after a crash.
  virtual absl::Status RemoveAll(const std::string& path) = 0;
  // Names, sorted; not the paths.
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& path) = 0;
  virtual bool Exists(const std::string& path) = 0;
  // Whether the file has a second name (Link): then what is done to its content is done to both.
  virtual absl::StatusOr<bool> IsLinked(const std::string& path) = 0;
};

// The machine's file system. Lives for ever.
FileSystem& SystemFileSystem();

}  // namespace base
