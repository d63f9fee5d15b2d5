#include "tests/ledger/history/faulty_disk.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"

namespace ledger {
namespace {

namespace rocks = ::rocksdb;
using Outcome = FaultyDisk::Outcome;
using rocks::IODebugContext;
using rocks::IOOptions;
using rocks::IOStatus;
using rocks::Slice;

IOStatus Failed(Outcome outcome) {
  switch (outcome) {
    case Outcome::kGood: return IOStatus::OK();
    case Outcome::kFull: return IOStatus::NoSpace("planted");
    case Outcome::kError:
    case Outcome::kShort: break;
  }
  return IOStatus::IOError("planted");
}

// Syncing is noted and not done: nobody's machine goes down.
class WrittenFile final : public rocks::FSWritableFileOwnerWrapper {
 public:
  WrittenFile(std::unique_ptr<rocks::FSWritableFile> real, std::string path, FaultyDisk& disk)
      : FSWritableFileOwnerWrapper(std::move(real)), path_(std::move(path)), disk_(disk) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    const Outcome outcome = disk_.Change("writing", path_);
    disk_.Wrote(path_);
    if (outcome == Outcome::kGood) return target()->Append(data, options, debug);
    if (outcome == Outcome::kShort) {
      target()->Append(Slice(data.data(), data.size() / 2), options, debug).PermitUncheckedError();
    }
    return Failed(outcome);
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocks::DataVerificationInfo& /*verification*/,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    const Outcome outcome = disk_.Change("truncating", path_);
    return outcome == Outcome::kGood ? target()->Truncate(size, options, debug) : Failed(outcome);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    const Outcome outcome = disk_.Change("syncing", path_);
    if (outcome != Outcome::kGood) return Failed(outcome);
    IOStatus flushed = target()->Flush(options, debug);
    if (flushed.ok()) disk_.Synced(path_, target()->GetFileSize(options, debug));
    return flushed;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }
  IOStatus RangeSync(uint64_t /*offset*/, uint64_t /*bytes*/, const IOOptions& /*options*/,
                     IODebugContext* /*debug*/) override {
    return IOStatus::OK();  // Promises nothing.
  }

 private:
  const std::string path_;
  FaultyDisk& disk_;
};

class ReadFile final : public rocks::FSRandomAccessFileOwnerWrapper {
 public:
  ReadFile(std::unique_ptr<rocks::FSRandomAccessFile> real, FaultyDisk& disk)
      : FSRandomAccessFileOwnerWrapper(std::move(real)), disk_(disk) {}
  IOStatus Read(uint64_t offset, size_t bytes, const IOOptions& options, Slice* result,
                char* scratch, IODebugContext* debug) const override {
    disk_.Read();
    return FSRandomAccessFileOwnerWrapper::Read(offset, bytes, options, result, scratch, debug);
  }

 private:
  FaultyDisk& disk_;
};

class Folder final : public rocks::FSDirectoryWrapper {
 public:
  Folder(std::unique_ptr<rocks::FSDirectory> real, std::string path, FaultyDisk& disk)
      : FSDirectoryWrapper(std::move(real)), path_(std::move(path)), disk_(disk) {}
  IOStatus Fsync(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return Failed(disk_.Change("syncing", path_));
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocks::DirFsyncOptions& /*how*/) override {
    return Fsync(options, debug);
  }

 private:
  const std::string path_;
  FaultyDisk& disk_;
};

class RocksFiles final : public rocks::FileSystemWrapper {
 public:
  explicit RocksFiles(FaultyDisk& disk)
      : FileSystemWrapper(rocks::FileSystem::Default()), disk_(disk) {}
  const char* Name() const override { return "FaultyDisk"; }

