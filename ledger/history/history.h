#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/file_system.h"
#include "ledger/core/transfer_filter.h"
#include "ledger/core/transfer_store.h"
#include "ledger/history/runs.h"
#include "ledger/history/window.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace ledger {

struct HistoryOptions {
  std::string folder;                   // Created when missing.
  uint32_t window_transfers = 1 << 21;  // Kept in memory before they go to the disk as one run.
  uint64_t cache_bytes = 256 << 20;     // For reading what is on the disk.
  uint32_t merge_runs = 8;              // As many of one level become one of the next.
  rocksdb::Env* env = nullptr;          // Of RocksDB's files; null for the machine's disk.
};

// Every transfer ever made, by id and by account and time, with memory bounded: the newest stand in
// windows in memory, the others in sorted runs on the disk. What an id did before is known for
// ever.
//
// One thread writes (TransferStore and what says so below); any thread asks. A thread of its own
// moves windows that are full to the disk, once their records are durable in the log, so the
// history never knows of more than the log does; another merges runs. What it has flushed it need
// not be told again: a replay of records up to flushed().record_ns changes nothing and finds, at
// every moment, what was there then.
class History final : public TransferStore {
 public:
  // `files` and the options' env must outlive it. DATA_LOSS, FAILED_PRECONDITION and
  // RESOURCE_EXHAUSTED say what to do.
  static absl::StatusOr<std::unique_ptr<History>> Open(base::FileSystem& files,
                                                       HistoryOptions options);
  ~History() override;

  // --- The writing thread ---
  // Before anything is added: the state that is told next begins at `reached`.
  void BeginAt(const Reached& reached);
  Reached reached() const { return reached_; }

  void Prefetch(const Id128& id) override;
  FoundTransfer Find(const Id128& id) override;
  // Of what is in memory; null when there is none there.
  const Transfer* FindRecent(const Id128& id) const;
  bool HasTimestamp(uint64_t timestamp_ns) override;
  Resolution ResolutionOf(const Id128& pending_id) override;
  void Add(const Transfer& transfer) override;
  void Burn(const Id128& id, uint64_t timestamp_ns) override;
  void AddBalances(const BalanceRow& row) override;
  Mark Now() const override;
  void RollBack(const Mark& mark) override;
  void EndBatch(uint64_t record_ns) override;

  // The window in hand goes to the disk as soon as it may, however full: for a snapshot.
  void SealWindow();
  // After a replay. DATA_LOSS when the log and this history do not belong together. A history that
  // was copied may be of records up to `copied_ns` that the log has yet to get.
  absl::Status CheckReplayed(uint64_t copied_ns = 0) const;
  // What is told is on the disk already: it knows of records that are still to come, and is to be
  // told of no others.
  bool IsAhead() const {
    return replayed_.transfers < at_open_.transfers || replayed_.burnt < at_open_.burnt;
  }
  // The disk does not keep up: let it, before more is added.
  bool IsBehind() const { return sealed_count_.load(std::memory_order_relaxed) >= kSealedMax; }

  // --- Any thread ---
  // Called when IsBehind() may have become false, or the disk failed. When this returns, what was
  // set before is not called any more.
  void SetOnCaughtUp(std::function<void()> on_caught_up);
  // Records up to this time are durable in the log.
  void Durable(uint64_t record_ns);
  // For a node that stops: reads that are under way or come give UNAVAILABLE, and merging ends
  // where it is; both may take long. Runs stay as they are, and windows still go to the disk.
  void Cancel();
  // On the disk. All of a record's transfers are there when its time is at or below `record_ns`.
  Flushed flushed() const;
  // Not OK once the disk failed: nothing that was found since may be relied on.
  absl::Status status() const;
  bool ok() const { return !has_failed_.load(std::memory_order_acquire); }
  // What is on the disk now, in `folder`, which must not be there, as links: a history of its own,
  // of records up to the time that it answers. Durable when it returns OK.
  absl::StatusOr<Flushed> Link(const std::string& folder) const;
  // Until all up to there is on the disk, which somebody has sealed; false when the disk failed.
  bool AwaitFlushed(const Reached& reached) const;
  // Until it is not behind; false when the disk failed. Not while the writing thread has to tell
  // what is durable.
  bool AwaitRoom() const;

