// What rehearsals have tried: those of this directory, and those brought here from elsewhere.
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "orchestrator/control/run_store.h"

namespace orchestrator {
namespace {

// Of a profile that a rehearsal elsewhere left; nothing when it is none, or says nothing of it.
void AddImported(const std::string& path, const std::string& json, RunStore::Rehearsed& rehearsed) {
  const auto profile = ParseProfile(path, json);
  if (!profile.ok() || profile->kind != "rehearsal" || profile->coverage.empty()) return;
  AddCoverage(profile->coverage, rehearsed.coverage);
  rehearsed.runs.push_back(profile->run);
}

}  // namespace

// Only whole journals count, and only runs that this version would have driven the same way.
void RunStore::AddOwn(const std::string& run, const std::string& playbook_digest,
                      Rehearsed& rehearsed) const {
  const auto text = files_.Read(JournalPath(run));
  if (!text.ok()) return;
  const auto parsed = ParseJournal(*text, JournalPath(run));
  if (!parsed.ok() || parsed->entries.empty()) return;
  const auto created = ToRunCreated(parsed->entries.front());
  if (!created.ok() || created->kind != hamisha::orchestrator::v1::RUN_KIND_REHEARSAL ||
      PlaybookDigestOf(*created) != playbook_digest) {
    return;
  }
  const auto live = Rebuild(parsed->entries, nullptr);
  if (!live.ok() || !(*live)->ended()) return;
  AddCoverage(CoverageOf((*live)->engine()), rehearsed.coverage);
  rehearsed.runs.push_back(run);
}

absl::StatusOr<RunStore::Rehearsed> RunStore::RehearsalsOf(
    const std::string& playbook_digest) const {
  Rehearsed rehearsed;
  ASSIGN_OR_RETURN(const std::vector<std::string> runs, Runs());
  for (const std::string& run : runs) AddOwn(run, playbook_digest, rehearsed);
  const std::string imported = ImportedFolder(playbook_digest);
  if (!files_.Exists(imported)) return rehearsed;
  ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(imported));
  for (const std::string& name : names) {
    const std::string path = absl::StrCat(imported, "/", name);
    ASSIGN_OR_RETURN(const std::string json, files_.Read(path));
    AddImported(path, json, rehearsed);
  }
  return rehearsed;
}

}  // namespace orchestrator
