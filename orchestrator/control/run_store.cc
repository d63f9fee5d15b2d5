#include "orchestrator/control/run_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "orchestrator/journal/replay.h"

namespace orchestrator {
namespace {

// The number at the end of a run's id; 0 when it is none of ours.
uint64_t NumberOf(const std::string& run) {
  const size_t dash = run.rfind('-');
  uint64_t number = 0;
  if (dash == std::string::npos || !absl::SimpleAtoi(run.substr(dash + 1), &number)) return 0;
  return number;
}

std::string FileName(std::string text) {
  for (char& letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (!absl::ascii_isalnum(byte) && letter != '_' && letter != '.') letter = '_';
  }
  return text;
}

}  // namespace

std::string RunStore::JournalPath(const std::string& run) const {
  return absl::StrCat(folder_, "/runs/", run, "/journal.jsonl");
}

absl::Status RunStore::Prepare() {
  RETURN_IF_ERROR(files_.CreateFolders(absl::StrCat(folder_, "/runs")));
  return files_.SyncFolder(folder_);
}

absl::StatusOr<uint64_t> RunStore::NextTerm() {
  const std::string path = absl::StrCat(folder_, "/term");
  uint64_t term = 0;
  if (files_.Exists(path)) {
    ASSIGN_OR_RETURN(const std::string text, files_.Read(path));
    if (!absl::SimpleAtoi(text, &term)) {
      return absl::DataLossError(absl::StrCat(
          path, " is not a number: write the highest term that an agent has obeyed into it"));
    }
  }
  ++term;
  RETURN_IF_ERROR(files_.Replace(path, absl::StrCat(term, "\n")));
  return term;
}

absl::StatusOr<std::vector<std::string>> RunStore::Runs() const {
  ASSIGN_OR_RETURN(std::vector<std::string> runs, files_.List(absl::StrCat(folder_, "/runs")));
  runs.erase(std::remove_if(runs.begin(), runs.end(),
                            [](const std::string& run) { return NumberOf(run) == 0; }),
             runs.end());
  std::sort(runs.begin(), runs.end(),
            [](const std::string& a, const std::string& b) { return NumberOf(a) < NumberOf(b); });
  return runs;
}

absl::StatusOr<std::string> RunStore::NewRunId(const std::string& plan, absl::Time now) const {
  ASSIGN_OR_RETURN(const std::vector<std::string> runs, Runs());
  const uint64_t number = runs.empty() ? 1 : NumberOf(runs.back()) + 1;
  return absl::StrCat(absl::FormatTime("%Y%m%d-%H%M", now, absl::UTCTimeZone()), "-",
                      FileName(plan), "-", number);
}

absl::StatusOr<std::unique_ptr<LiveRun>> RunStore::Create(RunCreated created,
                                                          std::shared_ptr<const Plan> plan) {
  const std::string folder = absl::StrCat(folder_, "/runs/", created.run);
  RETURN_IF_ERROR(files_.CreateFolders(folder));
  ASSIGN_OR_RETURN(std::unique_ptr<Journal> journal,
                   Journal::Open(files_, JournalPath(created.run)));
  RETURN_IF_ERROR(files_.SyncFolder(folder));
  RETURN_IF_ERROR(files_.SyncFolder(absl::StrCat(folder_, "/runs")));
  return std::make_unique<LiveRun>(std::move(created), std::move(plan), std::move(journal));
}

absl::StatusOr<std::unique_ptr<LiveRun>> RunStore::Load(const std::string& run) {
  ASSIGN_OR_RETURN(std::unique_ptr<Journal> journal, Journal::Open(files_, JournalPath(run)));
  const std::vector<JournalEntry> entries = journal->TakeEntries();
  if (entries.empty()) return nullptr;
  return Rebuild(entries, std::move(journal));
}

absl::StatusOr<std::unique_ptr<LiveRun>> RunStore::LoadToView(const std::string& run) const {
  ASSIGN_OR_RETURN(const std::vector<std::string> runs, Runs());
  if (std::find(runs.begin(), runs.end(), run) == runs.end()) {
    return absl::NotFoundError(absl::StrCat("there is no run '", run, "'"));
  }
  ASSIGN_OR_RETURN(const std::string text, files_.Read(JournalPath(run)));
  ASSIGN_OR_RETURN(const ParsedJournal parsed, ParseJournal(text, JournalPath(run)));
  if (parsed.entries.empty()) {
    return absl::NotFoundError(absl::StrCat("run '", run, "' never started"));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<LiveRun> live, Rebuild(parsed.entries, nullptr));
  live->set_journal(JournalPath(run), parsed.entries.size(), parsed.previous);
  return live;
}

absl::StatusOr<std::unique_ptr<LiveRun>> RunStore::Rebuild(const std::vector<JournalEntry>& entries,
                                                           std::unique_ptr<Journal> journal) const {
  ASSIGN_OR_RETURN(RunCreated created, ToRunCreated(entries.front()));
  Compilation compilation = compile_(created.playbook, created.inventory);
  if (!compilation.diagnostics.empty() ||
      base::ToHex(compilation.plan.digest) != created.plan_digest) {
    return absl::FailedPreconditionError(
        absl::StrCat("run '", created.run,
                     "' was planned by another version of the orchestrator: go on with that one"));
  }
  auto plan = std::make_shared<const Plan>(std::move(compilation.plan));
  ASSIGN_OR_RETURN(Replayed replayed, Replay(entries, std::move(plan), created.run));
  auto live = std::make_unique<LiveRun>(std::move(created), std::move(replayed.engine),
                                        std::move(journal), std::move(replayed.unwritten));
  live->set_time_last(entries.back().time);
  return live;
}

}  // namespace orchestrator
