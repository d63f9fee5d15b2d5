#include "lab/load/run_files.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace lab {
namespace {

constexpr size_t kChunkBytes = 4 << 20;

static_assert(sizeof(Balance) == 16 && std::is_trivially_copyable_v<Balance>);

}  // namespace

absl::StatusOr<std::unique_ptr<AppendFile>> AppendFile::Create(base::FileSystem& files,
                                                               const std::string& path) {
  ASSIGN_OR_RETURN(std::unique_ptr<base::File> file, files.Open(path));
  ASSIGN_OR_RETURN(const uint64_t bytes, file->Size());
  if (bytes > 0) {
    return absl::AlreadyExistsError(
        absl::StrCat(path, " is of an earlier run; give another --dir, or remove it"));
  }
  return std::unique_ptr<AppendFile>(new AppendFile(std::move(file)));
}

absl::Status AppendFile::Flush() {
  if (status_.ok() && !buffer_.empty()) {
    status_ = file_->WriteAt(offset_, buffer_);
    offset_ += buffer_.size();
  }
  buffer_.clear();
  return status_;
}

absl::StatusOr<std::unique_ptr<OutcomeReader>> OutcomeReader::Open(base::FileSystem& files,
                                                                   const std::string& path) {
  if (!files.Exists(path)) {
    return absl::NotFoundError(absl::StrCat(path, " is not there; `hamisha-load run` writes it"));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<base::File> file, files.Open(path));
  std::unique_ptr<OutcomeReader> reader(new OutcomeReader(std::move(file)));
  RETURN_IF_ERROR(reader->Fill().status());
  absl::string_view bytes = reader->chunk_;
  absl::StatusOr<OutcomeHeader> header = TakeHeader(bytes);
  if (!header.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", header.status().message()));
  }
  reader->header_ = *std::move(header);
  reader->taken_ = reader->chunk_.size() - bytes.size();
  return reader;
}

absl::StatusOr<bool> OutcomeReader::Fill() {
  ASSIGN_OR_RETURN(const uint64_t size, file_->Size());
  const size_t more = std::min<uint64_t>(kChunkBytes, size - std::min(size, offset_));
  if (more == 0) return false;
  chunk_.erase(0, taken_);
  taken_ = 0;
  const size_t kept = chunk_.size();
  chunk_.resize(kept + more);
  RETURN_IF_ERROR(file_->ReadAt(offset_, chunk_.data() + kept, more));
  offset_ += more;
  return true;
}

absl::StatusOr<std::optional<OutcomeRow>> OutcomeReader::Next() {
  while (true) {
    absl::string_view bytes = absl::string_view(chunk_).substr(taken_);
    ASSIGN_OR_RETURN(std::optional<TakenRow> taken, TakeRow(bytes));
    if (taken) {
      taken_ = chunk_.size() - bytes.size();
      if (taken->end) {
        complete_ = taken->end_rows == rows_;
        return std::nullopt;
      }
      ++rows_;
      return std::move(taken->row);
    }
    ASSIGN_OR_RETURN(const bool more, Fill());
    if (!more) return std::nullopt;
  }
}

absl::Status WriteOpening(base::FileSystem& files, const std::string& folder,
                          const std::vector<Balance>& opening) {
  return files.Replace(
      absl::StrCat(folder, "/", kOpeningFile),
      {reinterpret_cast<const char*>(opening.data()), opening.size() * sizeof(Balance)});
}

absl::StatusOr<std::vector<Balance>> ReadOpening(base::FileSystem& files, const std::string& folder,
                                                 const AccountSpace& space) {
  const std::string path = absl::StrCat(folder, "/", kOpeningFile);
  ASSIGN_OR_RETURN(const std::string bytes, files.Read(path));
  if (bytes.size() != space.size() * sizeof(Balance)) {
    return absl::InvalidArgumentError(absl::StrCat(path, " does not have one balance for each of ",
                                                   space.size(),
                                                   " accounts; it is not of this run"));
  }
  std::vector<Balance> opening(space.size());
  std::memcpy(opening.data(), bytes.data(), bytes.size());
  return opening;
}

}  // namespace lab
