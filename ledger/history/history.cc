#include "ledger/history/history.h"

#include <algorithm>
#include <utility>

#include "base/invariant.h"
#include "base/status_macros.h"

namespace ledger {
namespace {

constexpr uint32_t kIndexEvery = 1 << 14;

}  // namespace

absl::StatusOr<std::unique_ptr<History>> History::Open(base::FileSystem& files,
                                                       HistoryOptions options) {
  ASSIGN_OR_RETURN(std::unique_ptr<RunFiles> runs,
                   RunFiles::Open(files, {.folder = options.folder,
                                          .cache_bytes = options.cache_bytes,
                                          .env = options.env}));
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
  Cancel();
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  flush_thread_.join();
  merge_thread_.join();
}

void History::Cancel() { is_cancelled_.store(true, std::memory_order_relaxed); }

absl::Status History::CheckNotCancelled() const {
  if (!is_cancelled_.load(std::memory_order_relaxed)) return absl::OkStatus();
  return absl::UnavailableError("the node is stopping; ask again, or another one");
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

// Not true of what a replay has not come to yet. What the batch in hand added, and may undo, is in
// the window: imported, it may be of a later time than what a run holds of a batch to come.
bool History::WasThere(const IdEntry& entry) const {
  return entry.kind == IdKind::kBurnt ? entry.value <= published_.burnt
                                      : entry.value <= published_.newest_ns;
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

const Transfer* History::FindRecent(const Id128& id) const {
  for (const auto& window : current_->windows) {
    if (const Transfer* const transfer = window->Find(id)) return transfer;
  }
  return nullptr;
}

FoundTransfer History::Find(const Id128& id) {
  const auto& windows = current_->windows;
  for (auto window = windows.rbegin(); window != windows.rend(); ++window) {
    if (const Transfer* const transfer = (*window)->Find(id)) return {.transfer = transfer};
    if ((*window)->FindBurnt(id)) return {.failed = true};
  }
  // Ids are unique: what comes to be next was not there before, unless in a chain that is undone
  // again, which the window knows. Most of a replay is that.
  if (ahead_ && ahead_->current() != nullptr && ahead_->current()->id == id) return {};
  FoundTransfer result;
  FindInRuns(id, [&](const IdEntry& entry) {
    if (entry.kind == IdKind::kBurnt) result.failed = true;
    if (entry.kind == IdKind::kTransfer) {
      result.transfer = &found_.transfer;
      // Nothing that failed is relied on; not found it would happen twice.
      if (const auto status = Reader().ReadListed(entry.value, found_); !status.ok()) Fail(status);
    }
    return !result.failed && result.transfer == nullptr;
  });
  return result;
}

bool History::HasTimestamp(uint64_t timestamp_ns) {
  for (const auto& window : current_->windows) {
    if (window->HasTimestamp(timestamp_ns)) return true;
  }
  if (timestamp_ns > published_.newest_ns) return false;
  const absl::StatusOr<bool> found = Reader().ReadTransfer(timestamp_ns, found_);
  if (!found.ok()) Fail(found.status());
  return found.ok() && *found;
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
  if (!has_passed_) {
    has_passed_ = true;
    ahead_.reset();
    if (const absl::Status status = CheckReplayed(); !status.ok()) Fail(status);
  }
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

absl::Status History::CheckReplayed(uint64_t copied_ns) const {
  RETURN_IF_ERROR(status());
  if (IsAhead() && !has_passed_ && at_open_.record_ns <= copied_ns) return absl::OkStatus();
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

}  // namespace ledger
