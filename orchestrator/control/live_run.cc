#include "orchestrator/control/live_run.h"

#include <utility>

#include "base/invariant.h"
#include "base/status_macros.h"

namespace orchestrator {

LiveRun::LiveRun(RunCreated created, std::shared_ptr<const Plan> plan,
                 std::unique_ptr<Journal> journal)
    : created_(std::move(created)),
      engine_(std::make_unique<Engine>(std::move(plan), created_.run)),
      journal_(std::move(journal)),
      journal_path_(journal_->path()) {}

LiveRun::LiveRun(RunCreated created, std::unique_ptr<Engine> engine,
                 std::unique_ptr<Journal> journal, std::vector<Effect> unwritten)
    : created_(std::move(created)),
      engine_(std::move(engine)),
      journal_(std::move(journal)),
      unwritten_(std::move(unwritten)) {
  if (journal_ != nullptr) journal_path_ = journal_->path();
}

absl::Status LiveRun::Apply(const Event& event, uint64_t term) {
  INVARIANT(journal_ != nullptr && event.time >= time_last_);
  AppendUnwritten(term);
  ASSIGN_OR_RETURN(const std::vector<Effect> effects, engine_->Apply(event));
  time_last_ = event.time;
  JournalEntry entry =
      std::holds_alternative<Started>(event.what) ? ToEntry(created_, event.time) : ToEntry(event);
  entry.term = term;
  journal_->Append(std::move(entry));
  AppendEffects(effects, term);
  for (const Effect& effect : effects) {
    if (const auto* send = std::get_if<SendOrder>(&effect)) orders_.push_back(send->order);
  }
  return absl::OkStatus();
}

void LiveRun::AppendUnwritten(uint64_t term) { AppendEffects(std::exchange(unwritten_, {}), term); }

void LiveRun::AppendEffects(const std::vector<Effect>& effects, uint64_t term) {
  for (const Effect& effect : effects) {
    JournalEntry entry = ToEntry(effect, time_last_);
    entry.term = term;
    journal_->Append(std::move(entry));
  }
}

std::vector<hamisha::agent::v1::Order> LiveRun::TakeOrders() { return std::exchange(orders_, {}); }

void LiveRun::Note(const hamisha::agent::v1::OrderProgress& progress) {
  if (progress.key().run() != created_.run) return;
  const std::optional<Place> place = engine_->PlaceOf(progress.key());
  if (!place.has_value()) return;
  progress_[ProgressKey(progress.key().step(), progress.key().host())] = progress.message();
  snapshots_.Touch(place->step);
}

RunSnapshot LiveRun::Snapshot(uint64_t term) {
  RunSnapshot snapshot = snapshots_.Take(*engine_, progress_);
  snapshot.head.set_kind(created_.kind);
  snapshot.head.set_journal(journal_path_);
  snapshot.head.set_term(term);
  return snapshot;
}

}  // namespace orchestrator
