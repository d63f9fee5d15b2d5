#include "base/file_system.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "base/status_macros.h"

namespace base {
namespace {

absl::Status ErrnoStatus(absl::string_view what, absl::string_view path) {
  const int code = errno;
  const std::string text =
      absl::StrCat(what, " ", path, ": ", std::generic_category().message(code));
  switch (code) {
    case ENOENT: return absl::NotFoundError(text);
    case ENOSPC:
    case EDQUOT: return absl::ResourceExhaustedError(text);
    case EACCES:
    case EPERM: return absl::PermissionDeniedError(text);
    default: return absl::InternalError(text);
  }
}

// Also where the file system has no O_DIRECT, so that a caller's fault shows everywhere.
enum class Alignment { kAny, kDirect };

class RealFile final : public File {
 public:
  RealFile(int descriptor, std::string path, Alignment alignment = Alignment::kAny)
      : descriptor_(descriptor), path_(std::move(path)), alignment_(alignment) {}
  RealFile(const RealFile&) = delete;
  RealFile& operator=(const RealFile&) = delete;
  ~RealFile() override { ::close(descriptor_); }

  absl::Status ReadAt(uint64_t offset, void* data, size_t bytes) const override {
    CheckAligned(offset, data, bytes);
    char* out = static_cast<char*>(data);
    while (bytes > 0) {
      const ssize_t got = ::pread(descriptor_, out, bytes, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return ErrnoStatus("reading", path_);
      if (got == 0) {
        return absl::OutOfRangeError(absl::StrCat(path_, " ends at byte ", offset));
      }
      out += got;
      offset += static_cast<uint64_t>(got);
      bytes -= static_cast<size_t>(got);
    }
    return absl::OkStatus();
  }

  absl::Status WriteAt(uint64_t offset, absl::string_view data) override {
    CheckAligned(offset, data.data(), data.size());
    while (!data.empty()) {
      const ssize_t put =
          ::pwrite(descriptor_, data.data(), data.size(), static_cast<off_t>(offset));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return ErrnoStatus("writing", path_);
      offset += static_cast<uint64_t>(put);
      data.remove_prefix(static_cast<size_t>(put));
    }
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    if (::fdatasync(descriptor_) != 0) return ErrnoStatus("syncing", path_);
    return absl::OkStatus();
  }

  absl::Status Preallocate(uint64_t bytes) override {
    const int code = ::posix_fallocate(descriptor_, 0, static_cast<off_t>(bytes));
    if (code != 0) {
      errno = code;
      return ErrnoStatus("reserving space for", path_);
    }
    return absl::OkStatus();
  }

  absl::Status Truncate(uint64_t bytes) override {
    if (::ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0) {
      return ErrnoStatus("truncating", path_);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<uint64_t> Size() const override {
    struct stat info {};
    if (::fstat(descriptor_, &info) != 0) return ErrnoStatus("looking at", path_);
    return static_cast<uint64_t>(info.st_size);
  }

 private:
  void CheckAligned(uint64_t offset, const void* data, size_t bytes) const {
    if (alignment_ == Alignment::kAny) return;
    INVARIANT((offset | reinterpret_cast<uintptr_t>(data) | bytes) % kDirectAlignment == 0);
  }

  const int descriptor_;
  const std::string path_;
  const Alignment alignment_;
};

class RealFileSystem final : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path) override {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (descriptor < 0) return ErrnoStatus("opening", path);
    return std::make_unique<RealFile>(descriptor, path);
  }

  absl::StatusOr<std::unique_ptr<File>> OpenDirect(const std::string& path,
                                                   IfMissing if_missing) override {
    const int flags = O_RDWR | O_CLOEXEC | (if_missing == IfMissing::kCreate ? O_CREAT : 0);
    int descriptor = ::open(path.c_str(), flags | O_DIRECT, 0640);
    // A file system without O_DIRECT, as tmpfs.
    if (descriptor < 0 && errno == EINVAL) descriptor = ::open(path.c_str(), flags, 0640);
    if (descriptor < 0) return ErrnoStatus("opening", path);
    return std::make_unique<RealFile>(descriptor, path, Alignment::kDirect);
  }

  absl::StatusOr<std::string> Read(const std::string& path) override {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return ErrnoStatus("opening", path);
    const RealFile file(descriptor, path);
    ASSIGN_OR_RETURN(const uint64_t size, file.Size());
    std::string content(size, '\0');
    RETURN_IF_ERROR(file.ReadAt(0, content.data(), content.size()));
    return content;
  }

  absl::Status Replace(const std::string& path, absl::string_view content) override {
    const std::string beside = absl::StrCat(path, ".new");
    {
      ASSIGN_OR_RETURN(const std::unique_ptr<File> file, Open(beside));
      RETURN_IF_ERROR(file->Truncate(0));
      RETURN_IF_ERROR(file->WriteAt(0, content));
      RETURN_IF_ERROR(file->Sync());
    }
    RETURN_IF_ERROR(Rename(beside, path));
    return SyncFolder(std::filesystem::path(path).parent_path());
  }

  absl::Status CreateFolders(const std::string& path) override {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return absl::InternalError(absl::StrCat("creating ", path, ": ", error.message()));
    return absl::OkStatus();
  }

  absl::Status SyncFolder(const std::string& path) override {
    const char* const name = path.empty() ? "." : path.c_str();
    const int descriptor = ::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return ErrnoStatus("opening folder", name);
    const int code = ::fsync(descriptor);
    absl::Status status = code == 0 ? absl::OkStatus() : ErrnoStatus("syncing folder", name);
    ::close(descriptor);
    return status;
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) {
      return ErrnoStatus(absl::StrCat("renaming ", from, " to"), to);
    }
    return absl::OkStatus();
  }

  absl::Status Link(const std::string& from, const std::string& to) override {
    if (::link(from.c_str(), to.c_str()) != 0) {
      return ErrnoStatus(absl::StrCat("linking ", from, " to"), to);
    }
    return absl::OkStatus();
  }

  absl::Status RemoveAll(const std::string& path) override {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error) return absl::InternalError(absl::StrCat("removing ", path, ": ", error.message()));
    return absl::OkStatus();
  }

  absl::Status Remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return ErrnoStatus("removing", path);
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator it(path, error), end; !error && it != end;
         it.increment(error)) {
      names.push_back(it->path().filename());
    }
    if (error) return absl::InternalError(absl::StrCat("listing ", path, ": ", error.message()));
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::StatusOr<bool> IsLinked(const std::string& path) override {
    struct stat status = {};
    if (::stat(path.c_str(), &status) != 0) return ErrnoStatus("looking at", path);
    return status.st_nlink > 1;
  }
  bool Exists(const std::string& path) override {
    std::error_code error;
    return std::filesystem::exists(path, error);
  }
};

}  // namespace

FileSystem& SystemFileSystem() {
  static RealFileSystem file_system;
  return file_system;
}

}  // namespace base
