// How runs are read.
#include <rocksdb/db.h>

#include <utility>

#include "base/status_macros.h"
#include "ledger/history/rocks.h"
#include "ledger/history/runs.h"

namespace ledger {

RunReader::RunReader(const RunFiles& files)
    : transfers_(files.Read(RunFiles::kTransfers)),
      ids_(files.Read(RunFiles::kIds)),
      accounts_(files.Read(RunFiles::kAccounts)) {}
RunReader::~RunReader() = default;
RunReader::RunReader(RunReader&&) noexcept = default;
RunReader& RunReader::operator=(RunReader&&) noexcept = default;

absl::StatusOr<std::vector<IdEntry>> RunReader::Find(const RunFacts& run, const Id128& id) {
  std::vector<IdEntry> found;
  ids_->SeekForPrev(IdKey(run.run, id));
  if (!ids_->Valid()) {
    RETURN_IF_ERROR(FromRocks(ids_->status()));
    return found;
  }
  if (RunOfKey(ToView(ids_->key())) != run.run) return found;
  const IdEntry wanted{.id = id, .kind = IdKind::kTransfer, .value = 0};
  RETURN_IF_ERROR(ReadIdBlock(ToView(ids_->value()), [&](const IdEntry& entry) {
    if (entry.id == id) found.push_back(entry);
    return entry.id == id || entry.Order() < wanted.Order();
  }));
  return found;
}

absl::StatusOr<std::vector<uint64_t>> RunReader::TimesOfAccount(const RunFacts& run,
                                                                const Id128& account_id,
                                                                const TimeRange& range) {
  const AccountEntry first{account_id, range.first_ns};
  const AccountEntry last{account_id, range.last_ns};
  accounts_->SeekForPrev(AccountKey(run.run, range.reversed ? last : first));
  if (!range.reversed && !accounts_->Valid()) accounts_->Seek(AccountKey(run.run, first));
  std::vector<uint64_t> times;
  while (accounts_->Valid() && times.size() < range.limit) {
    const uint32_t here = RunOfKey(ToView(accounts_->key()));
    if (range.reversed ? here != run.run : here > run.run) break;
    std::vector<uint64_t> block;
    bool is_past = false;
    RETURN_IF_ERROR(ReadAccountBlock(ToView(accounts_->value()), [&](const AccountEntry& entry) {
      is_past = entry.Order() > last.Order();
      if (here == run.run && !is_past && entry.Order() >= first.Order()) {
        block.push_back(entry.timestamp_ns);
      }
      return !is_past;
    }));
    if (range.reversed) {
      times.insert(times.end(), block.rbegin(), block.rend());
      const bool begins_before =
          ToView(accounts_->key()) <= absl::string_view(AccountKey(run.run, first));
      if (begins_before) break;
      accounts_->Prev();
    } else {
      times.insert(times.end(), block.begin(), block.end());
      if (is_past && here == run.run) break;
      accounts_->Next();
    }
  }
  RETURN_IF_ERROR(FromRocks(accounts_->status()));
  if (times.size() > range.limit) times.resize(range.limit);
  return times;
}

absl::StatusOr<bool> RunReader::ReadTransfer(uint64_t timestamp_ns, HistoryRow& row) {
  transfers_->SeekForPrev(TransferKey(timestamp_ns));
  if (!transfers_->Valid()) {
    RETURN_IF_ERROR(FromRocks(transfers_->status()));
    return false;
  }
  bool is_found = false;
  RETURN_IF_ERROR(ReadTransferBlock(ToView(transfers_->key()), ToView(transfers_->value()),
                                    [&](HistoryRow& read) {
                                      is_found = read.transfer.timestamp_ns == timestamp_ns;
                                      if (is_found) std::swap(row, read);
                                      return !is_found;
                                    }));
  return is_found;
}

absl::Status RunReader::ReadListed(uint64_t timestamp_ns, HistoryRow& row) {
  ASSIGN_OR_RETURN(const bool is_there, ReadTransfer(timestamp_ns, row));
  if (is_there) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("history: the transfer of time ", timestamp_ns, " is listed and not there"));
}

TransferScan::TransferScan(const RunFiles& files, uint64_t after_ns)
    : iterator_(files.Read(RunFiles::kTransfers)) {
  iterator_->SeekForPrev(TransferKey(after_ns));
  if (!iterator_->Valid()) iterator_->SeekToFirst();
  Fill();
  while (current() != nullptr && current()->timestamp_ns <= after_ns) Next();
}
TransferScan::~TransferScan() = default;

void TransferScan::Next() {
  if (++at_ == block_.size()) Fill();
}

void TransferScan::Fill() {
  block_.clear();
  at_ = 0;
  if (!iterator_->Valid()) {
    status_ = FromRocks(iterator_->status());
    return;
  }
  status_ = ReadTransferBlock(ToView(iterator_->key()), ToView(iterator_->value()),
                              [this](HistoryRow& row) {
                                block_.push_back(row.transfer);
                                return true;
                              });
  iterator_->Next();
}

}  // namespace ledger
