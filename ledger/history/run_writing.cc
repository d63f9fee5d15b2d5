// How runs are made: from a window, and from other runs.
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_writer.h>

#include <algorithm>
#include <queue>
#include <utility>

#include "base/invariant.h"
#include "base/status_macros.h"
#include "ledger/history/rocks.h"
#include "ledger/history/runs.h"

namespace ledger {
namespace {

constexpr size_t kPrefetchDistance = 16;

// Sorts `order` (by the lower half of an id) fully: entries with equal keys by `less`.
template <typename Less>
void SortTies(std::vector<KeyedRow>& order, Less less) {
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && order[end].key == order[begin].key) ++end;
    if (end - begin > 1) {
      std::stable_sort(order.begin() + static_cast<ptrdiff_t>(begin),
                       order.begin() + static_cast<ptrdiff_t>(end), less);
    }
    begin = end;
  }
}

// Everything of a window that is found by id, in order.
std::vector<IdEntry> IdEntriesOf(const Window& window) {
  const absl::Span<const Transfer> transfers = window.published();
  std::vector<IdEntry> entries;
  entries.reserve(transfers.size() + window.burnt().size());
  for (const Transfer& transfer : transfers) {
    entries.push_back({transfer.id, IdKind::kTransfer, transfer.timestamp_ns});
    if ((transfer.flags & TransferFlags::kPostPendingTransfer) != 0) {
      entries.push_back({transfer.pending_id, IdKind::kPosted, transfer.timestamp_ns});
    }
    if ((transfer.flags & TransferFlags::kVoidPendingTransfer) != 0) {
      entries.push_back({transfer.pending_id, IdKind::kVoided, transfer.timestamp_ns});
    }
  }
  for (const BurntId& burnt : window.burnt()) {
    entries.push_back({burnt.id, IdKind::kBurnt, burnt.number});
  }
  return entries;
}

std::vector<KeyedRow> OrderOf(const std::vector<IdEntry>& entries) {
  std::vector<KeyedRow> order;
  std::vector<KeyedRow> spare;
  order.reserve(entries.size());
  for (uint32_t i = 0; i < entries.size(); ++i) order.push_back({entries[i].id.low, i});
  RadixSort(order, spare);
  SortTies(order, [&](const KeyedRow& left, const KeyedRow& right) {
    return entries[left.row].Order() < entries[right.row].Order();
  });
  return order;
}

const Id128& AccountOf(absl::Span<const Transfer> transfers, uint32_t side) {
  const Transfer& transfer = transfers[side / 2];
  return side % 2 == 0 ? transfer.debit_account_id : transfer.credit_account_id;
}

// A window's account sides: row * 2, + 1 for the credit account.
std::vector<KeyedRow> AccountOrderOf(absl::Span<const Transfer> transfers) {
  std::vector<KeyedRow> order;
  std::vector<KeyedRow> spare;
  order.reserve(2 * transfers.size());
  bool is_same_high = true;
  for (uint32_t row = 0; row < transfers.size(); ++row) {
    const Transfer& transfer = transfers[row];
    order.push_back({transfer.debit_account_id.low, 2 * row});
    order.push_back({transfer.credit_account_id.low, 2 * row + 1});
    is_same_high &= transfer.debit_account_id.high == transfers[0].debit_account_id.high &&
                    transfer.credit_account_id.high == transfers[0].debit_account_id.high;
  }
  RadixSort(order, spare);
  if (is_same_high) return order;  // As ids that count up have it.
  SortTies(order, [&](const KeyedRow& left, const KeyedRow& right) {
    return AccountOf(transfers, left.row).high < AccountOf(transfers, right.row).high;
  });
  return order;
}

void Cover(const Id128& id, RunFacts& facts) {
  facts.id_min = std::min(facts.id_min, id);
  facts.id_max = std::max(facts.id_max, id);
}

// The entries of one kind of blocks of one run, one after the other.
template <typename Entry, typename Read>
class RunEntries {
 public:
  RunEntries(std::unique_ptr<rocksdb::Iterator> iterator, uint32_t run, Read read)
      : iterator_(std::move(iterator)), run_(run), read_(std::move(read)) {
    iterator_->Seek(KeyBytes().Add(run).bytes());
  }

