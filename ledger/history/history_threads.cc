// History: how windows go to the disk, and runs become fewer, on threads of their own.
#include <algorithm>
#include <utility>

#include "base/priority.h"
#include "base/status_macros.h"
#include "ledger/history/history.h"

namespace ledger {
namespace {

constexpr int kMergeNice = 10;
constexpr absl::Duration kDropEvery = absl::Seconds(1);

}  // namespace

// --- The flushing thread ---

bool History::HasWindow() const {
  return failed_.ok() && !sealed_.empty() && sealed_.front().record_ns <= durable_ns_;
}

void History::FlushLoop() {
  const auto has_work = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || HasWindow() || index_wanted_;
  };
  while (true) {
    SealedWindow sealed;
    {
      const absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&has_work));
      if (stopping_) return;
      index_wanted_ = false;
      if (HasWindow()) sealed = sealed_.front();
    }
    while (IndexSome()) {
    }
    if (sealed.window != nullptr) {
      if (const absl::Status status = Flush(sealed); !status.ok()) Fail(status);
      sealed.window.reset();
      TellCaughtUp();
    }
    Recycle();
    MakeSpare();
  }
}

void History::TellCaughtUp() {
  const absl::MutexLock lock(&callback_mutex_);
  if (on_caught_up_) on_caught_up_();
}

bool History::IndexSome() {
  const std::shared_ptr<const View> now = view();
  return std::any_of(now->windows.begin(), now->windows.end(),
                     [](const std::shared_ptr<Window>& window) { return window->IndexSome(); });
}

absl::Status History::Flush(const SealedWindow& sealed) {
  uint32_t number = 0;
  {
    const absl::MutexLock lock(&mutex_);
    number = flushed_.next_run++;
  }
  ASSIGN_OR_RETURN(RunPointer run, files_->Write(number, *sealed.window));
  const absl::MutexLock committing(&commit_mutex_);
  View changed = *view();
  if (run != nullptr) changed.runs.push_back(std::move(run));
  Flushed flushed = this->flushed();
  flushed.record_ns = sealed.record_ns;
  flushed.transfers = sealed.reached.transfers;
  flushed.burnt = sealed.reached.burnt;
  RETURN_IF_ERROR(files_->Commit(changed.runs, flushed));

  const absl::MutexLock lock(&mutex_);
  changed.windows = view_->windows;
  std::erase(changed.windows, sealed.window);
  SetView(std::move(changed));
  flushed.next_run = flushed_.next_run;
  flushed_ = flushed;
  retired_.push_back(sealed.window);
  sealed_.pop_front();
  sealed_count_.store(sealed_.size(), std::memory_order_relaxed);
  return absl::OkStatus();
}

// A window's memory is used again once nobody reads it.
void History::Recycle() {
  std::shared_ptr<Window> free;
  {
    const absl::MutexLock lock(&mutex_);
    if (spare_ != nullptr) return;
    const auto unread = std::find_if(retired_.begin(), retired_.end(),
                                     [](const auto& window) { return window.use_count() == 1; });
    if (unread == retired_.end()) return;
    free = std::move(*unread);
    retired_.erase(unread);
  }
  free->Reset();
  const absl::MutexLock lock(&mutex_);
  spare_ = std::move(free);
}

// Else the writing thread would make it, which clients would feel.
void History::MakeSpare() {
  {
    const absl::MutexLock lock(&mutex_);
    if (spare_ != nullptr || view_->windows.back()->published().empty()) return;
    if (!sealed_.empty() || !retired_.empty()) return;  // One of them becomes it.
  }
  auto spare = std::make_shared<Window>(options_.window_transfers);
  const absl::MutexLock lock(&mutex_);
  spare_ = std::move(spare);
}

absl::StatusOr<Flushed> History::Link(const std::string& folder) const {
  const absl::MutexLock committing(&commit_mutex_);
  const Flushed flushed = this->flushed();
  const std::shared_ptr<const View> now = view();
  RETURN_IF_ERROR(files_->Link(now->runs, folder));
  return flushed;
}

bool History::AwaitFlushed(const Reached& reached) const {
  const absl::MutexLock lock(&mutex_);
  const auto done = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const bool is_flushed =
        flushed_.transfers >= reached.transfers && flushed_.burnt >= reached.burnt;
    return is_flushed || !failed_.ok() || stopping_;
  };
  mutex_.Await(absl::Condition(&done));
  return failed_.ok() && !stopping_;
}

bool History::AwaitRoom() const {
  const absl::MutexLock lock(&mutex_);
  const auto done = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !IsBehind() || !failed_.ok();
  };
  mutex_.Await(absl::Condition(&done));
  return failed_.ok();
}

// --- The merging thread ---

// The first that stand side by side on one level.
std::vector<RunPointer> History::RunsToMerge() const {
  const Runs& runs = view_->runs;
  for (size_t first = 0, end = 0; first < runs.size(); first = end) {
    while (end < runs.size() && runs[end]->facts.level == runs[first]->facts.level) ++end;
    if (end - first < options_.merge_runs) continue;
    const auto begin = runs.begin() + static_cast<ptrdiff_t>(first);
    return {begin, begin + static_cast<ptrdiff_t>(options_.merge_runs)};
  }
  return {};
}

void History::MergeLoop() {
  base::LowerPriority(kMergeNice);
  const auto has_work = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || (failed_.ok() && !RunsToMerge().empty());
  };
  while (true) {
    std::vector<RunPointer> parts;
    {
      const absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithTimeout(absl::Condition(&has_work),
                              replaced_.empty() ? absl::InfiniteDuration() : kDropEvery);
      if (stopping_) return;
      if (failed_.ok()) parts = RunsToMerge();
    }
    absl::Status status = parts.empty() ? absl::OkStatus() : Merge(parts);
    if (absl::IsCancelled(status)) return;
    parts.clear();
    status.Update(DropUnread());
    if (status.ok()) continue;
    Fail(status);
    TellCaughtUp();  // Nothing is flushed any more: who waits for that waits for nothing.
  }
}

absl::Status History::Merge(const std::vector<RunPointer>& parts) {
  uint32_t number = 0;
  {
    const absl::MutexLock lock(&mutex_);
    number = flushed_.next_run++;
  }
  ASSIGN_OR_RETURN(RunPointer merged, files_->Merge(number, parts, is_cancelled_));
  {
    const absl::MutexLock committing(&commit_mutex_);
    View changed = *view();
    const auto first = std::find(changed.runs.begin(), changed.runs.end(), parts.front());
    *first = std::move(merged);
    changed.runs.erase(first + 1, first + static_cast<ptrdiff_t>(parts.size()));
    RETURN_IF_ERROR(files_->Commit(changed.runs, flushed()));
    const absl::MutexLock lock(&mutex_);
    changed.windows = view_->windows;
    SetView(std::move(changed));
  }
  replaced_.insert(replaced_.end(), parts.begin(), parts.end());
  return absl::OkStatus();
}

absl::Status History::DropUnread() {
  for (RunPointer& run : replaced_) {
    if (run.use_count() > 1) continue;
    RETURN_IF_ERROR(files_->Drop(run->facts));
    run.reset();
  }
  std::erase(replaced_, nullptr);
  return absl::OkStatus();
}

}  // namespace ledger
