#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "ledger/history/blocks.h"
#include "ledger/history/id_filter.h"
#include "ledger/history/window.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Env;
class Iterator;
class Status;
class SstFileWriter;
struct Options;
}  // namespace rocksdb

namespace ledger {

// A stretch of transfers on the disk, with its ids and accounts sorted.
struct RunFacts {
  uint32_t run = 0;
  uint32_t level = 0;  // 0 as it came from memory; one more for each time that it was merged.
  uint64_t transfers = 0;
  uint64_t ids = 0;  // Entries.
  uint64_t first_ns = 0;
  uint64_t last_ns = 0;
  Id128 id_min = {UINT64_MAX, UINT64_MAX};  // As numbers, of transfers and burnt ids.
  Id128 id_max = {};
};

struct Run {
  RunFacts facts;
  std::unique_ptr<IdFilter> filter;

  bool MayHold(const Id128& id) const {
    return facts.id_min <= id && id <= facts.id_max && filter->MayContain(id);
  }
};
using RunPointer = std::shared_ptr<const Run>;
using Runs = std::vector<RunPointer>;  // In order of time.

// What stands in history on the disk, as of one moment.
struct Flushed {
  uint64_t record_ns = 0;  // All transfers of records up to this time.
  uint64_t transfers = 0;
  uint64_t burnt = 0;
  uint32_t next_run = 1;
};

struct RunFilesOptions {
  std::string folder;
  uint64_t cache_bytes = 256 << 20;  // Bounds the memory for reading.
  rocksdb::Env* env = nullptr;       // Where RocksDB keeps its files; null for the machine's disk.
};

class RunFiles;

// Reads runs as they are when it is made: of those that were dropped since it still knows. Making
// one costs as much as some reads. Not thread-safe.
class RunReader {
 public:
  explicit RunReader(const RunFiles& files);
  ~RunReader();
  RunReader(RunReader&&) noexcept;
  RunReader& operator=(RunReader&&) noexcept;

  // Entries of an id in one run, at most one of each kind.
  absl::StatusOr<std::vector<IdEntry>> Find(const RunFacts& run, const Id128& id);
  // Times of the account's transfers in one run within [first, last], at most `limit`, in order,
  // or newest first.
  struct TimeRange {
    uint64_t first_ns;
    uint64_t last_ns;
    bool reversed;
    size_t limit;
  };
  absl::StatusOr<std::vector<uint64_t>> TimesOfAccount(const RunFacts& run, const Id128& account_id,
                                                       const TimeRange& range);
  // The transfer of that time; false when there is none.
  absl::StatusOr<bool> ReadTransfer(uint64_t timestamp_ns, HistoryRow& row);
  // The same of one that ids or accounts list: DATA_LOSS when there is none.
  absl::Status ReadListed(uint64_t timestamp_ns, HistoryRow& row);

 private:
  std::unique_ptr<rocksdb::Iterator> transfers_;
  std::unique_ptr<rocksdb::Iterator> ids_;
  std::unique_ptr<rocksdb::Iterator> accounts_;
};

// The transfers of all runs in order of time. Not thread-safe.
class TransferScan {
 public:
  // Begins behind `after_ns`.
  TransferScan(const RunFiles& files, uint64_t after_ns);
  ~TransferScan();

  // Null at the end, and when status() is not OK.
  const Transfer* current() const { return at_ < block_.size() ? &block_[at_] : nullptr; }
  void Next();
  const absl::Status& status() const { return status_; }

 private:
  void Fill();

  std::unique_ptr<rocksdb::Iterator> iterator_;
  std::vector<Transfer> block_;
  size_t at_ = 0;
  absl::Status status_;
};

// History's files: sorted runs that RocksDB keeps, and their filters. Any thread, but each number
// of a run is one thread's, and Commit() one thread's at a time.
class RunFiles {
 public:
  // Opens what is there, drops what was not finished, rebuilds filters that are missing. `files`
  // and the options' env must outlive it.
  static absl::StatusOr<std::unique_ptr<RunFiles>> Open(base::FileSystem& files,
                                                        const RunFilesOptions& options);
  ~RunFiles();

  const Runs& runs_at_open() const { return runs_at_open_; }
  const Flushed& flushed_at_open() const { return flushed_at_open_; }

  // A window's content under the number `run`; null when there is nothing in it. Not there after
  // the next Open() unless a Commit() names it.
  absl::StatusOr<RunPointer> Write(uint32_t run, const Window& window);
  // What runs that follow each other hold, as one. CANCELLED soon after `is_cancelled`, with
  // nothing changed.
  absl::StatusOr<RunPointer> Merge(uint32_t run, absl::Span<const RunPointer> parts,
                                   const std::atomic<bool>& is_cancelled);
  // From now on, durably, these are the runs.
  absl::Status Commit(const Runs& runs, const Flushed& flushed);
  // All of it as the last Commit() made it, in `folder`, which must not be there, as links: it
  // costs no disk. Not beside a Commit(). Durable when it returns OK.
  absl::Status Link(const Runs& runs, const std::string& folder) const;
  // What Merge() replaced and nobody reads any more.
  absl::Status Drop(const RunFacts& run);

 private:
  friend class RunReader;
  friend class TransferScan;
  static constexpr char kSortedFilePrefix[] = "new-";  // Of files that RocksDB is to take.
  enum Family : size_t { kMeta, kTransfers, kIds, kAccounts, kFamilies };
  RunFiles(base::FileSystem& files, std::string folder);
  absl::Status OpenDatabase(const RunFilesOptions& options);
  absl::Status LoadRuns();
  absl::Status DropUnfinished();
  absl::StatusOr<std::unique_ptr<IdFilter>> LoadFilter(const RunFacts& facts);
  absl::Status Ingest(uint32_t run, const std::vector<Family>& families);
  absl::StatusOr<RunPointer> FinishRun(const RunFacts& facts, std::unique_ptr<IdFilter> filter);
  std::string FilterPath(uint32_t run) const;
  std::string SortedFilePath(uint32_t run, Family family) const;
  std::unique_ptr<rocksdb::Iterator> Read(Family family) const;
  absl::Status WriteSorted(uint32_t run, Family family,
                           const std::function<absl::Status(const BlockSink&)>& write);
  absl::StatusOr<std::unique_ptr<IdFilter>> WriteIds(const Window& window, RunFacts& facts);
  absl::Status WriteAccounts(absl::Span<const Transfer> transfers, const RunFacts& facts);

  base::FileSystem& files_;
  const std::string folder_;
  std::unique_ptr<rocksdb::Options> options_;
  std::unique_ptr<rocksdb::DB> database_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  Runs runs_at_open_;
  Flushed flushed_at_open_;
};

}  // namespace ledger
