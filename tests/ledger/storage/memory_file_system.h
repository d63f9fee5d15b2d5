#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/file_system.h"

// A disk in memory that fails when told, and forgets at a crash what was not synced. Folders need
// not be created. Safe for any thread. Files must not be used after it.
class MemoryFileSystem final : public base::FileSystem {
 public:
  struct Content {
    std::string now;
    std::string synced;
    bool linked = false;  // The folder was synced after it was created.
  };

  // The operation after `operations` more that change anything fails, and all after it. Half of a
  // failing write is written.
  void FailAfter(int operations);
  // From now on nothing fails. True when something had.
  bool StopFailing();
  // The machine went down: only what was synced is left.
  void Crash();

  std::string& Bytes(const std::string& path);  // NOLINT: tests change them as they like.
  bool Has(const std::string& path);
  void Erase(const std::string& path);
  int changes();  // Operations so far that change anything.

  absl::StatusOr<std::unique_ptr<base::File>> Open(const std::string& path) override;
  absl::StatusOr<std::string> Read(const std::string& path) override;
  absl::Status Replace(const std::string& path, absl::string_view content) override;
  absl::Status CreateFolders(const std::string& path) override;
  absl::Status SyncFolder(const std::string& path) override;
  absl::Status Remove(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  bool Exists(const std::string& path) override;

 private:
  friend class MemoryFile;
  absl::Status Change(absl::string_view what);

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Content>> files_;
  int changes_ = 0;
  int left_ = -1;  // Operations until one fails; -1: never.
  bool failed_ = false;
};
