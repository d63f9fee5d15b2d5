#include "agents/drivers/host/disk_speed.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"

namespace agents {
namespace {

constexpr uint64_t kWriteBytes = uint64_t{1} << 20;
constexpr int kRounds = 4;
constexpr uint64_t kRoundBytes = kDiskProbeBytesMax / kRounds;
constexpr absl::Duration kTimeMax = absl::Seconds(4);  // On a disk so slow, one round must do.

// Noise, so that no disk packs it; aligned as a direct write must be.
class Noise {
 public:
  Noise() : room_(kWriteBytes + base::kDirectAlignment) {
    void* place = room_.data();
    size_t space = room_.size();
    data_ = static_cast<char*>(std::align(base::kDirectAlignment, kWriteBytes, place, space));
    std::mt19937_64 random(1);
    for (uint64_t at = 0; at < kWriteBytes; at += sizeof(uint64_t)) {
      const uint64_t word = random();
      std::memcpy(data_ + at, &word, sizeof(word));
    }
  }
  absl::string_view bytes() const { return {data_, kWriteBytes}; }

 private:
  std::vector<char> room_;
  char* data_;
};

}  // namespace

absl::StatusOr<uint64_t> MeasureDiskWrite(base::FileSystem& files, const base::Clock& clock,
                                          const std::string& folder) {
  const std::string path = absl::StrCat(folder, "/disk_probe");
  ASSIGN_OR_RETURN(const std::unique_ptr<base::File> file,
                   files.OpenDirect(path, base::IfMissing::kCreate));
  // It lives as long as it is open, and leaves nothing behind.
  RETURN_IF_ERROR(files.Remove(path));
  RETURN_IF_ERROR(file->Preallocate(kRoundBytes));
  const Noise noise;
  double best = 0;
  const absl::Duration begun = clock.MonotonicNow();
  for (int round = 0; round < kRounds; ++round) {
    const absl::Duration round_begun = clock.MonotonicNow();
    uint64_t written = 0;
    while (written < kRoundBytes && clock.MonotonicNow() - begun < kTimeMax) {
      RETURN_IF_ERROR(file->WriteAt(written, noise.bytes()));
      written += kWriteBytes;
    }
    RETURN_IF_ERROR(file->Sync());
    const absl::Duration took = clock.MonotonicNow() - round_begun;
    if (took > absl::ZeroDuration()) {
      best = std::max(best, static_cast<double>(written) / absl::ToDoubleSeconds(took));
    }
    if (clock.MonotonicNow() - begun >= kTimeMax) break;
  }
  return static_cast<uint64_t>(best);
}

}  // namespace agents
