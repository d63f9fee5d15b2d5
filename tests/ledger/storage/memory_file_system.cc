#include "tests/ledger/storage/memory_file_system.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "base/status_macros.h"

namespace {

constexpr size_t kSectorBytes = 512;

std::string FolderOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

// What is on the disk when some of the pieces that changed got there.
std::string Mix(const MemoryFileSystem::Content& content, size_t piece, std::mt19937& random) {
  std::string mixed = content.synced;
  mixed.resize(random() % 2 == 0 ? content.now.size() : content.synced.size());
  for (size_t at = 0; at < std::min(mixed.size(), content.now.size()); at += piece) {
    const size_t bytes = std::min({piece, mixed.size() - at, content.now.size() - at});
    if (random() % 2 == 0) mixed.replace(at, bytes, content.now, at, bytes);
  }
  return mixed;
}

}  // namespace

class MemoryFile final : public base::File {
 public:
  MemoryFile(MemoryFileSystem& files, std::string path,
             std::shared_ptr<MemoryFileSystem::Content> content, bool direct)
      : files_(files), path_(std::move(path)), content_(std::move(content)), direct_(direct) {
    ++files_.open_files_;
  }
  ~MemoryFile() override { --files_.open_files_; }

  absl::Status ReadAt(uint64_t offset, void* data, size_t bytes) const override {
    CheckAligned(offset, data, bytes);
    const std::lock_guard lock(files_.mutex_);
    if (offset + bytes > content_->now.size()) {
      return absl::OutOfRangeError(absl::StrCat(path_, " ends at byte ", content_->now.size()));
    }
    std::copy_n(content_->now.data() + offset, bytes, static_cast<char*>(data));
    return absl::OkStatus();
  }

  absl::Status WriteAt(uint64_t offset, absl::string_view data) override {
    CheckAligned(offset, data.data(), data.size());
    const std::lock_guard lock(files_.mutex_);
    return files_.Write(path_, *content_, offset, data);
  }

  absl::Status Sync() override {
    const std::lock_guard lock(files_.mutex_);
    RETURN_IF_ERROR(files_.Change(absl::StrCat("syncing ", path_)));
    content_->synced = content_->now;
    return absl::OkStatus();
  }

  absl::Status Preallocate(uint64_t bytes) override {
    const std::lock_guard lock(files_.mutex_);
    RETURN_IF_ERROR(files_.Change(absl::StrCat("reserving space for ", path_)));
    if (content_->now.size() < bytes) content_->now.resize(bytes);
    return absl::OkStatus();
  }

  absl::Status Truncate(uint64_t bytes) override {
    const std::lock_guard lock(files_.mutex_);
    RETURN_IF_ERROR(files_.Change(absl::StrCat("truncating ", path_)));
    content_->now.resize(bytes);
    return absl::OkStatus();
  }

  absl::StatusOr<uint64_t> Size() const override {
    const std::lock_guard lock(files_.mutex_);
    return content_->now.size();
  }

 private:
  void CheckAligned(uint64_t offset, const void* data, size_t bytes) const {
    if (!direct_) return;
    INVARIANT((offset | reinterpret_cast<uintptr_t>(data) | bytes) % base::kDirectAlignment == 0);
  }

  MemoryFileSystem& files_;
  const std::string path_;
  const std::shared_ptr<MemoryFileSystem::Content> content_;
  const bool direct_;
};

void MemoryFileSystem::FailAfter(int operations) {
  const std::lock_guard lock(mutex_);
  left_ = operations;
  failed_ = false;
}

bool MemoryFileSystem::StopFailing() {
  const std::lock_guard lock(mutex_);
  left_ = -1;
  return failed_;
}

void MemoryFileSystem::Plan(const DiskFault& fault) {
  const std::lock_guard lock(mutex_);
  fault_ = fault;
  until_fault_ = fault.after;
  fault_met_.clear();
}

std::string MemoryFileSystem::fault_met() {
  const std::lock_guard lock(mutex_);
  return fault_met_;
}