  const Entry& entry() const { return entries_[at_]; }
  // False at the end.
  absl::StatusOr<bool> Next() {
    if (++at_ < entries_.size()) return true;
    entries_.clear();
    at_ = 0;
    if (!iterator_->Valid()) {
      RETURN_IF_ERROR(FromRocks(iterator_->status()));
      return false;
    }
    if (RunOfKey(ToView(iterator_->key())) != run_) return false;
    RETURN_IF_ERROR(read_(ToView(iterator_->value()), [this](const Entry& entry) {
      entries_.push_back(entry);
      return true;
    }));
    iterator_->Next();
    return true;
  }

 private:
  std::unique_ptr<rocksdb::Iterator> iterator_;
  const uint32_t run_;
  const Read read_;
  std::vector<Entry> entries_;
  size_t at_ = SIZE_MAX - 1;
};

template <typename Entry, typename Source>
absl::Status MergeEntries(std::vector<Source>& sources, const std::atomic<bool>& is_cancelled,
                          const std::function<absl::Status(const Entry&)>& add) {
  const auto later = [&](size_t left, size_t right) {
    return sources[left].entry().Order() > sources[right].entry().Order();
  };
  std::priority_queue<size_t, std::vector<size_t>, decltype(later)> next(later);
  for (size_t i = 0; i < sources.size(); ++i) {
    ASSIGN_OR_RETURN(const bool more, sources[i].Next());
    if (more) next.push(i);
  }
  while (!next.empty()) {
    if (is_cancelled.load(std::memory_order_relaxed)) {
      return absl::CancelledError("the node is stopping");
    }
    const size_t i = next.top();
    next.pop();
    RETURN_IF_ERROR(add(sources[i].entry()));
    ASSIGN_OR_RETURN(const bool more, sources[i].Next());
    if (more) next.push(i);
  }
  return absl::OkStatus();
}

}  // namespace

std::string RunFiles::SortedFilePath(uint32_t run, Family family) const {
  return absl::StrCat(folder_, "/", kSortedFilePrefix, run, "-", static_cast<int>(family));
}

absl::Status RunFiles::WriteSorted(uint32_t run, Family family,
                                   const std::function<absl::Status(const BlockSink&)>& write) {
  // What was just written is what is asked for most: it stays in the kernel's memory.
  constexpr bool kForget = false;
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), *options_, families_[family], kForget);
  RETURN_IF_ERROR(FromRocks(writer.Open(SortedFilePath(run, family))));
  RETURN_IF_ERROR(write([&writer](const std::string& key, absl::string_view block) {
    return FromRocks(writer.Put(key, ToSlice(block)));
  }));
  return FromRocks(writer.Finish());
}

absl::Status RunFiles::Ingest(uint32_t run, const std::vector<Family>& families) {
  std::vector<rocksdb::IngestExternalFileArg> files;
  for (const Family family : families) {
    rocksdb::IngestExternalFileArg file;
    file.column_family = families_[family];
    file.external_files = {SortedFilePath(run, family)};
    file.options.move_files = true;
    file.options.write_global_seqno = false;
    files.push_back(std::move(file));
  }
  return FromRocks(database_->IngestExternalFiles(files));
}

absl::StatusOr<RunPointer> RunFiles::FinishRun(const RunFacts& facts,
                                               std::unique_ptr<IdFilter> filter) {
  RETURN_IF_ERROR(filter->Save(files_, FilterPath(facts.run)));
  auto run = std::make_shared<Run>();
  run->facts = facts;
  ASSIGN_OR_RETURN(run->filter, IdFilter::Map(FilterPath(facts.run)));
  return run;
}

absl::StatusOr<std::unique_ptr<IdFilter>> RunFiles::WriteIds(const Window& window,
                                                             RunFacts& facts) {
  const std::vector<IdEntry> entries = IdEntriesOf(window);
  facts.ids = entries.size();
  auto filter = std::make_unique<IdFilter>(facts.ids);
  const auto write = [&](const BlockSink& sink) -> absl::Status {
    IdBlocks blocks(facts.run, facts.first_ns, sink);
    const std::vector<KeyedRow> order = OrderOf(entries);
    for (size_t i = 0; i < order.size(); ++i) {
      if (i + kPrefetchDistance < order.size()) {
        __builtin_prefetch(&entries[order[i + kPrefetchDistance].row]);
      }
      const IdEntry& entry = entries[order[i].row];
      filter->Add(entry.id);
      Cover(entry.id, facts);
      RETURN_IF_ERROR(blocks.Add(entry));
    }
    return blocks.Finish();
  };
  RETURN_IF_ERROR(WriteSorted(facts.run, kIds, write));
  return filter;
}