  IOStatus NewWritableFile(const std::string& path, const rocks::FileOptions& options,
                           std::unique_ptr<rocks::FSWritableFile>* result,
                           IODebugContext* debug) override {
    if (const Outcome outcome = disk_.Change("creating", path); outcome != Outcome::kGood) {
      return Failed(outcome);
    }
    IOStatus status = target()->NewWritableFile(path, options, result, debug);
    if (!status.ok()) return status;
    disk_.Synced(path, 0);
    *result = std::make_unique<WrittenFile>(std::move(*result), path, disk_);
    return status;
  }
  IOStatus NewRandomAccessFile(const std::string& path, const rocks::FileOptions& options,
                               std::unique_ptr<rocks::FSRandomAccessFile>* result,
                               IODebugContext* debug) override {
    IOStatus status = target()->NewRandomAccessFile(path, options, result, debug);
    if (status.ok()) *result = std::make_unique<ReadFile>(std::move(*result), disk_);
    return status;
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<rocks::FSDirectory>* result,
                        IODebugContext* debug) override {
    IOStatus status = target()->NewDirectory(path, options, result, debug);
    if (status.ok()) *result = std::make_unique<Folder>(std::move(*result), path, disk_);
    return status;
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions& options,
                      IODebugContext* debug) override {
    if (const Outcome outcome = disk_.Change("removing", path); outcome != Outcome::kGood) {
      return Failed(outcome);
    }
    disk_.Removed(path);
    return target()->DeleteFile(path, options, debug);
  }
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions& options,
                              IODebugContext* debug) override {
    if (const Outcome outcome = disk_.Change("creating", path); outcome != Outcome::kGood) {
      return Failed(outcome);
    }
    return target()->CreateDirIfMissing(path, options, debug);
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override {
    if (const Outcome outcome = disk_.Change("renaming to", to); outcome != Outcome::kGood) {
      return Failed(outcome);
    }
    disk_.Renamed(from, to);
    return target()->RenameFile(from, to, options, debug);
  }
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions& options,
                    IODebugContext* debug) override {
    if (const Outcome outcome = disk_.Change("linking to", to); outcome != Outcome::kGood) {
      return Failed(outcome);
    }
    disk_.Linked(from, to);
    return target()->LinkFile(from, to, options, debug);
  }

 private:
  FaultyDisk& disk_;
};

// What filters are written with.
class FilterFiles final : public base::FileSystem {
 public:
  explicit FilterFiles(FaultyDisk& disk) : disk_(disk) {}

  absl::StatusOr<std::unique_ptr<base::File>> Open(const std::string& path) override {
    return real_.Open(path);
  }
  absl::StatusOr<std::unique_ptr<base::File>> OpenDirect(const std::string& path,
                                                         base::IfMissing if_missing) override {
    return real_.OpenDirect(path, if_missing);
  }
  absl::StatusOr<std::string> Read(const std::string& path) override { return real_.Read(path); }
  absl::Status Replace(const std::string& path, absl::string_view content) override {
    const Outcome outcome = disk_.Change("replacing", path);
    const size_t bytes = outcome == Outcome::kGood    ? content.size()
                         : outcome == Outcome::kShort ? content.size() / 2
                                                      : 0;
    const std::string beside = path + ".new";
    std::ofstream(beside, std::ios::binary).write(content.data(), static_cast<ptrdiff_t>(bytes));
    if (outcome != Outcome::kGood) return Failed(outcome, path);
    return real_.Rename(beside, path);
  }
  absl::Status CreateFolders(const std::string& path) override {
    const absl::Status status = Change("creating", path);
    return status.ok() ? real_.CreateFolders(path) : status;
  }
  absl::Status SyncFolder(const std::string& path) override { return Change("syncing", path); }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    const absl::Status status = Change("renaming to", to);
    return status.ok() ? real_.Rename(from, to) : status;
  }
  absl::Status Link(const std::string& from, const std::string& to) override {
    const absl::Status status = Change("linking to", to);
    return status.ok() ? real_.Link(from, to) : status;
  }
  absl::Status RemoveAll(const std::string& path) override {
    const absl::Status status = Change("removing", path);
    return status.ok() ? real_.RemoveAll(path) : status;
  }
  absl::Status Remove(const std::string& path) override {
    const absl::Status status = Change("removing", path);
    return status.ok() ? real_.Remove(path) : status;
  }
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    return real_.List(path);
  }
  absl::StatusOr<bool> IsLinked(const std::string& path) override { return real_.IsLinked(path); }
  bool Exists(const std::string& path) override { return real_.Exists(path); }

 private:
  static absl::Status Failed(Outcome outcome, const std::string& path) {
    if (outcome == Outcome::kGood) return absl::OkStatus();
    if (outcome == Outcome::kFull) return absl::ResourceExhaustedError(path + ": planted");
    return absl::InternalError(path + ": planted");
  }
  absl::Status Change(const std::string& doing, const std::string& path) {
    return Failed(disk_.Change(doing, path), path);
  }

  base::FileSystem& real_ = base::SystemFileSystem();
  FaultyDisk& disk_;
};

}  // namespace

