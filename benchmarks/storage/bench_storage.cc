// What the log makes of the disk: syncs of small and large frames, reading back, snapshots. JSON on
// stdout.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/invariant.h"
#include "benchmarks/common/figures.h"
#include "ledger/core/types.h"
#include "ledger/storage/aligned_buffer.h"
#include "ledger/storage/log.h"
#include "ledger/storage/read_ahead.h"
#include "ledger/storage/snapshots.h"

namespace {

using nlohmann::json;

constexpr double kGigabyte = 1e9;

struct Settings {
  std::string folder = std::filesystem::temp_directory_path();
  uint64_t small_frames = 5'000;
  uint64_t log_bytes = uint64_t{1} << 30;
};

double SecondsNow() { return absl::ToDoubleSeconds(base::SystemClock().MonotonicNow()); }

void DieUnlessOk(const absl::Status& status) {
  if (status.ok()) return;
  std::cerr << "bench-storage: " << status.message() << "\n";
  std::exit(1);
}

template <typename T>
T Take(absl::StatusOr<T> value) {
  DieUnlessOk(value.status());
  return std::move(value).value();
}

// A folder of its own on the disk that is measured.
class Folder {
 public:
  explicit Folder(const std::string& parent) : path_(parent + "/bench-storage-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) {
      DieUnlessOk(absl::InternalError("cannot create " + path_));
    }
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::unique_ptr<ledger::Log> OpenLog(const std::string& folder) {
  return Take(ledger::Log::Open(base::SystemFileSystem(), {.folder = folder}));
}

// Appends records of `rows` transfers, a frame each; gives the seconds that Append() took.
class Appender {
 public:
  explicit Appender(ledger::Log& log, uint64_t rows)
      : log_(log), position_(log.durable_position()), transfers_(rows) {}

  double Append(uint64_t frames) {
    double seconds = 0;
    for (uint64_t i = 0; i < frames; ++i) {
      ledger::Record record;
      record.kind = ledger::RecordKind::kTransfers;
      record.position = ++position_;
      record.epoch = 1;
      record.timestamp_ns = 1'000'000 + position_;
      record.owner = "source-0";
      record.body = {reinterpret_cast<const char*>(transfers_.data()),
                     transfers_.size() * sizeof(ledger::Transfer)};
      frame_.Add(record);
      const double start = SecondsNow();
      DieUnlessOk(log_.Append(frame_));
      seconds += SecondsNow() - start;
    }
    return seconds;
  }