absl::Status RunFiles::WriteAccounts(absl::Span<const Transfer> transfers, const RunFacts& facts) {
  return WriteSorted(facts.run, kAccounts, [&](const BlockSink& sink) -> absl::Status {
    AccountBlocks blocks(facts.run, facts.first_ns, sink);
    const std::vector<KeyedRow> order = AccountOrderOf(transfers);
    for (size_t i = 0; i < order.size(); ++i) {
      if (i + kPrefetchDistance < order.size()) {
        __builtin_prefetch(&transfers[order[i + kPrefetchDistance].row / 2]);
      }
      const uint32_t side = order[i].row;
      RETURN_IF_ERROR(blocks.Add({AccountOf(transfers, side), transfers[side / 2].timestamp_ns}));
    }
    return blocks.Finish();
  });
}

absl::StatusOr<RunPointer> RunFiles::Write(uint32_t run, const Window& window) {
  const absl::Span<const Transfer> transfers = window.published();
  if (transfers.empty() && window.burnt().empty()) return nullptr;
  RunFacts facts{.run = run, .transfers = transfers.size()};
  std::vector<Family> families = {kIds};
  if (!transfers.empty()) {
    facts.first_ns = transfers.front().timestamp_ns;
    facts.last_ns = transfers.back().timestamp_ns;
    families = {kTransfers, kIds, kAccounts};
    const auto write = [&](const BlockSink& sink) -> absl::Status {
      TransferBlocks blocks(sink);
      for (const Transfer& transfer : transfers) {
        RETURN_IF_ERROR(blocks.Add(transfer, window.BalancesAt(transfer.timestamp_ns)));
      }
      return blocks.Finish();
    };
    RETURN_IF_ERROR(WriteSorted(run, kTransfers, write));
    RETURN_IF_ERROR(WriteAccounts(transfers, facts));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<IdFilter> filter, WriteIds(window, facts));
  RETURN_IF_ERROR(Ingest(run, families));
  return FinishRun(facts, std::move(filter));
}

absl::StatusOr<RunPointer> RunFiles::Merge(uint32_t run, absl::Span<const RunPointer> parts,
                                           const std::atomic<bool>& is_cancelled) {
  RunFacts facts{.run = run, .first_ns = UINT64_MAX};
  for (const RunPointer& part : parts) {
    facts.level = std::max(facts.level, part->facts.level + 1);
    facts.transfers += part->facts.transfers;
    facts.ids += part->facts.ids;
    Cover(part->facts.id_min, facts);
    Cover(part->facts.id_max, facts);
    if (part->facts.transfers == 0) continue;
    facts.first_ns = std::min(facts.first_ns, part->facts.first_ns);
    facts.last_ns = std::max(facts.last_ns, part->facts.last_ns);
  }
  if (facts.transfers == 0) facts.first_ns = 0;
  auto filter = std::make_unique<IdFilter>(facts.ids);
  const auto write_ids = [&](const BlockSink& sink) -> absl::Status {
    IdBlocks blocks(run, facts.first_ns, sink);
    std::vector<RunEntries<IdEntry, decltype(&ReadIdBlock)>> sources;
    for (const RunPointer& part : parts) {
      sources.emplace_back(Read(kIds), part->facts.run, &ReadIdBlock);
    }
    const auto add = [&](const IdEntry& entry) {
      filter->Add(entry.id);
      return blocks.Add(entry);
    };
    RETURN_IF_ERROR(MergeEntries<IdEntry>(sources, is_cancelled, add));
    return blocks.Finish();
  };
  const auto write_accounts = [&](const BlockSink& sink) -> absl::Status {
    AccountBlocks blocks(run, facts.first_ns, sink);
    std::vector<RunEntries<AccountEntry, decltype(&ReadAccountBlock)>> sources;
    for (const RunPointer& part : parts) {
      sources.emplace_back(Read(kAccounts), part->facts.run, &ReadAccountBlock);
    }
    const auto add = [&](const AccountEntry& entry) { return blocks.Add(entry); };
    RETURN_IF_ERROR(MergeEntries<AccountEntry>(sources, is_cancelled, add));
    return blocks.Finish();
  };
  std::vector<Family> families = {kIds};
  RETURN_IF_ERROR(WriteSorted(run, kIds, write_ids));
  if (facts.transfers > 0) {
    families.push_back(kAccounts);
    RETURN_IF_ERROR(WriteSorted(run, kAccounts, write_accounts));
  }
  RETURN_IF_ERROR(Ingest(run, families));
  return FinishRun(facts, std::move(filter));
}

}  // namespace ledger
