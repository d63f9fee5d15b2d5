#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "hamisha/orchestrator/v1/orchestrator.pb.h"
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

  // Appends what a crash kept out of the journal. Apply() does it, too.
  void AppendUnwritten(uint64_t term);

  // Makes all so far durable. After an error this process must stop.
  absl::Status Commit() { return journal_->Commit(); }
  // Orders of committed events that have not been taken.
  std::vector<hamisha::agent::v1::Order> TakeOrders();

  // The newest word of an agent on an order that it executes. Not journaled.
  void Note(const hamisha::agent::v1::OrderProgress& progress);

  const Engine& engine() const { return *engine_; }
  const RunCreated& created() const { return created_; }
  const std::string& journal_path() const { return journal_path_; }
  void set_journal_path(std::string path) { journal_path_ = std::move(path); }
  bool ended() const { return engine_->ended(); }
  absl::Time time_last() const { return time_last_; }  // Of the newest entry.
  void set_time_last(absl::Time time) { time_last_ = time; }

  // As it is now, for operators.
  RunSnapshot Snapshot(uint64_t term);

 private:
  void AppendEffects(const std::vector<Effect>& effects, uint64_t term);

  const RunCreated created_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Journal> journal_;
  std::string journal_path_;
  absl::Time time_last_ = absl::InfinitePast();
  std::vector<Effect> unwritten_;
  std::vector<hamisha::agent::v1::Order> orders_;
  Progress progress_;
  SnapshotTaker snapshots_;
};

}  // namespace orchestrator
