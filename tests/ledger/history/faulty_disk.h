#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/file_system.h"

namespace rocksdb {
class Env;
class FileSystem;
}  // namespace rocksdb

namespace ledger {

// What happens to one operation that changes the disk.
struct HistoryFault {
  enum class Kind {
    kError,  // It fails, and nothing of it happens.
    kShort,  // Half of a write happens, then it fails; another operation fails.
    kFull,   // It fails: no space.
    kDown,   // It fails, and all after it: the program is ended there.
  };
  Kind kind = Kind::kError;
  int after = 0;  // Operations that go well first.
};

// A history's disk: the machine's, but that an operation fails when told, and that what was never
// synced can be lost. Operations count that write, sync, create, rename, link, truncate or remove,
// RocksDB's and those of filters. Safe for any thread.
class FaultyDisk {
 public:
  FaultyDisk();
  ~FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  // Both must be done with before this ends.
  rocksdb::Env* env() { return env_.get(); }
  base::FileSystem& files() { return *files_; }

  // Counted from now on; in place of what was planned before.
  void Plan(const HistoryFault& fault);
  // From now on nothing fails.
  void Heal();
  int changes() const;
  std::string fault_met() const;  // As "writing …/runs/000012.sst"; "" while it has not come.
  // Power was lost: of every file only what was synced is left. Nothing may be open.
  void LoseUnsynced();
  // Called before each read of a table and each write, from then on.
  void OnRead(std::function<void()> on_read);
  void OnWrite(std::function<void(const std::string& path)> on_write);

  // --- For its files ---
  enum class Outcome { kGood, kError, kShort, kFull };
  Outcome Change(const std::string& doing, const std::string& path);
  void Read();
  void Wrote(const std::string& path);  // Not synced yet.
  void Synced(const std::string& path, uint64_t bytes);
  void Renamed(const std::string& from, const std::string& to);
  void Linked(const std::string& from, const std::string& to);
  void Removed(const std::string& path);

 private:
  mutable std::mutex mutex_;
  HistoryFault fault_;
  int until_fault_ = -1;  // Operations until fault_; -1: none.
  bool is_down_ = false;
  int changes_ = 0;
  std::string fault_met_;
  std::map<std::string, uint64_t> synced_bytes_;  // Of files that were written since.
  std::function<void()> on_read_;
  std::function<void(const std::string&)> on_write_;

  std::shared_ptr<rocksdb::FileSystem> rocks_files_;
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<base::FileSystem> files_;
};

}  // namespace ledger