 private:
  ledger::Log& log_;
  uint64_t position_;
  std::vector<ledger::Transfer> transfers_;
  ledger::Frame frame_;
};

constexpr uint64_t kSmallRows = 30;  // A frame of 4 KiB.
constexpr uint64_t kLargeRows = ledger::kBatchEventsMax;
constexpr uint64_t kLargeFrameBytes = 1 << 20;
static_assert(ledger::PaddedFrameBytes(kLargeRows * sizeof(ledger::Transfer) + 88) ==
              kLargeFrameBytes);

double GigabytesPerSecond(uint64_t bytes, double seconds) {
  return static_cast<double>(bytes) / kGigabyte / seconds;
}

// Seconds for `count` writes of `bytes` one behind the other, each synced when asked.
double WriteSeconds(base::File& file, uint64_t bytes, uint64_t count, bool syncs_each) {
  const ledger::AlignedBuffer content(bytes);
  std::memset(content.data(), 'x', bytes);
  const double start = SecondsNow();
  for (uint64_t i = 0; i < count; ++i) {
    DieUnlessOk(file.WriteAt(i * bytes, content.view(0, bytes)));
    if (syncs_each) DieUnlessOk(file.Sync());
  }
  DieUnlessOk(file.Sync());
  return SecondsNow() - start;
}

// What the disk gives to one thread without any of ours.
void MeasureDisk(const Settings& settings, const std::string& folder, json& result) {
  constexpr uint64_t kSmall = 4'096;
  constexpr uint64_t kLarge = 1 << 20;
  constexpr uint64_t kStep = ledger::ReadAhead::kStepBytes;
  const auto file =
      Take(base::SystemFileSystem().OpenDirect(folder + "/disk", base::IfMissing::kCreate));
  const uint64_t bytes = settings.log_bytes / kStep * kStep;
  result["disk_growing_gb_per_s"] =
      GigabytesPerSecond(bytes, WriteSeconds(*file, kStep, bytes / kStep, false));
  result["disk_1mib_syncs_gb_per_s"] =
      GigabytesPerSecond(bytes, WriteSeconds(*file, kLarge, bytes / kLarge, true));
  result["disk_4kib_syncs_per_s"] = static_cast<double>(settings.small_frames) /
                                    WriteSeconds(*file, kSmall, settings.small_frames, true);
  const ledger::AlignedBuffer content(kStep);
  const double start = SecondsNow();
  for (uint64_t offset = 0; offset < bytes; offset += kStep) {
    DieUnlessOk(file->ReadAt(offset, content.data(), kStep));
  }
  result["disk_reading_gb_per_s"] = GigabytesPerSecond(bytes, SecondsNow() - start);
  DieUnlessOk(base::SystemFileSystem().Remove(folder + "/disk"));
}

void MeasureAppends(const Settings& settings, const std::string& folder, json& result) {
  const auto small = OpenLog(folder + "/small");
  result["log_4kib_syncs_per_s"] = static_cast<double>(settings.small_frames) /
                                   Appender(*small, kSmallRows).Append(settings.small_frames);
  const auto large = OpenLog(folder + "/large");
  const uint64_t frames = settings.log_bytes / kLargeFrameBytes;
  Appender appender(*large, kLargeRows);
  result["log_1mib_new_segments_gb_per_s"] =
      GigabytesPerSecond(settings.log_bytes, appender.Append(frames));
  DieUnlessOk(large->TrimBefore(large->durable_position()));
  result["log_1mib_reused_segments_gb_per_s"] =
      GigabytesPerSecond(settings.log_bytes, appender.Append(frames));
}

void MeasureReading(const Settings& settings, const std::string& folder, json& result) {
  double start = SecondsNow();
  const auto log = OpenLog(folder + "/large");
  result["log_recovery_gb_per_s"] = GigabytesPerSecond(settings.log_bytes, SecondsNow() - start);
  start = SecondsNow();
  ledger::LogReader reader(*log, log->first_position());
  while (Take(reader.Next()) != nullptr) {
  }
  result["log_reader_gb_per_s"] = GigabytesPerSecond(settings.log_bytes, SecondsNow() - start);
}

void MeasureSnapshot(const Settings& settings, const std::string& folder, json& result) {
  constexpr uint64_t kPieceBytes = 64 << 10;
  const std::string piece(kPieceBytes, 'x');
  const auto snapshots = Take(ledger::Snapshots::Open(base::SystemFileSystem(), folder + "/snap"));
  const uint64_t bytes = settings.log_bytes / kPieceBytes * kPieceBytes;
  double start = SecondsNow();
  const auto writer = Take(snapshots->Begin({.position = 1}));
  for (uint64_t i = 0; i < bytes / kPieceBytes; ++i) DieUnlessOk(writer->Add(1, piece));
  DieUnlessOk(writer->Finish());
  result["snapshot_writing_gb_per_s"] = GigabytesPerSecond(bytes, SecondsNow() - start);
  start = SecondsNow();
  const auto reader = Take(snapshots->Read(1));
  while (Take(reader->Next()) != nullptr) {
  }
  result["snapshot_reading_gb_per_s"] = GigabytesPerSecond(bytes, SecondsNow() - start);
}

// What the ledger makes of the disk, with what the disk gave in the same run as the limit.
std::vector<benchmarks::Figure> Figures(const json& result) {
  const auto row = [&](const char* figure, const char* measured, const char* unit,
                       const char* limit) {
    return benchmarks::Figure{.figure = figure,
                              .measured = result[measured],
                              .unit = unit,
                              .to_reach = std::nullopt,
                              .limit = result[limit].get<double>()};
  };
  return {row("log, frames of 4 KiB", "log_4kib_syncs_per_s", "syncs/s", "disk_4kib_syncs_per_s"),
          row("log, frames of 1 MiB", "log_1mib_reused_segments_gb_per_s", "GB/s",
              "disk_1mib_syncs_gb_per_s"),
          row("log read back at a start", "log_recovery_gb_per_s", "GB/s", "disk_reading_gb_per_s"),
          row("snapshot written", "snapshot_writing_gb_per_s", "GB/s", "disk_growing_gb_per_s"),
          row("snapshot read", "snapshot_reading_gb_per_s", "GB/s", "disk_reading_gb_per_s")};
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("measures the ledger's storage");
  app.add_option("--folder", settings.folder, "where to write; on the disk that is meant");
  app.add_option("--small-frames", settings.small_frames, "frames of 4 KiB");
  app.add_option("--log-bytes", settings.log_bytes, "of frames of 1 MiB");
  CLI11_PARSE(app, argc, argv);
  const Folder folder(settings.folder);
  json result;
  MeasureDisk(settings, folder.path(), result);
  MeasureAppends(settings, folder.path(), result);
  MeasureReading(settings, folder.path(), result);
  MeasureSnapshot(settings, folder.path(), result);
  result["figures"] = benchmarks::ToJson(Figures(result));
  std::cout << result.dump(2) << "\n";
  return 0;
}
