#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "hamisha/orchestrator/v1/orchestrator.pb.h"
#include "orchestrator/approval/statement.h"
#include "orchestrator/control/view.h"
#include "orchestrator/engine/engine.h"
#include "orchestrator/journal/journal.h"
#include "orchestrator/journal/records.h"

namespace orchestrator {

// One run as this process knows it: the engine, and, where the run may go on, its journal.
// Not thread-safe.
class LiveRun {
 public:
  // A run whose journal begins now. Events must follow, beginning with Started.
  LiveRun(RunCreated created, std::shared_ptr<const Plan> plan, std::unique_ptr<Journal> journal);
  // A run read back. `journal` may be null when the run is only looked at; `engine` has replayed
  // it, and `unwritten` is appended.
  LiveRun(RunCreated created, std::unique_ptr<Engine> engine, std::unique_ptr<Journal> journal,
          std::vector<Effect> unwritten);

  // Gives the event to the engine and appends it and its effects to the journal. Nothing has
  // happened when it is an error. What is to be sent waits for Commit().
  absl::Status Apply(const Event& event, uint64_t term);

  // Notes who wanted to decide what and was refused, up to a bound for each run and process.
  void NoteRefused(const hamisha::orchestrator::v1::PersonAct& act, const std::string& why,
                   absl::Time time, uint64_t term);
  // What is asked about a step now; "": about the whole run.
  Question QuestionOf(const std::string& step) const;

  // Appends what a crash kept out of the journal. Apply() does it, too.
  void AppendUnwritten(uint64_t term);

  // Appends what was noted beside the events, such as a forecast.
  void AppendNote(JournalEntry entry);

  // Makes all so far durable. After an error this process must stop.
  absl::Status Commit() { return journal_->Commit(); }
  // Orders of committed events that have not been taken.
  std::vector<hamisha::agent::v1::Order> TakeOrders();

  // The newest word of an agent on an order that it executes. Not journaled.
  void Note(const hamisha::agent::v1::OrderProgress& progress);

  const Engine& engine() const { return *engine_; }
  const RunCreated& created() const { return created_; }
  const std::string& journal_path() const { return journal_path_; }
  // Of a run that is only looked at: where its journal is, how many entries it has, and its hash.
  void set_journal(std::string path, uint64_t entries, std::string hash);
  bool ended() const { return engine_->ended(); }
  absl::Time time_last() const { return time_last_; }  // Of the newest entry.
  void set_time_last(absl::Time time) { time_last_ = time; }

  // As it is now, for operators.
  RunSnapshot Snapshot(uint64_t term);

 private:
  void AddPeople(hamisha::orchestrator::v1::RunView& view) const;
  void AppendEffects(const std::vector<Effect>& effects, uint64_t term);

  const RunCreated created_;
  const std::string playbook_digest_;  // PlaybookDigestOf(): looking at a run does not hash it.
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Journal> journal_;
  std::string journal_path_;
  uint64_t journal_entries_ = 0;  // Without a journal.
  std::string journal_hash_;
  uint32_t refused_noted_ = 0;
  absl::Time time_last_ = absl::InfinitePast();
  std::vector<Effect> unwritten_;
  std::vector<hamisha::agent::v1::Order> orders_;
  Progress progress_;
  SnapshotTaker snapshots_;
};

// Of the playbook alone, hexadecimal: by it a rehearsal counts for other servers, too.
std::string PlaybookDigestOf(const RunCreated& created);

inline bool IsPreflight(const LiveRun& run) {
  return run.created().kind == hamisha::orchestrator::v1::RUN_KIND_PREFLIGHT;
}

}  // namespace orchestrator
