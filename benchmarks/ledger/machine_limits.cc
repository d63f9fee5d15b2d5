#include "benchmarks/ledger/machine_limits.h"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "benchmarks/common/figures.h"
#include "benchmarks/common/folder.h"

namespace benchmarks {
namespace {

constexpr size_t kPieceBytes = 1 << 20;
constexpr size_t kPieces = 256;
constexpr size_t kBlockBytes = 4'096;
constexpr size_t kSyncs = 2'000;
constexpr double kSecondsMax = 1;

absl::Status Failed(const std::string& path) {
  const std::string what = absl::StrCat(path, ": ", std::generic_category().message(errno));
  return errno == EINVAL ? absl::UnimplementedError(what) : absl::InternalError(what);
}

// A file that is written directly and synced after every write.
class DirectFile {
 public:
  explicit DirectFile(std::string path)
      : path_(std::move(path)),
        descriptor_(::open(path_.c_str(), O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600)),
        piece_(static_cast<char*>(std::aligned_alloc(kBlockBytes, kPieceBytes)), &std::free) {
    std::memset(piece_.get(), 'x', kPieceBytes);
  }
  ~DirectFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  DirectFile(const DirectFile&) = delete;
  DirectFile& operator=(const DirectFile&) = delete;

  absl::Status Write(size_t offset, size_t bytes) {
    if (descriptor_ < 0) return Failed(path_);
    const auto wrote = ::pwrite(descriptor_, piece_.get(), bytes, static_cast<off_t>(offset));
    if (wrote != static_cast<ssize_t>(bytes) || ::fdatasync(descriptor_) != 0) {
      return Failed(path_);
    }
    return absl::OkStatus();
  }

  // The times of writing the file's first `count` parts of `bytes` each, one by one, within
  // kSecondsMax.
  struct Parts {
    size_t bytes;
    size_t count;
  };
  absl::StatusOr<lab::Histogram> WriteTimes(const Parts& parts) {
    lab::Histogram us;
    const double begin = SecondsNow();
    for (size_t i = 0; i < parts.count && SecondsNow() - begin < kSecondsMax; ++i) {
      const double before = SecondsNow();
      RETURN_IF_ERROR(Write(i * parts.bytes, parts.bytes));
      us.Add(static_cast<uint64_t>((SecondsNow() - before) * 1e6));
    }
    return us;
  }

 private:
  const std::string path_;
  const int descriptor_;
  const std::unique_ptr<char, decltype(&std::free)> piece_;
};

}  // namespace

absl::StatusOr<DiskLimits> MeasureDisk(const std::string& folder) {
  ASSIGN_OR_RETURN(const auto own, Folder::Create(folder, "bench-disk"));
  DirectFile file(own->path() + "/file");
  // The first time over reserves the blocks.
  RETURN_IF_ERROR(file.WriteTimes({kPieceBytes, kPieces}).status());
  ASSIGN_OR_RETURN(const lab::Histogram pieces_us, file.WriteTimes({kPieceBytes, kPieces}));
  ASSIGN_OR_RETURN(const lab::Histogram syncs_us, file.WriteTimes({kBlockBytes, kSyncs}));
  const auto share = [](const lab::Histogram& us, double part) {
    return std::max(1.0, static_cast<double>(us.Percentile(part)));
  };
  return DiskLimits{.write_bytes_per_s = kPieceBytes * 1e6 / share(pieces_us, 0.1),
                    .sync_us_p10 = share(syncs_us, 0.1),
                    .sync_us_p50 = share(syncs_us, 0.5),
                    .sync_us_p99_9 = share(syncs_us, 0.999)};
}

absl::StatusOr<lab::Histogram> MeasureSyncsByClock(const std::string& folder, double seconds) {
  constexpr double kSyncsPerSecond = 1'000;
  ASSIGN_OR_RETURN(const auto own, Folder::Create(folder, "bench-disk"));
  DirectFile file(own->path() + "/file");
  RETURN_IF_ERROR(file.WriteTimes({kBlockBytes, kSyncs}).status());
  lab::Histogram us;
  const double begin_s = SecondsNow();
  for (size_t i = 0; static_cast<double>(i) < seconds * kSyncsPerSecond; ++i) {
    const double due_s = begin_s + static_cast<double>(i) / kSyncsPerSecond;
    absl::SleepFor(absl::Seconds(due_s - SecondsNow()));
    RETURN_IF_ERROR(file.Write(i % kSyncs * kBlockBytes, kBlockBytes));
    us.Add(static_cast<uint64_t>((SecondsNow() - due_s) * 1e6));
  }
  return us;
}

uint64_t ResidentBytes() {
  ::malloc_trim(0);  // What is free but kept is nobody's.
  uint64_t total_pages = 0;
  uint64_t resident_pages = 0;
  std::ifstream("/proc/self/statm") >> total_pages >> resident_pages;
  return resident_pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace benchmarks
