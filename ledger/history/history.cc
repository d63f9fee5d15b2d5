#include "ledger/history/history.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/invariant.h"
#include "base/status_macros.h"

namespace ledger {
namespace {

constexpr uint32_t kIndexEvery = 1 << 14;
constexpr int kMergeNice = 10;
constexpr absl::Duration kDropEvery = absl::Seconds(1);

}  // namespace

absl::StatusOr<std::unique_ptr<History>> History::Open(base::FileSystem& files,
                                                       HistoryOptions options) {
  ASSIGN_OR_RETURN(std::unique_ptr<RunFiles> runs,
                   RunFiles::Open(files, options.folder, options.cache_bytes));
  return std::unique_ptr<History>(new History(std::move(options), std::move(runs)));
}

History::History(HistoryOptions options, std::unique_ptr<RunFiles> files)
    : options_(std::move(options)),
      files_(std::move(files)),
      at_open_(files_->flushed_at_open()),
      window_(std::make_shared<Window>(options_.window_transfers)) {
  {
    const absl::MutexLock lock(&mutex_);
    flushed_ = files_->flushed_at_open();
    SetView({.runs = files_->runs_at_open(), .windows = {window_}});
  }
  Refresh();
  BeginAt({});
  flush_thread_ = std::thread([this] { FlushLoop(); });
  merge_thread_ = std::thread([this] { MergeLoop(); });
}

History::~History() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  flush_thread_.join();
  merge_thread_.join();
}

std::shared_ptr<const History::View> History::view() const {
  const absl::MutexLock lock(&mutex_);
  return view_;
}

void History::SetView(View view) {
  view_ = std::make_shared<const View>(std::move(view));
  version_.fetch_add(1, std::memory_order_release);
}

void History::Fail(const absl::Status& status) const {
  const absl::MutexLock lock(&mutex_);
  if (failed_.ok()) failed_ = status;
  has_failed_.store(true, std::memory_order_release);
}

absl::Status History::status() const {
  const absl::MutexLock lock(&mutex_);
  return failed_;
}

Flushed History::flushed() const {
  const absl::MutexLock lock(&mutex_);
  return flushed_;
}

// --- The writing thread ---

void History::BeginAt(const Reached& reached) {
  INVARIANT(window_->IsEmpty());
  reached_ = published_ = replayed_ = reached;
  if (at_open_.transfers > 0) ahead_.emplace(*files_, reached.newest_ns);
}

void History::Refresh() {
  const uint64_t version = version_.load(std::memory_order_acquire);
  if (version == current_version_ && current_ != nullptr) return;
  current_ = view();
  current_version_ = version;
  reader_.reset();
}

RunReader& History::Reader() { return reader_ ? *reader_ : reader_.emplace(*files_); }

void History::Prefetch(const Id128& id) {
  window_->Prefetch(id);
  for (const auto& window : current_->windows) {
    if (window != window_ && window->MayHold(id)) window->Prefetch(id);
  }
  for (const RunPointer& run : current_->runs) {
    if (run->facts.id_min <= id && id <= run->facts.id_max) run->filter->Prefetch(id);
  }
}

// Not true of what a replay has not come to yet.
bool History::WasThere(const IdEntry& entry) const {
  return entry.kind == IdKind::kBurnt ? entry.value <= reached_.burnt
                                      : entry.value <= reached_.newest_ns;
}

// Entries of an id, newest run first, until `visit` gives false.
template <typename Visitor>
void History::FindInRuns(const Id128& id, Visitor visit) {
  const Runs& runs = current_->runs;
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    if (!(*run)->MayHold(id)) continue;
    const absl::StatusOr<std::vector<IdEntry>> entries = Reader().Find((*run)->facts, id);
    if (!entries.ok()) return Fail(entries.status());
    for (const IdEntry& entry : *entries) {
      if (WasThere(entry) && !visit(entry)) return;
    }
  }
}

bool History::ReadTransfer(uint64_t timestamp_ns) {
  const absl::StatusOr<bool> found = Reader().ReadTransfer(timestamp_ns, found_);
  if (!found.ok()) Fail(found.status());
  return found.ok() && *found;
}

const Transfer* History::FindRecent(const Id128& id) const {
  for (const auto& window : current_->windows) {
    if (const Transfer* const transfer = window->Find(id)) return transfer;
  }
  return nullptr;
}

FoundTransfer History::Find(const Id128& id) {
  // Ids are unique: what comes to be next was not there before. Most of a replay is that.
  if (ahead_ && ahead_->current() != nullptr && ahead_->current()->id == id) return {};
  const auto& windows = current_->windows;
  for (auto window = windows.rbegin(); window != windows.rend(); ++window) {
    if (const Transfer* const transfer = (*window)->Find(id)) return {.transfer = transfer};
    if ((*window)->FindBurnt(id)) return {.failed = true};
  }
  FoundTransfer result;
  FindInRuns(id, [&](const IdEntry& entry) {
    if (entry.kind == IdKind::kBurnt) result.failed = true;
    if (entry.kind == IdKind::kTransfer && ReadTransfer(entry.value)) result.transfer = &found_.transfer;
    return !result.failed && result.transfer == nullptr;
  });
  return result;
}

