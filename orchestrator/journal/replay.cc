#include "orchestrator/journal/replay.h"

#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "orchestrator/journal/records.h"

namespace orchestrator {
namespace {

absl::Status Differs(const JournalEntry& entry, absl::string_view how) {
  return absl::FailedPreconditionError(
      absl::StrCat("journal entry ", entry.seq, " (", entry.kind, ") ", how,
                   ": go on with the version of the orchestrator that began the run"));
}

}  // namespace

absl::StatusOr<Replayed> Replay(const std::vector<JournalEntry>& entries,
                                std::shared_ptr<const Plan> plan, const std::string& run) {
  auto engine = std::make_unique<Engine>(std::move(plan), run);
  std::deque<Effect> expected;
  for (const JournalEntry& entry : entries) {
    ASSIGN_OR_RETURN(const std::optional<Event> event, ToEvent(entry));
    if (event.has_value()) {
      if (!expected.empty()) return Differs(entry, "comes where this version would send an order");
      ASSIGN_OR_RETURN(const std::vector<Effect> effects, engine->Apply(*event));
      expected.assign(effects.begin(), effects.end());
      continue;
    }
    if (IsNote(entry)) {
      if (!expected.empty()) return Differs(entry, "comes where this version would send an order");
      continue;
    }
    if (expected.empty()) return Differs(entry, "is not what this version would do");
    const JournalEntry wanted = ToEntry(expected.front(), entry.time);
    if (wanted.kind != entry.kind || wanted.data != entry.data) {
      return Differs(entry, "is another than this version would write");
    }
    expected.pop_front();
  }
  return Replayed{.engine = std::move(engine), .unwritten = {expected.begin(), expected.end()}};
}

}  // namespace orchestrator
