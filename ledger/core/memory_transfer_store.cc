#include "ledger/core/memory_transfer_store.h"

#include <algorithm>

#include "base/invariant.h"
#include "base/prefetch.h"

namespace ledger {
namespace {

constexpr uint64_t kPrefetchFar = 24;
constexpr uint64_t kPrefetchNear = 8;

Resolution ResolutionBy(const Transfer& transfer) {
  if ((transfer.flags & TransferFlags::kPostPendingTransfer) != 0) return Resolution::kPosted;
  if ((transfer.flags & TransferFlags::kVoidPendingTransfer) != 0) return Resolution::kVoided;
  return Resolution::kNone;
}

// The first of [0, size) whose time is not before.
template <typename TimeOf>
uint32_t LowerBound(uint32_t size, uint64_t timestamp_ns, const TimeOf& time_of) {
  uint32_t low = 0;
  uint32_t high = size;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (time_of(middle) < timestamp_ns) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// Calls visit(i) for what lies in the filter's time range, in its order, until that gives false.
template <typename Filter, typename TimeOf, typename Visit>
void ForRange(const Filter& filter, uint32_t size, const TimeOf& time_of, const Visit& visit) {
  const uint32_t begin = LowerBound(size, filter.timestamp_min_ns, time_of);
  const uint32_t end =
      filter.timestamp_max_ns == 0 ? size : LowerBound(size, filter.timestamp_max_ns + 1, time_of);
  for (uint32_t i = begin; i < end; ++i) {
    if (!visit(filter.reversed ? end - 1 - (i - begin) : i)) return;
  }
}

}  // namespace

FoundTransfer MemoryTransferStore::Find(const Id128& id) {
  const auto row = index_.Find(id, [this](uint32_t of) -> const Id128& { return rows_[of].id; });
  if (row.has_value()) return {.transfer = &rows_[*row], .failed = false};
  return {.transfer = nullptr, .failed = !burnt_.empty() && burnt_.contains(id)};
}

uint32_t MemoryTransferStore::FirstNotBefore(uint64_t timestamp_ns) const {
  return LowerBound(static_cast<uint32_t>(rows_.size()), timestamp_ns,
                    [this](uint32_t row) { return rows_[row].timestamp_ns; });
}

bool MemoryTransferStore::HasTimestamp(uint64_t timestamp_ns) {
  const uint32_t row = FirstNotBefore(timestamp_ns);
  return row < rows_.size() && rows_[row].timestamp_ns == timestamp_ns;
}

Resolution MemoryTransferStore::ResolutionOf(const Id128& pending_id) {
  const auto entry = resolutions_.find(pending_id);
  return entry == resolutions_.end() ? Resolution::kNone : entry->second;
}

void MemoryTransferStore::Add(const Transfer& transfer) {
  INVARIANT(rows_.size() == 0 || rows_[rows_.size() - 1].timestamp_ns < transfer.timestamp_ns);
  const auto row = static_cast<uint32_t>(rows_.size());
  rows_.push_back(transfer);
  index_.Insert(transfer.id, row, [this](uint32_t of) -> const Id128& { return rows_[of].id; });
  const Resolution resolution = ResolutionBy(transfer);
  if (resolution != Resolution::kNone) resolutions_[transfer.pending_id] = resolution;
}

void MemoryTransferStore::Burn(const Id128& id, uint64_t /*timestamp_ns*/) { burnt_.insert(id); }

void MemoryTransferStore::RollBack(const Mark& mark) {
  INVARIANT(mark.transfers >= transfers_listed_ && mark.balances >= balances_listed_);
  while (rows_.size() > mark.transfers) {
    const Transfer& transfer = rows_[rows_.size() - 1];
    index_.Erase(transfer.id, [this](uint32_t of) -> const Id128& { return rows_[of].id; });
    if (ResolutionBy(transfer) != Resolution::kNone) resolutions_.erase(transfer.pending_id);
    rows_.pop_back();
  }
  while (balances_.size() > mark.balances) balances_.pop_back();
}

void MemoryTransferStore::EndBatch(uint64_t /*record_ns*/) {
  ListTransfers();
  for (uint64_t row = balances_listed_; row < balances_.size(); ++row) {
    const uint32_t history = HistoryFor(balances_[row].account_id);
    histories_[history].balances.Append(static_cast<uint32_t>(row));
  }
  balances_listed_ = balances_.size();
}

// In two passes, each with what it will need fetched ahead: who, then where.
void MemoryTransferStore::ListTransfers() {
  const auto prefetch = [this](uint32_t history) { base::Prefetch(&histories_[history].id); };
  sides_.clear();
  for (uint64_t row = transfers_listed_; row < rows_.size(); ++row) {
    if (row + kPrefetchFar < rows_.size()) {
      histories_index_.PrefetchSlot(rows_[row + kPrefetchFar].debit_account_id);
      histories_index_.PrefetchSlot(rows_[row + kPrefetchFar].credit_account_id);
    }
    if (row + kPrefetchNear < rows_.size()) {
      histories_index_.PrefetchRow(rows_[row + kPrefetchNear].debit_account_id, prefetch);
      histories_index_.PrefetchRow(rows_[row + kPrefetchNear].credit_account_id, prefetch);
    }
    sides_.push_back(HistoryFor(rows_[row].debit_account_id));
    sides_.push_back(HistoryFor(rows_[row].credit_account_id));
  }
  for (size_t side = 0; side < sides_.size(); ++side) {
    if (side + 3 * kPrefetchNear < sides_.size()) {
      base::Prefetch(&histories_[sides_[side + 3 * kPrefetchNear]].transfers);
    }
    if (side + 2 * kPrefetchNear < sides_.size()) {
      histories_[sides_[side + 2 * kPrefetchNear]].transfers.PrefetchBlock();
    }
    if (side + kPrefetchNear < sides_.size()) {
      histories_[sides_[side + kPrefetchNear]].transfers.PrefetchEnd();
    }
    const auto row = static_cast<uint32_t>(transfers_listed_ + side / 2);
    histories_[sides_[side]].transfers.Append(row);
  }
  transfers_listed_ = rows_.size();
}

const MemoryTransferStore::AccountHistory* MemoryTransferStore::HistoryOf(
    const Id128& account_id) const {
  const auto row = histories_index_.Find(
      account_id, [this](uint32_t of) -> const Id128& { return histories_[of].id; });
  return row.has_value() ? &histories_[*row] : nullptr;
}

uint32_t MemoryTransferStore::HistoryFor(const Id128& account_id) {
  const auto id_of = [this](uint32_t of) -> const Id128& { return histories_[of].id; };
  if (const auto found = histories_index_.Find(account_id, id_of)) return *found;
  const auto history = static_cast<uint32_t>(histories_.size());
  histories_.push_back({.id = account_id, .transfers = {}, .balances = {}});
  histories_index_.Insert(account_id, history, id_of);
  return history;
}

std::vector<Transfer> MemoryTransferStore::AccountTransfers(const TransferFilter& filter) const {
  std::vector<Transfer> found;
  const AccountHistory* const history = HistoryOf(filter.account_id);
  if (history == nullptr || !IsSoundForAccount(filter)) return found;
  const RowList& rows = history->transfers;
  const size_t limit = std::min(filter.limit, kBatchEventsMax);
  ForRange(
      filter, rows.size(), [&](uint32_t i) { return rows_[rows[i]].timestamp_ns; },
      [&](uint32_t i) {
        const Transfer& transfer = rows_[rows[i]];
        if (IsSide(transfer, filter) && Matches(transfer, filter)) found.push_back(transfer);
        return found.size() < limit;
      });
  return found;
}

std::vector<BalanceRow> MemoryTransferStore::AccountBalances(const TransferFilter& filter) const {
  std::vector<BalanceRow> found;
  const AccountHistory* const history = HistoryOf(filter.account_id);
  if (history == nullptr || !IsSoundForAccount(filter)) return found;
  const RowList& rows = history->balances;
  const size_t limit = std::min(filter.limit, kBatchEventsMax);
  ForRange(
      filter, rows.size(), [&](uint32_t i) { return balances_[rows[i]].timestamp_ns; },
      [&](uint32_t i) {
        const BalanceRow& balances = balances_[rows[i]];
        const Transfer& transfer = rows_[FirstNotBefore(balances.timestamp_ns)];
        if (IsSide(transfer, filter) && Matches(transfer, filter)) found.push_back(balances);
        return found.size() < limit;
      });
  return found;
}

std::vector<Transfer> MemoryTransferStore::QueryTransfers(const QueryFilter& filter) const {
  std::vector<Transfer> found;
  if (!IsSound(filter)) return found;
  const size_t limit = std::min(filter.limit, kBatchEventsMax);
  ForRange(
      filter, static_cast<uint32_t>(rows_.size()),
      [&](uint32_t row) { return rows_[row].timestamp_ns; },
      [&](uint32_t row) {
        const Transfer& transfer = rows_[row];
        const bool is_ledger = filter.ledger == 0 || filter.ledger == transfer.ledger;
        if (is_ledger && Matches(transfer, filter)) found.push_back(transfer);
        return found.size() < limit;
      });
  return found;
}

}  // namespace ledger