  // Fills in what the disk has of the ids that are still missing, of transfers up to `as_of_ns`.
  // What it had when FindRecent() found nothing of an id it has for ever.
  absl::Status Complete(const std::vector<Id128>& ids, uint64_t as_of_ns,
                        std::vector<std::optional<Transfer>>& found) const;
  // Of transfers up to `as_of_ns`. As MemoryTransferStore answers; DATA_LOSS or UNAVAILABLE when
  // the disk cannot be read.
  absl::StatusOr<std::vector<Transfer>> AccountTransfers(const TransferFilter& filter,
                                                         uint64_t as_of_ns) const;
  absl::StatusOr<std::vector<BalanceRow>> AccountBalances(const TransferFilter& filter,
                                                          uint64_t as_of_ns) const;

 private:
  static constexpr size_t kSealedMax = 3;

  // What there is, oldest first. The last window is the one that is written.
  struct View {
    Runs runs;
    std::vector<std::shared_ptr<Window>> windows;
  };
  struct SealedWindow {
    std::shared_ptr<Window> window;
    uint64_t record_ns;  // Of its last record.
    Reached reached;     // With it.
  };

  History(HistoryOptions options, std::unique_ptr<RunFiles> files);
  std::shared_ptr<const View> view() const;
  void SetView(View view) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Fail(const absl::Status& status) const;
  absl::Status CheckNotCancelled() const;
  // Visits the account's transfers in the filter's time and order until `visit` gives false.
  absl::Status Visit(const TransferFilter& filter, uint64_t as_of_ns,
                     const std::function<bool(const HistoryRow&)>& visit) const;

  // The writing thread's.
  void Refresh();
  RunReader& Reader();
  bool WasThere(const IdEntry& entry) const;
  template <typename Visitor>
  void FindInRuns(const Id128& id, Visitor visit);

  // The flushing thread's, and the merging thread's.
  void FlushLoop();
  bool HasWindow() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IndexSome();
  void MakeSpare();
  void TellCaughtUp();
  absl::Status Flush(const SealedWindow& sealed);
  void Recycle();
  void MergeLoop();
  std::vector<RunPointer> RunsToMerge() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Merge(const std::vector<RunPointer>& parts);
  absl::Status DropUnread();

  const HistoryOptions options_;
  const std::unique_ptr<RunFiles> files_;

  Reached reached_;
  Reached published_;       // At the end of the last batch.
  uint64_t record_ns_ = 0;  // Of the last batch.
  const Flushed at_open_;   // Records up to its time are on the disk already.
  Reached replayed_;        // When the replay had come to that time.
  // What a replay will add again, from what it adds next on; none after it.
  std::optional<TransferScan> ahead_;
  std::shared_ptr<const View> current_;
  uint64_t current_version_ = 0;
  std::shared_ptr<Window> window_;   // current_'s last.
  std::optional<RunReader> reader_;  // Of current_.
  HistoryRow found_;
  bool has_passed_ = false;  // at_open_'s time: what was told up to there fits.

  std::atomic<uint64_t> version_ = 0;  // Of view_.
  std::atomic<size_t> sealed_count_ = 0;

  absl::Mutex callback_mutex_;
  std::function<void()> on_caught_up_ ABSL_GUARDED_BY(callback_mutex_);
  mutable absl::Mutex commit_mutex_;  // Held while the list of runs is read, changed and committed.
  mutable absl::Mutex mutex_;
  std::shared_ptr<const View> view_ ABSL_GUARDED_BY(mutex_);
  std::deque<SealedWindow> sealed_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Window>> retired_ ABSL_GUARDED_BY(mutex_);  // Some may still read.
  std::shared_ptr<Window> spare_ ABSL_GUARDED_BY(mutex_);
  uint64_t durable_ns_ ABSL_GUARDED_BY(mutex_) = 0;
  Flushed flushed_ ABSL_GUARDED_BY(mutex_);
  mutable absl::Status failed_ ABSL_GUARDED_BY(mutex_);
  mutable std::atomic<bool> has_failed_ = false;
  std::atomic<bool> is_cancelled_ = false;
  bool index_wanted_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  Runs replaced_;  // The merging thread's: some may still read them.

  std::thread flush_thread_;
  std::thread merge_thread_;
};

}  // namespace ledger
