#include "ledger/history/runs.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "base/invariant.h"
#include "base/status_macros.h"
#include "ledger/history/rocks.h"

namespace ledger {
namespace {

constexpr char kFactsKey[] = "facts";
constexpr uint64_t kFactsVersion = 1;
constexpr std::array<const char*, 4> kFamilyNames = {"default", "transfers", "ids", "accounts"};

// What failed once is not used again before the next start. RocksDB would go on by itself once a
// full disk has room, on a thread of its own; where its manifest had failed, that ends the program.
class NoRecovery final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status /*error*/,
                            bool* is_automatic) override {
    *is_automatic = false;
  }
};

rocksdb::Options DatabaseOptions(const RunFilesOptions& files) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(files.cache_bytes);
  // Indexes count as what is read: parts of them come and go with the blocks they lead to.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.cache_index_and_filter_blocks = true;
  table.pin_top_level_index_and_filter = true;
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  rocksdb::Options options;
  if (files.env != nullptr) options.env = files.env;
  options.listeners.push_back(std::make_shared<NoRecovery>());
  options.max_bgerror_resume_count = 0;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.disable_auto_compactions = true;  // Runs are merged as a whole.
  options.compression = rocksdb::kNoCompression;
  options.max_open_files = 512;
  options.max_background_jobs = 1;
  options.stats_dump_period_sec = 0;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.keep_log_file_num = 2;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

void Pack(const RunFacts& facts, Packer& packer) {
  packer.Add(facts.run);
  packer.Add(facts.level);
  packer.Add(facts.transfers);
  packer.Add(facts.ids);
  packer.Add(facts.first_ns);
  packer.Add(facts.last_ns);
  packer.Add(facts.id_min);
  packer.Add(facts.id_max);
}

RunFacts UnpackRun(Unpacker& unpacker) {
  RunFacts facts;
  facts.run = static_cast<uint32_t>(unpacker.Number());
  facts.level = static_cast<uint32_t>(unpacker.Number());
  facts.transfers = unpacker.Number();
  facts.ids = unpacker.Number();
  facts.first_ns = unpacker.Number();
  facts.last_ns = unpacker.Number();
  facts.id_min = unpacker.Id();
  facts.id_max = unpacker.Id();
  return facts;
}

std::string RunKey(uint32_t run) { return KeyBytes().Add(run).bytes(); }

}  // namespace

RunFiles::RunFiles(base::FileSystem& files, std::string folder)
    : files_(files), folder_(std::move(folder)) {}

RunFiles::~RunFiles() {
  for (rocksdb::ColumnFamilyHandle* const family : families_) {
    database_->DestroyColumnFamilyHandle(family);
  }
}

absl::StatusOr<std::unique_ptr<RunFiles>> RunFiles::Open(base::FileSystem& files,
                                                         const RunFilesOptions& options) {
  std::unique_ptr<RunFiles> opened(new RunFiles(files, options.folder));
  const std::string& own = opened->folder_;
  RETURN_IF_ERROR(files.CreateFolders(own + "/filters"));
  // RocksDB syncs its own folder and nothing above it.
  RETURN_IF_ERROR(files.SyncFolder(own));
  RETURN_IF_ERROR(files.SyncFolder(own.substr(0, own.rfind('/'))));
  RETURN_IF_ERROR(opened->OpenDatabase(options));
  RETURN_IF_ERROR(opened->LoadRuns());
  RETURN_IF_ERROR(opened->DropUnfinished());
  return opened;
}

absl::Status RunFiles::OpenDatabase(const RunFilesOptions& options) {
  options_ = std::make_unique<rocksdb::Options>(DatabaseOptions(options));
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const char* const name : kFamilyNames) descriptors.emplace_back(name, *options_);
  rocksdb::DB* database = nullptr;
  const absl::Status status = FromRocks(
      rocksdb::DB::Open(*options_, folder_ + "/runs", descriptors, &families_, &database));
  if (absl::IsDataLoss(status)) {
    return absl::DataLossError(absl::StrCat(status.message(),
                                            "; if the log begins at position 1, remove ", folder_,
                                            ": it is built again"));
  }
  RETURN_IF_ERROR(status);
  database_.reset(database);
  return absl::OkStatus();
}

absl::Status RunFiles::LoadRuns() {
  std::string value;
  const rocksdb::Status status =
      database_->Get(rocksdb::ReadOptions(), families_[kMeta], kFactsKey, &value);
  if (status.IsNotFound()) return absl::OkStatus();
  RETURN_IF_ERROR(FromRocks(status));
  Unpacker unpacker(value);
  if (unpacker.Number() != kFactsVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat(folder_, ": written by another version of this program"));
  }
  flushed_at_open_ = {.record_ns = unpacker.Number(),
                      .transfers = unpacker.Number(),
                      .burnt = unpacker.Number(),
                      .next_run = static_cast<uint32_t>(unpacker.Number())};
  for (uint64_t runs = unpacker.Number(); runs > 0 && unpacker.ok(); --runs) {
    auto run = std::make_shared<Run>();
    run->facts = UnpackRun(unpacker);
    if (!unpacker.ok()) break;
    ASSIGN_OR_RETURN(run->filter, LoadFilter(run->facts));
    runs_at_open_.push_back(std::move(run));
  }
  if (unpacker.ok()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(folder_, ": the list of runs is damaged"));
}

