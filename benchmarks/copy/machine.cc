#include "benchmarks/copy/machine.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/file_system.h"
#include "base/status_macros.h"
#include "benchmarks/common/figures.h"
#include "benchmarks/common/folder.h"
#include "ledger/storage/aligned_buffer.h"

namespace benchmarks {
namespace {

constexpr uint64_t kPieceBytes = 1 << 20;
constexpr uint64_t kFilePieces = 1'024;  // Of each thread.
constexpr uint64_t kPiecesASync = 64;
constexpr double kSeconds = 1.5;

// Writes the pieces of one file until the time is over, those of another that is read if there is
// one; the bytes that were written.
absl::StatusOr<uint64_t> WriteFile(const std::string& path, base::File* from) {
  const ledger::AlignedBuffer piece(kPieceBytes);
  std::memset(piece.data(), 'x', kPieceBytes);
  base::FileSystem& files = base::SystemFileSystem();
  ASSIGN_OR_RETURN(const auto file, files.OpenDirect(path, base::IfMissing::kCreate));
  RETURN_IF_ERROR(file->Preallocate(kFilePieces * kPieceBytes));
  const double begin = SecondsNow();
  uint64_t written = 0;
  for (; written < kFilePieces && SecondsNow() - begin < kSeconds; ++written) {
    if (from != nullptr) {
      RETURN_IF_ERROR(from->ReadAt(written * kPieceBytes, piece.data(), kPieceBytes));
    }
    RETURN_IF_ERROR(file->WriteAt(written * kPieceBytes, piece.view(0, kPieceBytes)));
    if (written % kPiecesASync == kPiecesASync - 1) RETURN_IF_ERROR(file->Sync());
  }
  RETURN_IF_ERROR(file->Sync());
  return written * kPieceBytes;
}

// As many files as there are streams; first they are written, then copied.
class DiskFiles {
 public:
  DiskFiles(std::string folder, int streams)
      : folder_(std::move(folder)), written_(static_cast<size_t>(streams), uint64_t{0}) {}

  absl::StatusOr<double> Write() {
    return Measure([this](size_t i) { return WriteFile(PathOf(i), nullptr); });
  }
  absl::StatusOr<double> Copy() {
    return Measure([this](size_t i) -> absl::StatusOr<uint64_t> {
      ASSIGN_OR_RETURN(const auto from,
                       base::SystemFileSystem().OpenDirect(PathOf(i), base::IfMissing::kFail));
      return WriteFile(absl::StrCat(PathOf(i), "-copy"), from.get());
    });
  }

 private:
  std::string PathOf(size_t i) const { return absl::StrCat(folder_, "/", i); }
  absl::StatusOr<double> Measure(const std::function<absl::StatusOr<uint64_t>(size_t)>& work) {
    std::vector<std::thread> threads;
    const double begin = SecondsNow();
    for (size_t i = 0; i < written_.size(); ++i) {
      threads.emplace_back([&, i] { written_[i] = work(i); });
    }
    for (std::thread& thread : threads) thread.join();
    double bytes = 0;
    for (const auto& one : written_) {
      RETURN_IF_ERROR(one.status());
      bytes += static_cast<double>(*one);
    }
    return bytes / (SecondsNow() - begin);
  }

  const std::string folder_;
  std::vector<absl::StatusOr<uint64_t>> written_;
};

absl::Status Failed(const std::string& what) {
  return absl::InternalError(
      absl::StrCat(what, " over loopback: ", std::generic_category().message(errno)));
}

// Both ends of a connection over loopback.
struct Connection {
  int sends = -1;
  int receives = -1;
  ~Connection() {
    for (const int end : {sends, receives}) {
      if (end >= 0) ::close(end);
    }
  }
};

absl::Status Connect(Connection& connection) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  connection.sends = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool is_made = ::bind(listener, any, length) == 0 && ::listen(listener, 1) == 0 &&
                       ::getsockname(listener, any, &length) == 0 &&
                       ::connect(connection.sends, any, length) == 0;
  if (is_made) connection.receives = ::accept(listener, nullptr, nullptr);
  ::close(listener);
  return connection.receives >= 0 ? absl::OkStatus() : Failed("connecting");
}

void Send(int socket, const std::atomic<bool>& is_over) {
  const std::string piece(kPieceBytes, 'x');
  while (!is_over) {
    if (::send(socket, piece.data(), piece.size(), MSG_NOSIGNAL) <= 0) return;
  }
  ::shutdown(socket, SHUT_WR);
}

uint64_t Receive(int socket) {
  std::string piece(kPieceBytes, '\0');
  uint64_t bytes = 0;
  while (true) {
    const ssize_t got = ::recv(socket, piece.data(), piece.size(), 0);
    if (got <= 0) return bytes;
    bytes += static_cast<uint64_t>(got);
  }
}

absl::StatusOr<double> MeasureLoopback(int streams) {
  std::vector<Connection> connections(static_cast<size_t>(streams));
  for (Connection& connection : connections) RETURN_IF_ERROR(Connect(connection));
  std::atomic<bool> is_over = false;
  std::atomic<uint64_t> received = 0;
  std::vector<std::thread> threads;
  const double begin = SecondsNow();
  for (const Connection& connection : connections) {
    threads.emplace_back([&] { Send(connection.sends, is_over); });
    threads.emplace_back([&] { received += Receive(connection.receives); });
  }
  absl::SleepFor(absl::Seconds(kSeconds));
  is_over = true;
  for (std::thread& thread : threads) thread.join();
  return static_cast<double>(received) / (SecondsNow() - begin);
}

}  // namespace

CopyBounds Mean(const CopyBounds& one, const CopyBounds& other) {
  const auto mean = [&](double CopyBounds::*bound) { return (one.*bound + other.*bound) / 2; };
  return {.disk_write_bytes_per_s = mean(&CopyBounds::disk_write_bytes_per_s),
          .loopback_bytes_per_s = mean(&CopyBounds::loopback_bytes_per_s),
          .disk_copy_bytes_per_s = mean(&CopyBounds::disk_copy_bytes_per_s)};
}

absl::StatusOr<CopyBounds> MeasureBounds(const std::string& folder, int streams) {
  CopyBounds bounds;
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<Folder> own, Folder::Create(folder, "bench-copy-disk"));
    DiskFiles disk(own->path(), streams);
    ASSIGN_OR_RETURN(bounds.disk_write_bytes_per_s, disk.Write());
    ASSIGN_OR_RETURN(bounds.disk_copy_bytes_per_s, disk.Copy());
  }
  ASSIGN_OR_RETURN(bounds.loopback_bytes_per_s, MeasureLoopback(streams));
  return bounds;
}

}  // namespace benchmarks
