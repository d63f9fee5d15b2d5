#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "orchestrator/engine/engine.h"
#include "orchestrator/journal/journal.h"

namespace orchestrator {

struct Replayed {
  std::unique_ptr<Engine> engine;
  // What the last input caused and a crash kept out of the journal: nothing of it has left.
  std::vector<Effect> unwritten;
};

// Feeds a journal's inputs to a fresh engine, and checks that it wants the very orders that the
// journal has. FAILED_PRECONDITION with the entry when it wants others: the run was written by a
// version that decides differently. `entries` is not empty. Pure.
absl::StatusOr<Replayed> Replay(const std::vector<JournalEntry>& entries,
                                std::shared_ptr<const Plan> plan, const std::string& run);

}  // namespace orchestrator
