#include "orchestrator/control/live_run.h"

#include <utility>

#include "base/hash.h"
#include "base/invariant.h"
#include "base/status_macros.h"
#include "orchestrator/approval/nonce.h"
#include "orchestrator/control/admission.h"

namespace orchestrator {
namespace {

constexpr uint32_t kRefusedNotedMax = 200;

}  // namespace

LiveRun::LiveRun(RunCreated created, std::shared_ptr<const Plan> plan,
                 std::unique_ptr<Journal> journal)
    : created_(std::move(created)),
      playbook_digest_(PlaybookDigestOf(created_)),
      engine_(std::make_unique<Engine>(std::move(plan), created_.run)),
      journal_(std::move(journal)),
      journal_path_(journal_->path()) {}

LiveRun::LiveRun(RunCreated created, std::unique_ptr<Engine> engine,
                 std::unique_ptr<Journal> journal, std::vector<Effect> unwritten)
    : created_(std::move(created)),
      playbook_digest_(PlaybookDigestOf(created_)),
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

void LiveRun::AppendNote(JournalEntry entry) {
  INVARIANT(journal_ != nullptr && entry.time >= time_last_);
  AppendUnwritten(entry.term);
  time_last_ = entry.time;
  journal_->Append(std::move(entry));
}

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
  hamisha::orchestrator::v1::RunView& head = snapshot.head;
  head.set_kind(created_.kind);
  head.set_journal(journal_path_);
  head.set_term(term);
  head.set_journal_entries(journal_ == nullptr ? journal_entries_ : journal_->size());
  head.set_journal_hash(journal_ == nullptr ? journal_hash_ : journal_->hash());
  AddPeople(head);
  head.set_playbook_digest(playbook_digest_);
  head.set_leaves_something(LeavesSomething(*engine_));
  for (uint32_t index = 0; index < engine_->steps().size(); ++index) {
    if (engine_->steps()[index].state != StepState::kAwaiting) continue;
    snapshot.nonces[index] = QuestionOf(engine_->plan().steps[index].id).nonce;
  }
  return snapshot;
}

void LiveRun::AddPeople(hamisha::orchestrator::v1::RunView& view) const {
  for (const Person& person : engine_->plan().people) {
    auto& one = *view.add_people();
    one.set_name(person.name);
    for (const std::string& role : person.roles) one.add_roles(role);
    one.set_key(person.key);
  }
  view.set_author(engine_->plan().author);
  view.set_submitted_by(created_.submitted_by);
  view.set_nonce(QuestionOf("").nonce);
}

Question LiveRun::QuestionOf(const std::string& step) const {
  const Plan& plan = engine_->plan();
  absl::Time asked = engine_->started_time();
  for (size_t i = 0; i < plan.steps.size() && !step.empty(); ++i) {
    if (plan.steps[i].id == step) asked = engine_->steps()[i].apply.started;
  }
  return {.plan = plan.name,
          .plan_digest = base::ToHex(plan.digest),
          .run = created_.run,
          .nonce = NonceOf(created_.salt, step, asked)};
}

void LiveRun::NoteRefused(const hamisha::orchestrator::v1::PersonAct& act, const std::string& why,
                          absl::Time time, uint64_t term) {
  INVARIANT(journal_ != nullptr && time >= time_last_);
  if (++refused_noted_ > kRefusedNotedMax) return;
  AppendUnwritten(term);
  time_last_ = time;
  hamisha::orchestrator::v1::PersonAct words = act;
  words.clear_statement();  // They prove nothing, and are long.
  words.clear_signature();
  JournalEntry entry = ToRefusedEntry(words, why, time);
  entry.term = term;
  journal_->Append(std::move(entry));
}

void LiveRun::set_journal(std::string path, uint64_t entries, std::string hash) {
  journal_path_ = std::move(path);
  journal_entries_ = entries;
  journal_hash_ = std::move(hash);
}

std::string PlaybookDigestOf(const RunCreated& created) {
  return base::ToHex(PlaybookDigest(created.playbook));
}

}  // namespace orchestrator
