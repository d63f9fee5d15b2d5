#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/file_system.h"

namespace orchestrator {

struct JournalEntry {
  uint64_t seq = 0;  // 1, 2, 3, …
  absl::Time time;   // Whole nanoseconds.
  uint64_t term = 0;
  std::string kind;     // See records.h.
  nlohmann::json data;  // An object of strings, integers, booleans and such objects.
};

// A run's append-only log: a text file of one JSON object a line, keys sorted, in the form of RFC
// 8785. `previous` of each line is the SHA-256 (hexadecimal) of the line before without its end,
// zeros in the first: whoever has the last line can check all. Readable with jq.
//
// Not thread-safe. After Commit() failed the file must not be used any more.
class Journal {
 public:
  // Opens or creates. A last line without its end is what a crash leaves of an unfinished Commit():
  // it is dropped. Any other damage is DATA_LOSS with the file and the byte where it begins.
  static absl::StatusOr<std::unique_ptr<Journal>> Open(base::FileSystem& files,
                                                       const std::string& path);

  // What was there when it was opened. The journal needs none of it: a long one is large.
  const std::vector<JournalEntry>& entries() const { return entries_; }
  std::vector<JournalEntry> TakeEntries() { return std::exchange(entries_, {}); }
  const std::string& path() const { return path_; }
  // With those that wait for the next Commit().
  uint64_t size() const { return seq_last_; }
  const std::string& hash() const { return previous_; }  // Of the newest line; zeros without any.

  // Numbers the entry and keeps it for the next Commit().
  void Append(JournalEntry entry);
  // All entries so far survive a crash when this returns OK. One write and one sync, or nothing to
  // do.
  absl::Status Commit();

 private:
  Journal(std::string path, std::unique_ptr<base::File> file)
      : path_(std::move(path)), file_(std::move(file)) {}

  const std::string path_;
  const std::unique_ptr<base::File> file_;
  std::vector<JournalEntry> entries_;
  uint64_t seq_last_ = 0;
  uint64_t bytes_ = 0;    // Of the file that are committed.
  std::string previous_;  // Hash of the newest line.
  std::string pending_;
};

struct ParsedJournal {
  std::vector<JournalEntry> entries;
  uint64_t bytes = 0;    // Of whole lines; what follows is a torn line.
  std::string previous;  // Hash of the last line, zeros without any.
};

// Checks the chain as it reads. `path` is for messages. DATA_LOSS as above.
absl::StatusOr<ParsedJournal> ParseJournal(absl::string_view text, const std::string& path);

// "2015-04-18T20:00:00.000000001Z", and back.
std::string FormatJournalTime(absl::Time time);
absl::StatusOr<absl::Time> ParseJournalTime(const std::string& text);

}  // namespace orchestrator