bool History::HasTimestamp(uint64_t timestamp_ns) {
  for (const auto& window : current_->windows) {
    if (window->HasTimestamp(timestamp_ns)) return true;
  }
  return timestamp_ns <= reached_.newest_ns && ReadTransfer(timestamp_ns);
}

Resolution History::ResolutionOf(const Id128& pending_id) {
  for (const auto& window : current_->windows) {
    const Transfer* const transfer = window->FindResolving(pending_id);
    if (transfer == nullptr) continue;
    return (transfer->flags & TransferFlags::kPostPendingTransfer) != 0 ? Resolution::kPosted
                                                                        : Resolution::kVoided;
  }
  Resolution resolution = Resolution::kNone;
  FindInRuns(pending_id, [&](const IdEntry& entry) {
    if (entry.kind == IdKind::kPosted) resolution = Resolution::kPosted;
    if (entry.kind == IdKind::kVoided) resolution = Resolution::kVoided;
    return resolution == Resolution::kNone;
  });
  return resolution;
}

void History::Add(const Transfer& transfer) {
  window_->Add(transfer);
  if (ahead_ && ahead_->current() != nullptr &&
      ahead_->current()->timestamp_ns == transfer.timestamp_ns) {
    ahead_->Next();
  }
  reached_.newest_ns = transfer.timestamp_ns;
  ++reached_.transfers;
}

void History::Burn(const Id128& id, uint64_t /*timestamp_ns*/) {
  window_->Burn({.id = id, .number = ++reached_.burnt});
}

void History::AddBalances(const BalanceRow& row) { window_->AddBalances(row); }

TransferStore::Mark History::Now() const {
  return {.transfers = window_->transfers(), .balances = window_->balances()};
}

void History::RollBack(const Mark& mark) {
  reached_.transfers -= window_->transfers() - mark.transfers;
  window_->RollBack(static_cast<uint32_t>(mark.transfers), static_cast<uint32_t>(mark.balances));
  reached_.newest_ns = std::max(published_.newest_ns, window_->newest_ns());
}

void History::EndBatch(uint64_t record_ns) {
  published_ = reached_;
  record_ns_ = record_ns;
  if (record_ns <= at_open_.record_ns) {
    replayed_ = reached_;
    if (ahead_ && !ahead_->status().ok()) Fail(ahead_->status());
    return window_->Forget();
  }
  ahead_.reset();
  const uint32_t chunks_before = static_cast<uint32_t>(window_->published().size()) / kIndexEvery;
  window_->Publish();
  if (window_->IsFull()) return SealWindow();
  if (window_->transfers() / kIndexEvery != chunks_before) {
    const absl::MutexLock lock(&mutex_);
    index_wanted_ = true;
  }
  Refresh();
}

void History::SealWindow() {
  if (record_ns_ <= at_open_.record_ns) return;
  {
    const absl::MutexLock lock(&mutex_);
    sealed_.push_back({.window = window_, .record_ns = record_ns_, .reached = published_});
    sealed_count_.store(sealed_.size(), std::memory_order_relaxed);
    window_ = std::exchange(spare_, nullptr);
    if (window_ == nullptr) window_ = std::make_shared<Window>(options_.window_transfers);
    View changed = *view_;
    changed.windows.push_back(window_);
    SetView(std::move(changed));
  }
  Refresh();
}

absl::Status History::CheckReplayed() const {
  RETURN_IF_ERROR(status());
  if (replayed_.transfers == at_open_.transfers && replayed_.burnt == at_open_.burnt) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat(
      options_.folder, ": holds ", at_open_.transfers, " transfers and ", at_open_.burnt,
      " burnt ids up to the time ", at_open_.record_ns, " ns, the log ", replayed_.transfers,
      " and ", replayed_.burnt,
      ": they do not belong together. If the log is the right one and begins at position 1, "
      "remove that folder: it is built again"));
}

void History::SetOnCaughtUp(std::function<void()> on_caught_up) {
  const absl::MutexLock lock(&callback_mutex_);
  on_caught_up_ = std::move(on_caught_up);
}

void History::Durable(uint64_t record_ns) {
  const absl::MutexLock lock(&mutex_);
  durable_ns_ = std::max(durable_ns_, record_ns);
}

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
      const absl::MutexLock lock(&callback_mutex_);
      if (on_caught_up_) on_caught_up_();
    }
    Recycle();
  }
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
  // The thread's own: on Linux a thread is what `nice` counts.
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kMergeNice);
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
    parts.clear();
    status.Update(DropUnread());
    if (!status.ok()) Fail(status);
  }
}

absl::Status History::Merge(const std::vector<RunPointer>& parts) {
  uint32_t number = 0;
  {
    const absl::MutexLock lock(&mutex_);
    number = flushed_.next_run++;
  }
  ASSIGN_OR_RETURN(RunPointer merged, files_->Merge(number, parts));
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