absl::Status RunFiles::Commit(const Runs& runs, const Flushed& flushed) {
  Packer packer;
  packer.Add(kFactsVersion);
  packer.Add(flushed.record_ns);
  packer.Add(flushed.transfers);
  packer.Add(flushed.burnt);
  packer.Add(flushed.next_run);
  packer.Add(runs.size());
  for (const auto& run : runs) Pack(run->facts, packer);
  rocksdb::WriteOptions write;
  write.sync = true;
  return FromRocks(database_->Put(write, families_[kMeta], kFactsKey, ToSlice(packer.bytes())));
}

// Files of runs that are not in the list: a crash came between their writing and the list's, or
// between the list's and their removal.
absl::Status RunFiles::DropUnfinished() {
  // Not taken by RocksDB, or taken and kept from being removed. Then it is the very file that
  // RocksDB reads, and its number may come again: writing it anew would be writing into that.
  ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(folder_));
  for (const std::string& name : names) {
    if (!absl::StartsWith(name, kSortedFilePrefix)) continue;
    RETURN_IF_ERROR(files_.Remove(absl::StrCat(folder_, "/", name)));
  }
  std::set<uint32_t> known;
  for (const auto& run : runs_at_open_) known.insert(run->facts.run);
  for (const Family family : {kIds, kAccounts}) {
    const auto iterator = Read(family);
    for (iterator->SeekToFirst(); iterator->Valid();) {
      const uint32_t run = RunOfKey(ToView(iterator->key()));
      if (known.count(run) == 0) RETURN_IF_ERROR(Drop({.run = run}));
      if (run == UINT32_MAX) break;
      iterator->Seek(RunKey(run + 1));
    }
    RETURN_IF_ERROR(FromRocks(iterator->status()));
  }
  uint64_t last_ns = 0;
  for (const auto& run : runs_at_open_) last_ns = std::max(last_ns, run->facts.last_ns);
  const std::string begin = TransferKey(last_ns + 1);
  const std::string end = TransferKey(UINT64_MAX);
  const rocksdb::Slice begin_slice(begin);
  const rocksdb::Slice end_slice(end);
  RETURN_IF_ERROR(FromRocks(rocksdb::DeleteFilesInRange(database_.get(), families_[kTransfers],
                                                        &begin_slice, &end_slice)));
  const auto iterator = Read(kTransfers);
  iterator->Seek(begin);
  if (!iterator->Valid()) return FromRocks(iterator->status());
  return FromRocks(
      database_->DeleteRange(rocksdb::WriteOptions(), families_[kTransfers], begin, end));
}

absl::Status RunFiles::Drop(const RunFacts& run) {
  const std::string begin = RunKey(run.run);
  const std::string end = IdKey(run.run, {UINT64_MAX, UINT64_MAX}) + std::string(16, '\xff');
  const rocksdb::Slice begin_slice(begin);
  const rocksdb::Slice end_slice(end);
  for (const Family family : {kIds, kAccounts}) {
    RETURN_IF_ERROR(FromRocks(
        rocksdb::DeleteFilesInRange(database_.get(), families_[family], &begin_slice, &end_slice)));
    const auto iterator = Read(family);
    iterator->Seek(begin);
    if (!iterator->Valid() || RunOfKey(ToView(iterator->key())) != run.run) continue;
    RETURN_IF_ERROR(
        FromRocks(database_->DeleteRange(rocksdb::WriteOptions(), families_[family], begin, end)));
  }
  return files_.Exists(FilterPath(run.run)) ? files_.Remove(FilterPath(run.run)) : absl::OkStatus();
}

absl::Status RunFiles::Link(const Runs& runs, const std::string& folder) const {
  RETURN_IF_ERROR(files_.CreateFolders(folder + "/filters"));
  for (const RunPointer& run : runs) {
    RETURN_IF_ERROR(
        files_.Link(FilterPath(run->facts.run), absl::StrCat(folder, "/filters/", run->facts.run)));
  }
  RETURN_IF_ERROR(files_.SyncFolder(folder + "/filters"));
  rocksdb::Checkpoint* created = nullptr;
  RETURN_IF_ERROR(FromRocks(rocksdb::Checkpoint::Create(database_.get(), &created)));
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(created);
  RETURN_IF_ERROR(FromRocks(checkpoint->CreateCheckpoint(folder + "/runs")));
  return files_.SyncFolder(folder);
}

std::string RunFiles::FilterPath(uint32_t run) const {
  return absl::StrCat(folder_, "/filters/", run);
}

absl::StatusOr<std::unique_ptr<IdFilter>> RunFiles::LoadFilter(const RunFacts& facts) {
  if (auto filter = IdFilter::Map(FilterPath(facts.run)); filter.ok()) return filter;
  IdFilter filter(facts.ids);
  const auto iterator = Read(kIds);
  for (iterator->Seek(RunKey(facts.run));
       iterator->Valid() && RunOfKey(ToView(iterator->key())) == facts.run; iterator->Next()) {
    RETURN_IF_ERROR(ReadIdBlock(ToView(iterator->value()), [&](const IdEntry& entry) {
      filter.Add(entry.id);
      return true;
    }));
  }
  RETURN_IF_ERROR(FromRocks(iterator->status()));
  RETURN_IF_ERROR(filter.Save(files_, FilterPath(facts.run)));
  return IdFilter::Map(FilterPath(facts.run));
}

// --- Reading ---

std::unique_ptr<rocksdb::Iterator> RunFiles::Read(Family family) const {
  return std::unique_ptr<rocksdb::Iterator>(
      database_->NewIterator(rocksdb::ReadOptions(), families_[family]));
}

}  // namespace ledger