void MemoryFileSystem::Crash(Unsynced unsynced, uint32_t seed) {
  const std::lock_guard lock(mutex_);
  std::mt19937 random(seed);
  size_t kept = 0;
  if (unsynced == Unsynced::kKept) kept = unsynced_changes_.size();
  if (unsynced > Unsynced::kKept) kept = random() % (unsynced_changes_.size() + 1);
  for (size_t i = 0; i < kept; ++i) Apply(unsynced_changes_[i], synced_names_);
  unsynced_changes_.clear();
  names_ = synced_names_;
  for (auto& [path, content] : names_) {
    if (unsynced == Unsynced::kForgotten) content->now = content->synced;
    if (unsynced > Unsynced::kKept && content->now != content->synced) {
      const size_t piece = unsynced == Unsynced::kSomeSectors ? kSectorBytes : 4'096;
      content->now = Mix(*content, piece, random);
    }
    content->synced = content->now;
  }
}

std::string& MemoryFileSystem::Bytes(const std::string& path) {
  const std::lock_guard lock(mutex_);
  return names_.at(path)->now;
}

bool MemoryFileSystem::Has(const std::string& path) { return Exists(path); }

void MemoryFileSystem::Erase(const std::string& path) {
  const std::lock_guard lock(mutex_);
  names_.erase(path);
  synced_names_.erase(path);
}

int MemoryFileSystem::changes() {
  const std::lock_guard lock(mutex_);
  return changes_;
}

absl::Status MemoryFileSystem::Change(const std::string& what) {
  ++changes_;
  if (until_fault_ >= 0 && until_fault_-- == 0) {
    const bool silent = fault_.kind >= DiskFault::Kind::kMisdirected;
    if (silent && !absl::StartsWith(what, "writing")) return absl::OkStatus();
    fault_met_ = what;
    if (silent) return absl::OkStatus();
    const std::string text = absl::StrCat(what, ": the test's disk ");
    if (fault_.kind == DiskFault::Kind::kFull)
      return absl::ResourceExhaustedError(text + "is full");
    return absl::InternalError(text + "fails");
  }
  if (left_ < 0) return absl::OkStatus();
  if (left_ > 0) {
    --left_;
    return absl::OkStatus();
  }
  failed_ = true;
  return absl::InternalError(absl::StrCat(what, ": the test's disk fails"));
}

absl::Status MemoryFileSystem::Write(const std::string& path, Content& content, uint64_t offset,
                                     absl::string_view data) {
  const bool met_before = !fault_met_.empty();
  const absl::Status status = Change(absl::StrCat("writing ", path));
  const bool faulty = !met_before && !fault_met_.empty();
  if (!status.ok()) {
    const bool nothing = faulty && fault_.kind == DiskFault::Kind::kError;
    data = data.substr(0, nothing ? 0 : data.size() / 2 / kSectorBytes * kSectorBytes);
  } else if (faulty && fault_.kind == DiskFault::Kind::kLost) {
    data = {};
  } else if (faulty) {
    const int64_t elsewhere = static_cast<int64_t>(offset) + fault_.displacement;
    // A file ends somewhere, and beyond it is another's.
    if (elsewhere < 0 || static_cast<uint64_t>(elsewhere) + data.size() > content.now.size()) {
      data = {};
    } else {
      offset = static_cast<uint64_t>(elsewhere);
    }
  }
  if (data.empty()) return status;
  if (content.now.size() < offset + data.size()) content.now.resize(offset + data.size());
  std::copy(data.begin(), data.end(), content.now.begin() + static_cast<ptrdiff_t>(offset));
  return status;
}

void MemoryFileSystem::Apply(const NameChange& change, Names& names) {
  for (const auto& [path, content] : change) {
    if (content == nullptr) {
      names.erase(path);
    } else {
      names[path] = content;
    }
  }
}

void MemoryFileSystem::Rechristen(NameChange change) {
  Apply(change, names_);
  unsynced_changes_.push_back(std::move(change));
}

