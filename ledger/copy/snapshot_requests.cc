#include "ledger/copy/snapshot_requests.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace ledger {
namespace {

// It says nothing of the next one: another is under way, or the node is stopping.
bool IsNoFailure(const absl::Status& status) {
  return status.ok() || absl::IsAborted(status) || absl::IsCancelled(status) ||
         absl::IsUnavailable(status);
}

}  // namespace

SnapshotRequests::SnapshotRequests(Take take, const base::Clock& clock)
    : take_(std::move(take)), clock_(clock) {}

absl::Status SnapshotRequests::Ask() {
  const absl::Status waits =
      absl::UnavailableError("a snapshot is being taken for the copy; ask again");
  {
    const absl::MutexLock lock(&state_->mutex);
    if (state_->is_taking) return waits;
    const absl::Duration left = state_->again_at - clock_.MonotonicNow();
    if (left > absl::ZeroDuration()) {
      return absl::UnavailableError(absl::StrCat(
          "no snapshot could be taken: ", state_->failure.message(), "; it is tried again in ",
          absl::FormatDuration(absl::Ceil(left, absl::Seconds(1)))));
    }
    state_->is_taking = true;
  }
  take_([state = state_, clock = &clock_](const absl::Status& status) {
    Ended(*state, status, clock->MonotonicNow());
  });
  return waits;
}

void SnapshotRequests::Ended(State& state, const absl::Status& status, absl::Duration now) {
  const absl::MutexLock lock(&state.mutex);
  state.is_taking = false;
  if (status.ok()) state.pause = absl::ZeroDuration();
  if (IsNoFailure(status)) return;
  state.failure = status;
  state.pause = std::clamp(2 * state.pause, kPauseFirst, kPauseMax);
  state.again_at = now + state.pause;
}

}  // namespace ledger
