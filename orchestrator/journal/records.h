// What a run's journal says, entry by entry. An input is followed by what it caused, in one commit:
//   run_created         playbook and inventory as texts, digest, kind, who: the run starts
//   term_started        another orchestrator process goes on
//   event               an agent's result
//   tick                a deadline has come
//   act                 what a person decided: who, why, what they saw, signature
//   abort_time_came     going back no longer fits into the window
//   order_intent        output: an order that leaves after the commit
//   run_ended           output: state, explanation
//   act_refused         note: who wanted to decide what, and why that was refused
//   forecast            note: the first of a phase, and each that becomes graver or better
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "orchestrator/engine/engine.h"
#include "orchestrator/journal/journal.h"
#include "orchestrator/plan/compile.h"

namespace orchestrator {

struct RunCreated {
  std::string run;
  std::string plan;         // Its name.
  std::string plan_digest;  // Hexadecimal.
  hamisha::orchestrator::v1::RunKind kind = {};
  std::string submitted_by;
  std::string salt;              // Made by chance: see NonceOf().
  std::string go_back_after;     // A step, of rehearsals: then the run goes back. "": none.
  std::optional<Window> window;  // In force for this run: see Started.
  SourceText playbook;
  SourceText inventory;
};

JournalEntry ToEntry(const RunCreated& created, absl::Time time);  // Stands for Started, too.
JournalEntry ToEntry(const Event& event);                          // Any but Started.
JournalEntry ToEntry(const Effect& effect, absl::Time time);
JournalEntry ToRefusedEntry(const hamisha::orchestrator::v1::PersonAct& act, const std::string& why,
                            absl::Time time);

// DATA_LOSS when the entry is not one, or lacks something.
absl::StatusOr<RunCreated> ToRunCreated(const JournalEntry& entry);
// Notes are for people: neither input nor output.
bool IsNote(const JournalEntry& entry);
// Nothing for outputs and notes. DATA_LOSS when it lacks something, or is of no known kind.
absl::StatusOr<std::optional<Event>> ToEvent(const JournalEntry& entry);

// "RUNNING", "ROLLED_BACK", …
std::string NameOf(RunState state);

}  // namespace orchestrator
