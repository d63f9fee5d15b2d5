#include "orchestrator/journal/journal.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status_macros.h"

namespace orchestrator {
namespace {

using nlohmann::json;

constexpr char kTimeFormat[] = "%Y-%m-%dT%H:%M:%E9SZ";

std::string HashOfLine(absl::string_view line) { return base::ToHex(base::Sha256Of(line)); }

// What is not UTF-8 is replaced: a text from outside must not stop the journal.
std::string ToLine(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

bool HasFields(const json& line) {
  const auto is = [&](const char* key, auto predicate) {
    const auto found = line.find(key);
    return found != line.end() && predicate(*found);
  };
  const auto is_number = [](const json& value) { return value.is_number_unsigned(); };
  const auto is_text = [](const json& value) { return value.is_string(); };
  const auto is_object = [](const json& value) { return value.is_object(); };
  return line.is_object() && is("seq", is_number) && is("term", is_number) && is("time", is_text) &&
         is("kind", is_text) && is("previous", is_text) && is("data", is_object);
}

absl::StatusOr<JournalEntry> ParseLine(absl::string_view line, const std::string& previous) {
  json object = json::parse(line.begin(), line.end(), nullptr, false);
  if (object.is_discarded() || !HasFields(object) || ToLine(object) != line) {
    return absl::DataLossError("is not a journal line");
  }
  if (object["previous"] != previous) {
    return absl::DataLossError("does not follow the line before: its `previous` is another hash");
  }
  JournalEntry entry;
  ASSIGN_OR_RETURN(entry.time, ParseJournalTime(object["time"].get<std::string>()));
  entry.seq = object["seq"].get<uint64_t>();
  entry.term = object["term"].get<uint64_t>();
  entry.kind = object["kind"].get<std::string>();
  entry.data = std::move(object["data"]);
  return entry;
}

}  // namespace

std::string FormatJournalTime(absl::Time time) {
  return absl::FormatTime(kTimeFormat, time, absl::UTCTimeZone());
}

absl::StatusOr<absl::Time> ParseJournalTime(const std::string& text) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(kTimeFormat, text, absl::UTCTimeZone(), &time, &error)) {
    return absl::DataLossError(absl::StrCat("has no time: ", error));
  }
  return time;
}

absl::StatusOr<ParsedJournal> ParseJournal(absl::string_view text, const std::string& path) {
  ParsedJournal parsed;
  parsed.previous = std::string(64, '0');
  for (size_t end = text.find('\n'); end != absl::string_view::npos;
       end = text.find('\n', parsed.bytes)) {
    const absl::string_view line = text.substr(parsed.bytes, end - parsed.bytes);
    absl::StatusOr<JournalEntry> entry = ParseLine(line, parsed.previous);
    if (entry.ok() && entry->seq != parsed.entries.size() + 1) {
      entry = absl::DataLossError(absl::StrCat("has number ", entry->seq));
    }
    if (!entry.ok()) {
      return absl::DataLossError(
          absl::StrCat(path, ": line ", parsed.entries.size() + 1, " at byte ", parsed.bytes, " ",
                       std::string(entry.status().message()), ": put the file back from a copy"));
    }
    parsed.previous = HashOfLine(line);
    parsed.entries.push_back(*std::move(entry));
    parsed.bytes = end + 1;
  }
  return parsed;
}

absl::StatusOr<std::unique_ptr<Journal>> Journal::Open(base::FileSystem& files,
                                                       const std::string& path) {
  ASSIGN_OR_RETURN(std::unique_ptr<base::File> file, files.Open(path));
  ASSIGN_OR_RETURN(const std::string text, files.Read(path));
  ASSIGN_OR_RETURN(ParsedJournal parsed, ParseJournal(text, path));
  if (parsed.bytes < text.size()) RETURN_IF_ERROR(file->Truncate(parsed.bytes));
  RETURN_IF_ERROR(file->Sync());  // What was read is acted on.

  auto journal = std::unique_ptr<Journal>(new Journal(path, std::move(file)));
  journal->seq_last_ = parsed.entries.size();
  journal->bytes_ = parsed.bytes;
  journal->previous_ = std::move(parsed.previous);
  journal->entries_ = std::move(parsed.entries);
  return journal;
}

void Journal::Append(JournalEntry entry) {
  const json line = {{"seq", ++seq_last_},
                     {"time", FormatJournalTime(entry.time)},
                     {"term", entry.term},
                     {"kind", std::move(entry.kind)},
                     {"data", std::move(entry.data)},
                     {"previous", previous_}};
  const std::string text = ToLine(line);
  previous_ = HashOfLine(text);
  absl::StrAppend(&pending_, text, "\n");
}

absl::Status Journal::Commit() {
  if (pending_.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(file_->WriteAt(bytes_, pending_));
  RETURN_IF_ERROR(file_->Sync());
  bytes_ += pending_.size();
  pending_.clear();
  return absl::OkStatus();
}

}  // namespace orchestrator
