// The files of a run in its directory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/file_system.h"
#include "lab/load/checker.h"
#include "lab/load/outcome.h"

namespace lab {

inline constexpr char kOutcomesFile[] = "outcomes.log";  // lab/load/outcome.h has the bytes.
inline constexpr char kOpeningFile[] = "opening.bin";    // Balances before the run, by ordinal.
inline constexpr char kSecondsFile[] = "seconds.jsonl";
inline constexpr char kSummaryFile[] = "summary.json";
inline constexpr char kCheckFile[] = "check.json";
inline constexpr char kPreparedFile[] = "prepared.json";

// Appends to a file through a buffer. Not thread-safe. The first error is kept and given back by
// each Flush().
class AppendFile {
 public:
  // ALREADY_EXISTS when there is such a file with something in it.
  static absl::StatusOr<std::unique_ptr<AppendFile>> Create(base::FileSystem& files,
                                                            const std::string& path);

  std::string& buffer() { return buffer_; }  // Append to it.
  absl::Status Flush();

 private:
  explicit AppendFile(std::unique_ptr<base::File> file) : file_(std::move(file)) {}

  std::unique_ptr<base::File> file_;
  std::string buffer_;
  uint64_t offset_ = 0;
  absl::Status status_;
};

// Reads an outcomes file piece by piece. Not thread-safe.
class OutcomeReader {
 public:
  static absl::StatusOr<std::unique_ptr<OutcomeReader>> Open(base::FileSystem& files,
                                                             const std::string& path);

  const OutcomeHeader& header() const { return header_; }
  // The next row; none at the end. DATA_LOSS names the transaction.
  absl::StatusOr<std::optional<OutcomeRow>> Next();
  // After the last row: whether the run ended in order and the file has all its rows.
  bool complete() const { return complete_; }

 private:
  explicit OutcomeReader(std::unique_ptr<base::File> file) : file_(std::move(file)) {}
  absl::StatusOr<bool> Fill();  // False at the end of the file.

  std::unique_ptr<base::File> file_;
  OutcomeHeader header_;
  std::string chunk_;
  size_t taken_ = 0;     // Of chunk_.
  uint64_t offset_ = 0;  // In the file, behind chunk_.
  uint64_t rows_ = 0;
  bool complete_ = false;
};

absl::Status WriteOpening(base::FileSystem& files, const std::string& folder,
                          const std::vector<Balance>& opening);
// INVALID_ARGUMENT unless there is one balance for each account of `space`.
absl::StatusOr<std::vector<Balance>> ReadOpening(base::FileSystem& files, const std::string& folder,
                                                 const AccountSpace& space);

}  // namespace lab
