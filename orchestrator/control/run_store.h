#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/file_system.h"
#include "orchestrator/control/live_run.h"
#include "orchestrator/coverage/coverage.h"
#include "orchestrator/forecast/profile.h"
#include "orchestrator/plan/compile.h"

namespace orchestrator {

using Compiler = std::function<Compilation(const SourceText&, const SourceText&)>;

// The state directory: `term`, a folder a run in runs/ with its journal and, once it has ended, its
// profile, and imported profiles in profiles/, a folder a playbook digest. Only one process may use
// it. Looking at runs and profiles is safe for any thread; the rest is not.
class RunStore {
 public:
  // `files` must outlive the store.
  RunStore(base::FileSystem& files, std::string folder, Compiler compile)
      : files_(files), folder_(std::move(folder)), compile_(std::move(compile)) {}

  // Creates the folders.
  absl::Status Prepare();

  // One more than the last, durable before it is returned.
  absl::StatusOr<uint64_t> NextTerm();

  // What rehearsals of a playbook have tried, added up, with the runs that count: those of this
  // directory, by their journals, and those brought here. Any thread.
  struct Rehearsed {
    Coverage coverage;
    std::vector<std::string> runs;
  };
  absl::StatusOr<Rehearsed> RehearsalsOf(const std::string& playbook_digest) const;

  // Ids of all runs, oldest first.
  absl::StatusOr<std::vector<std::string>> Runs() const;

  // "20150418-2300-weekend_cutover-1": time in UTC, and one more than the newest run's number.
  absl::StatusOr<std::string> NewRunId(const std::string& plan, absl::Time now) const;

  // A run with an empty journal; its folder is durable. created.run names it.
  absl::StatusOr<std::unique_ptr<LiveRun>> Create(RunCreated created,
                                                  std::shared_ptr<const Plan> plan);

  // Reads a run back so that it can go on. Null when a crash left it without its first entry.
  absl::StatusOr<std::unique_ptr<LiveRun>> Load(const std::string& run);
  // The same to look at: changes nothing. NOT_FOUND without such a run.
  absl::StatusOr<std::unique_ptr<LiveRun>> LoadToView(const std::string& run) const;

  // run_store_profiles.cc. The run's folder is there.
  absl::Status LeaveProfile(const Profile& profile);
  // NOT_FOUND without such a run, or while it goes on.
  absl::StatusOr<Profile> ProfileOf(const std::string& run) const;
  // INVALID_ARGUMENT when it cannot be kept.
  absl::Status ImportProfile(const Profile& profile);
  // Own and imported ones of one playbook, the newest, oldest first.
  absl::StatusOr<std::vector<Profile>> Profiles(const std::string& playbook_digest) const;

 private:
  std::string ProfilePath(const std::string& run) const;
  std::string ImportedFolder(const std::string& playbook_digest) const;
  std::string JournalPath(const std::string& run) const;
  void AddOwn(const std::string& run, const std::string& playbook_digest,
              Rehearsed& rehearsed) const;
  absl::StatusOr<std::unique_ptr<LiveRun>> Rebuild(const std::vector<JournalEntry>& entries,
                                                   std::unique_ptr<Journal> journal) const;

  base::FileSystem& files_;
  const std::string folder_;
  const Compiler compile_;
};

}  // namespace orchestrator