absl::StatusOr<std::shared_ptr<MemoryFileSystem::Content>> MemoryFileSystem::Create(
    const std::string& path) {
  RETURN_IF_ERROR(Change(absl::StrCat("creating ", path)));
  auto content = std::make_shared<Content>();
  Rechristen({{path, content}});
  return content;
}

absl::StatusOr<std::unique_ptr<base::File>> MemoryFileSystem::Open(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (const auto it = names_.find(path); it != names_.end()) {
    return std::make_unique<MemoryFile>(*this, path, it->second, false);
  }
  ASSIGN_OR_RETURN(std::shared_ptr<Content> content, Create(path));
  return std::make_unique<MemoryFile>(*this, path, std::move(content), false);
}

absl::StatusOr<std::unique_ptr<base::File>> MemoryFileSystem::OpenDirect(
    const std::string& path, base::IfMissing if_missing) {
  const std::lock_guard lock(mutex_);
  if (const auto it = names_.find(path); it != names_.end()) {
    return std::make_unique<MemoryFile>(*this, path, it->second, true);
  }
  if (if_missing == base::IfMissing::kFail) return absl::NotFoundError(path);
  ASSIGN_OR_RETURN(std::shared_ptr<Content> content, Create(path));
  return std::make_unique<MemoryFile>(*this, path, std::move(content), true);
}

absl::StatusOr<std::string> MemoryFileSystem::Read(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto it = names_.find(path);
  if (it == names_.end()) return absl::NotFoundError(path);
  return it->second->now;
}

// Step by step, as on a real one.
absl::Status MemoryFileSystem::Replace(const std::string& path, absl::string_view content) {
  const std::string beside = absl::StrCat(path, ".new");
  ASSIGN_OR_RETURN(const std::unique_ptr<base::File> file, Open(beside));
  RETURN_IF_ERROR(file->Truncate(0));
  RETURN_IF_ERROR(file->WriteAt(0, content));
  RETURN_IF_ERROR(file->Sync());
  RETURN_IF_ERROR(Rename(beside, path));
  return SyncFolder(FolderOf(path));
}

absl::Status MemoryFileSystem::CreateFolders(const std::string&) { return absl::OkStatus(); }

absl::Status MemoryFileSystem::SyncFolder(const std::string& path) {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(Change(absl::StrCat("syncing folder ", path)));
  std::erase_if(unsynced_changes_, [&](const NameChange& change) {
    if (FolderOf(change.front().first) != path) return false;
    Apply(change, synced_names_);
    return true;
  });
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::Rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(Change(absl::StrCat("renaming to ", to)));
  const auto it = names_.find(from);
  if (it == names_.end()) return absl::NotFoundError(from);
  Rechristen({{to, it->second}, {from, nullptr}});
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::Link(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(Change(absl::StrCat("linking to ", to)));
  const auto it = names_.find(from);
  if (it == names_.end()) return absl::NotFoundError(from);
  if (names_.contains(to)) return absl::AlreadyExistsError(to);
  Rechristen({{to, it->second}});
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::Remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(Change(absl::StrCat("removing ", path)));
  if (!names_.contains(path)) return absl::NotFoundError(path);
  Rechristen({{path, nullptr}});
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::RemoveAll(const std::string& path) {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(Change(absl::StrCat("removing ", path)));
  std::vector<std::string> removed;
  for (const auto& [name, content] : names_) {
    if (name == path || absl::StartsWith(name, path + "/")) removed.push_back(name);
  }
  for (const std::string& name : removed) Rechristen({{name, nullptr}});
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> MemoryFileSystem::List(const std::string& path) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, content] : names_) {
    if (absl::StartsWith(name, path + "/")) names.push_back(name.substr(path.size() + 1));
  }
  return names;
}

absl::StatusOr<bool> MemoryFileSystem::IsLinked(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto it = names_.find(path);
  if (it == names_.end()) return absl::NotFoundError(path);
  return std::count_if(names_.begin(), names_.end(),
                       [&](const auto& name) { return name.second == it->second; }) > 1;
}

bool MemoryFileSystem::Exists(const std::string& path) {
  const std::lock_guard lock(mutex_);
  return names_.contains(path);
}
