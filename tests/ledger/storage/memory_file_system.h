#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/file_system.h"

// What one operation that changes anything does instead.
struct DiskFault {
  enum class Kind {
    kError,        // Nothing, and says so.
    kShort,        // A write puts down half of its sectors and says so; others as kError.
    kFull,         // As kShort, saying that the disk is full.
    kMisdirected,  // A write lands `displacement` bytes away and says it is fine.
    kLost,         // A write is not done and says it is fine.
  };
  Kind kind = Kind::kError;
  int after = 0;  // Operations that come before it.
  int64_t displacement = 0;
};

// What a crash leaves of what was not synced.
enum class Unsynced {
  kForgotten,
  kKept,
  kSomeSectors,  // Of 512 bytes, by the seed; of the folders' changes the first so many.
  kSomeBlocks,   // The same with 4,096 bytes.
};

// A disk in memory that fails when told, and forgets at a crash what was not synced. Folders need
// not be created. Safe for any thread. Files must not be used after it.
class MemoryFileSystem final : public base::FileSystem {
 public:
  struct Content {
    std::string now;
    std::string synced;
  };

  // The operation after `operations` more that change anything fails, and all after it. Half of a
  // failing write is written.
  void FailAfter(int operations);
  // From now on nothing fails. True when something had.
  bool StopFailing();
  // One operation goes wrong, counted from now.
  void Plan(const DiskFault& fault);
  // What that operation was about, as "writing data/log/0001"; "" while it has not come, or for a
  // misdirected or lost write when it was no write that this could happen to.
  std::string fault_met();
  // The machine went down.
  void Crash(Unsynced unsynced = Unsynced::kForgotten, uint32_t seed = 0);

  std::string& Bytes(const std::string& path);  // NOLINT: tests change them as they like.
  bool Has(const std::string& path);
  void Erase(const std::string& path);
  int changes();  // Operations so far that change anything.
  int open_files() const { return open_files_; }

  absl::StatusOr<std::unique_ptr<base::File>> Open(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<base::File>> OpenDirect(const std::string& path,
                                                         base::IfMissing if_missing) override;
  absl::StatusOr<std::string> Read(const std::string& path) override;
  absl::Status Replace(const std::string& path, absl::string_view content) override;
  absl::Status CreateFolders(const std::string& path) override;
  absl::Status SyncFolder(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Link(const std::string& from, const std::string& to) override;
  absl::Status Remove(const std::string& path) override;
  absl::Status RemoveAll(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  bool Exists(const std::string& path) override;
  absl::StatusOr<bool> IsLinked(const std::string& path) override;

 private:
  friend class MemoryFile;
  using Names = std::map<std::string, std::shared_ptr<Content>>;
  // Of names in one folder, all at once; without a content the name goes.
  using NameChange = std::vector<std::pair<std::string, std::shared_ptr<Content>>>;

  absl::Status Change(const std::string& what);
  absl::Status Write(const std::string& path, Content& content, uint64_t offset,
                     absl::string_view data);
  void Rechristen(NameChange change);
  absl::StatusOr<std::shared_ptr<Content>> Create(const std::string& path);
  static void Apply(const NameChange& change, Names& names);

  std::mutex mutex_;
  Names names_;
  Names synced_names_;
  std::vector<NameChange> unsynced_changes_;
  int changes_ = 0;
  std::atomic<int> open_files_ = 0;
  int left_ = -1;  // Operations until one fails; -1: never.
  bool failed_ = false;
  DiskFault fault_;
  int until_fault_ = -1;  // Operations until fault_; -1: none.
  std::string fault_met_;
};
