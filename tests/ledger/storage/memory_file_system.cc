#include "tests/ledger/storage/memory_file_system.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

class MemoryFile final : public base::File {
 public:
  MemoryFile(MemoryFileSystem& files, std::string path,
             std::shared_ptr<MemoryFileSystem::Content> content)
      : files_(files), path_(std::move(path)), content_(std::move(content)) {}

  absl::Status ReadAt(uint64_t offset, void* data, size_t bytes) const override {
    const std::lock_guard lock(files_.mutex_);
    if (offset + bytes > content_->now.size()) {
      return absl::OutOfRangeError(absl::StrCat(path_, " ends at byte ", content_->now.size()));
    }
    std::copy_n(content_->now.data() + offset, bytes, static_cast<char*>(data));
    return absl::OkStatus();
  }

  absl::Status WriteAt(uint64_t offset, absl::string_view data) override {
    const std::lock_guard lock(files_.mutex_);
    const absl::Status status = files_.Change(absl::StrCat("writing ", path_));
    if (!status.ok()) data = data.substr(0, data.size() / 2);
    if (content_->now.size() < offset + data.size()) content_->now.resize(offset + data.size());
    std::copy(data.begin(), data.end(), content_->now.begin() + static_cast<ptrdiff_t>(offset));
    return status;
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
  MemoryFileSystem& files_;
  const std::string path_;
  const std::shared_ptr<MemoryFileSystem::Content> content_;
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

void MemoryFileSystem::Crash() {
  const std::lock_guard lock(mutex_);
  std::erase_if(files_, [](const auto& file) { return !file.second->linked; });
  for (auto& [path, content] : files_) content->now = content->synced;
}

std::string& MemoryFileSystem::Bytes(const std::string& path) {
  const std::lock_guard lock(mutex_);
  return files_.at(path)->now;
}

bool MemoryFileSystem::Has(const std::string& path) { return Exists(path); }

void MemoryFileSystem::Erase(const std::string& path) {
  const std::lock_guard lock(mutex_);
  files_.erase(path);
}

int MemoryFileSystem::changes() {
  const std::lock_guard lock(mutex_);
  return changes_;
}

absl::Status MemoryFileSystem::Change(absl::string_view what) {
  ++changes_;
  if (left_ < 0) return absl::OkStatus();
  if (left_ > 0) {
    --left_;
    return absl::OkStatus();
  }
  failed_ = true;
  return absl::InternalError(absl::StrCat(what, ": the test's disk fails"));
}

absl::StatusOr<std::unique_ptr<base::File>> MemoryFileSystem::Open(const std::string& path) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Content>& content = files_[path];
  if (content == nullptr) {
    content = std::make_shared<Content>();
    if (const absl::Status status = Change(absl::StrCat("creating ", path)); !status.ok()) {
      files_.erase(path);
      return status;
    }
  }
  return std::make_unique<MemoryFile>(*this, path, content);
}

absl::StatusOr<std::string> MemoryFileSystem::Read(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto it = files_.find(path);
  if (it == files_.end()) return absl::NotFoundError(path);
  return it->second->now;
}

absl::Status MemoryFileSystem::Replace(const std::string& path, absl::string_view content) {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(Change(absl::StrCat("replacing ", path)));
  const std::string text(content);
  files_[path] = std::make_shared<Content>(Content{text, text, true});
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::CreateFolders(const std::string&) { return absl::OkStatus(); }

absl::Status MemoryFileSystem::SyncFolder(const std::string& path) {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(Change(absl::StrCat("syncing folder ", path)));
  for (auto& [name, content] : files_) {
    if (absl::StartsWith(name, path + "/")) content->linked = true;
  }
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::Remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(Change(absl::StrCat("removing ", path)));
  files_.erase(path);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> MemoryFileSystem::List(const std::string& path) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, content] : files_) {
    if (absl::StartsWith(name, path + "/")) names.push_back(name.substr(path.size() + 1));
  }
  return names;
}

bool MemoryFileSystem::Exists(const std::string& path) {
  const std::lock_guard lock(mutex_);
  return files_.contains(path);
}
