#include "agents/runtime/log.h"

#include <bit>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status_macros.h"

namespace agents {
namespace {

namespace pb = ::hamisha::agent::v1;

static_assert(std::endian::native == std::endian::little);
constexpr size_t kHeaderBytes = sizeof(uint32_t) + sizeof(uint64_t);

uint64_t ChecksumOf(absl::string_view payload) {
  const auto length = static_cast<uint32_t>(payload.size());
  std::string hashed(reinterpret_cast<const char*>(&length), sizeof(length));
  hashed.append(payload.data(), payload.size());
  return base::Checksum64(hashed.data(), hashed.size());
}

// The payload of the frame that begins at `offset`, when it is whole and intact.
std::optional<absl::string_view> IntactFrame(absl::string_view content, size_t offset) {
  if (content.size() - offset < kHeaderBytes) return std::nullopt;
  uint32_t length = 0;
  uint64_t checksum = 0;
  std::memcpy(&length, content.data() + offset, sizeof(length));
  std::memcpy(&checksum, content.data() + offset + sizeof(length), sizeof(checksum));
  // No frame is empty; this also passes over stretches of zeros quickly.
  if (length == 0 || content.size() - offset - kHeaderBytes < length) return std::nullopt;
  const absl::string_view payload = content.substr(offset + kHeaderBytes, length);
  if (ChecksumOf(payload) != checksum) return std::nullopt;
  return payload;
}

bool HasIntactFrameAfter(absl::string_view content, size_t offset) {
  for (size_t next = offset + 1; next < content.size(); ++next) {
    if (IntactFrame(content, next).has_value()) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Log>> Log::Open(base::FileSystem& files, const std::string& path) {
  ASSIGN_OR_RETURN(std::unique_ptr<base::File> file, files.Open(path));
  std::unique_ptr<Log> log(new Log(std::move(file), path));
  RETURN_IF_ERROR(log->Read());
  RETURN_IF_ERROR(log->file_->Sync());
  RETURN_IF_ERROR(files.SyncFolder(std::filesystem::path(path).parent_path()));
  return log;
}

absl::Status Log::Read() {
  ASSIGN_OR_RETURN(const uint64_t size, file_->Size());
  std::string content(size, '\0');
  RETURN_IF_ERROR(file_->ReadAt(0, content.data(), content.size()));
  while (end_ < content.size()) {
    const std::optional<absl::string_view> payload = IntactFrame(content, end_);
    pb::LogBatch batch;
    const bool readable = payload.has_value() &&
                          batch.ParseFromArray(payload->data(), static_cast<int>(payload->size()));
    if (!readable) {
      if (!payload.has_value() && !HasIntactFrameAfter(content, end_)) {
        return file_->Truncate(end_);
      }
      return absl::DataLossError(
          absl::StrCat(path_, " is damaged at byte ", end_,
                       ": this agent can no longer tell which orders it has executed. Keep the "
                       "file, see that no "
                       "run is going on, and start the agent with an empty data directory"));
    }
    end_ += kHeaderBytes + payload->size();
    for (pb::LogEntry& entry : *batch.mutable_entries()) recovered_.push_back(std::move(entry));
  }
  return absl::OkStatus();
}

absl::Status Log::Append(const pb::LogBatch& batch) {
  const std::string payload = batch.SerializeAsString();
  const auto length = static_cast<uint32_t>(payload.size());
  const uint64_t checksum = ChecksumOf(payload);
  std::string frame(reinterpret_cast<const char*>(&length), sizeof(length));
  frame.append(reinterpret_cast<const char*>(&checksum), sizeof(checksum));
  frame += payload;
  RETURN_IF_ERROR(file_->WriteAt(end_, frame));
  RETURN_IF_ERROR(file_->Sync());
  end_ += frame.size();
  return absl::OkStatus();
}

}  // namespace agents
