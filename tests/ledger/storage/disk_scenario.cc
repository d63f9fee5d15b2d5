#include "tests/ledger/storage/disk_scenario.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace ledger {
namespace {

const LogOptions kOptions{.folder = "data/log", .segment_bytes = 32 << 10, .prepares_ahead = false};
constexpr size_t kSnapshotRows = 300;

std::string SnapshotContent(uint64_t position) {
  std::string content;
  for (size_t row = 0; row < kSnapshotRows; ++row)
    absl::StrAppend(&content, position, ".", row, ";");
  return content;
}

}  // namespace

absl::Status DiskScenario::Start() {
  writer_.reset();
  ASSIGN_OR_RETURN(snapshots_, Snapshots::Open(files_, "data/snapshots"));
  ASSIGN_OR_RETURN(LogWriter writer, LogWriter::Open(files_, kOptions));
  RETURN_IF_ERROR(snapshots_->CheckLogReaches(writer.position));
  if (writer.position < acknowledged_) {
    return absl::InternalError(absl::StrCat("the log ends at ", writer.position, " and ",
                                            acknowledged_, " was acknowledged"));
  }
  writer_ = std::make_unique<LogWriter>(std::move(writer));
  // An empty log behind a snapshot goes on from the snapshot's hash.
  if (writer_->hashes.empty() && writer_->position > 0) writer_->hash = hashes_[writer_->position];
  return absl::OkStatus();
}

absl::Status DiskScenario::Append(int records, size_t events) {
  for (int i = 0; i < records; ++i) {
    writer_->Add(events);
    hashes_[writer_->position] = writer_->hash;
  }
  const uint64_t last = writer_->position;
  RETURN_IF_ERROR(writer_->log->Append(writer_->frame));
  acknowledged_ = last;
  return absl::OkStatus();
}

absl::Status DiskScenario::Restart() {
  RETURN_IF_ERROR(Mark());
  return Start();
}

absl::Status DiskScenario::Mark() { return writer_->log->Append(writer_->frame); }

absl::Status DiskScenario::TakeSnapshot() {
  const uint64_t position = writer_->log->durable_position();
  ASSIGN_OR_RETURN(const auto snapshot,
                   snapshots_->Begin({.position = position, .log_hash = hashes_[position]}));
  const std::string content = SnapshotContent(position);
  RETURN_IF_ERROR(snapshot->Add(1, content));
  RETURN_IF_ERROR(snapshot->Add(2, absl::string_view(content).substr(0, 99)));
  RETURN_IF_ERROR(snapshot->Finish());
  RETURN_IF_ERROR(snapshots_->Prune([] { return absl::OkStatus(); }));
  ASSIGN_OR_RETURN(const uint64_t trim, snapshots_->TrimPosition());
  return writer_->log->TrimBefore(trim);
}

absl::Status DiskScenario::Run() {
  RETURN_IF_ERROR(Start());
  for (int life = 0; life < 3; ++life) {
    for (const size_t events : {3u, 60u, 25u}) RETURN_IF_ERROR(Append(1, events));
    RETURN_IF_ERROR(Append(2, 90));
    RETURN_IF_ERROR(TakeSnapshot());
    RETURN_IF_ERROR(Append(1, 140));
    RETURN_IF_ERROR(Append(1, 30));
    RETURN_IF_ERROR(Restart());
  }
  RETURN_IF_ERROR(TakeSnapshot());
  RETURN_IF_ERROR(Append(1, 10));
  RETURN_IF_ERROR(Append(1, 40));
  return Mark();
}

absl::Status DiskScenario::RunRandomly(std::mt19937& random) {
  RETURN_IF_ERROR(Start());
  for (auto steps = 5 + random() % 25; steps > 0; --steps) {
    const auto dice = random() % 12;
    if (dice == 0) RETURN_IF_ERROR(Restart());
    if (dice == 1) RETURN_IF_ERROR(TakeSnapshot());
    if (dice == 2) RETURN_IF_ERROR(Mark());
    if (dice > 2) RETURN_IF_ERROR(Append(static_cast<int>(1 + random() % 2), random() % 110));
  }
  return Mark();
}

absl::StatusOr<std::string> DiskScenario::Examine() {
  for (int life = 0; life < 2; ++life) {
    RETURN_IF_ERROR(Start());
    if (std::string wrong = ExamineLog(); !wrong.empty()) return wrong;
    ASSIGN_OR_RETURN(std::string wrong, ExamineSnapshots());
    if (!wrong.empty()) return wrong;
    RETURN_IF_ERROR(Append(1, 5));
    RETURN_IF_ERROR(Append(1, 120));
    files_.Crash();
  }
  return std::string();
}

std::string DiskScenario::ExamineLog() {
  const uint64_t first = writer_->log->first_position();
  for (size_t i = 0; i < writer_->hashes.size(); ++i) {
    if (hashes_[first + i] != writer_->hashes[i]) {
      return absl::StrCat("position ", first + i, " is another record");
    }
  }
  return "";
}

// Two whole ones, and the log from behind the older of them on; or a log from its beginning.
absl::StatusOr<std::string> DiskScenario::ExamineSnapshots() {
  ASSIGN_OR_RETURN(const std::vector<uint64_t> positions, snapshots_->List());
  ASSIGN_OR_RETURN(const uint64_t trim, snapshots_->TrimPosition());
  if (writer_->log->first_position() > trim) return std::string("the log was trimmed too far");
  for (const uint64_t position : positions) {
    ASSIGN_OR_RETURN(const auto reader, snapshots_->Read(position));
    if (reader->facts().log_hash != hashes_[position]) return std::string("another snapshot");
    std::string content;
    while (true) {
      ASSIGN_OR_RETURN(const SnapshotReader::Chunk* const chunk, reader->Next());
      if (chunk == nullptr) break;
      if (chunk->section == 1) content.append(chunk->bytes.data(), chunk->bytes.size());
    }
    if (content != SnapshotContent(position)) return std::string("another content");
  }
  return std::string();
}

}  // namespace ledger