FaultyDisk::FaultyDisk()
    : rocks_files_(std::make_shared<RocksFiles>(*this)),
      env_(rocks::NewCompositeEnv(rocks_files_)),
      files_(std::make_unique<FilterFiles>(*this)) {}
FaultyDisk::~FaultyDisk() = default;

void FaultyDisk::Plan(const HistoryFault& fault) {
  const std::lock_guard lock(mutex_);
  fault_ = fault;
  until_fault_ = fault.after;
  fault_met_.clear();
}

void FaultyDisk::Heal() {
  const std::lock_guard lock(mutex_);
  until_fault_ = -1;
  is_down_ = false;
}

int FaultyDisk::changes() const {
  const std::lock_guard lock(mutex_);
  return changes_;
}

std::string FaultyDisk::fault_met() const {
  const std::lock_guard lock(mutex_);
  return fault_met_;
}

void FaultyDisk::OnRead(std::function<void()> on_read) {
  const std::lock_guard lock(mutex_);
  on_read_ = std::move(on_read);
}

void FaultyDisk::OnWrite(std::function<void(const std::string&)> on_write) {
  const std::lock_guard lock(mutex_);
  on_write_ = std::move(on_write);
}

FaultyDisk::Outcome FaultyDisk::Change(const std::string& doing, const std::string& path) {
  const std::lock_guard lock(mutex_);
  ++changes_;
  if (on_write_) on_write_(path);
  if (is_down_) return Outcome::kError;
  if (until_fault_ < 0 || until_fault_-- > 0) return Outcome::kGood;
  fault_met_ = absl::StrCat(doing, " ", path);
  switch (fault_.kind) {
    case HistoryFault::Kind::kError: return Outcome::kError;
    case HistoryFault::Kind::kShort: return Outcome::kShort;
    case HistoryFault::Kind::kFull: return Outcome::kFull;
    case HistoryFault::Kind::kDown: is_down_ = true; break;
  }
  return Outcome::kError;
}

void FaultyDisk::Read() {
  const std::lock_guard lock(mutex_);
  if (on_read_) on_read_();
}

void FaultyDisk::Wrote(const std::string& path) {
  const std::lock_guard lock(mutex_);
  synced_bytes_.try_emplace(path, 0);
}

void FaultyDisk::Synced(const std::string& path, uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  synced_bytes_[path] = bytes;
}

void FaultyDisk::Renamed(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  const auto entry = synced_bytes_.find(from);
  if (entry == synced_bytes_.end()) return;
  synced_bytes_[to] = entry->second;
  synced_bytes_.erase(from);
}

void FaultyDisk::Linked(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  const auto entry = synced_bytes_.find(from);
  if (entry != synced_bytes_.end()) synced_bytes_[to] = entry->second;
}

void FaultyDisk::Removed(const std::string& path) {
  const std::lock_guard lock(mutex_);
  synced_bytes_.erase(path);
}

void FaultyDisk::LoseUnsynced() {
  const std::lock_guard lock(mutex_);
  for (const auto& [path, bytes] : synced_bytes_) {
    std::error_code error;
    const uint64_t now = std::filesystem::file_size(path, error);
    if (!error && now > bytes) std::filesystem::resize_file(path, bytes, error);
  }
  synced_bytes_.clear();
}

}  // namespace ledger
