#pragma once

#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace ledger {

// Asks for the snapshots that copies need: one at a time, and after one that failed only behind a
// pause, which grows. Any thread.
class SnapshotRequests {
 public:
  // Takes one and calls `done` once it is durable, or failed; ABORTED while another is under way.
  using Take = std::function<void(std::function<void(const absl::Status&)> done)>;

  static constexpr absl::Duration kPauseFirst = absl::Seconds(30);
  static constexpr absl::Duration kPauseMax = absl::Minutes(10);

  // `clock` must outlive it, and what was asked for by it.
  SnapshotRequests(Take take, const base::Clock& clock);

  // UNAVAILABLE always, in words for who waits: one is being taken, or why the last could not be.
  absl::Status Ask();

 private:
  struct State {
    absl::Mutex mutex;
    bool is_taking ABSL_GUARDED_BY(mutex) = false;
    absl::Status failure ABSL_GUARDED_BY(mutex);  // Of the last one.
    absl::Duration pause ABSL_GUARDED_BY(mutex);
    absl::Duration again_at ABSL_GUARDED_BY(mutex) = -absl::InfiniteDuration();
  };
  static void Ended(State& state, const absl::Status& status, absl::Duration now);

  const Take take_;
  const base::Clock& clock_;
  // Also that of the answer, which may come when this has gone.
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace ledger
