#include "ledger/history/window.h"

#include <algorithm>
#include <bit>

#include "base/invariant.h"
#include "base/prefetch.h"
#include "ledger/history/id_filter.h"

namespace ledger {
namespace {

bool Resolves(const Transfer& transfer) {
  return (transfer.flags &
          (TransferFlags::kPostPendingTransfer | TransferFlags::kVoidPendingTransfer)) != 0;
}

uint32_t TagOf(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }

}  // namespace

Window::Window(uint32_t transfers_max)
    : transfers_max_(transfers_max),
      rows_(size_t{transfers_max} + kBatchEventsMax),
      balance_rows_(2 * (size_t{transfers_max} + kBatchEventsMax)),
      slots_(std::bit_ceil((uint64_t{transfers_max} + kBatchEventsMax) * 3 / 2)),
      chunks_((size_t{transfers_max} + kBatchEventsMax) / kChunkRows + 1) {
  slots_.TouchAll();
  rows_.MakeReady(0, 2 * kChunkRows);
}

// --- The adding thread ---

void Window::Prefetch(const Id128& id) const {
  base::Prefetch(&slots_[HashOf(id) & (slots_.size() - 1)]);
}

// Of `id`, or the free one that it would take.
uint64_t Window::SlotOf(const Id128& id) const {
  const uint64_t hash = HashOf(id);
  uint64_t slot = hash & (slots_.size() - 1);
  while (slots_[slot].row_and_one != 0 &&
         (slots_[slot].tag != TagOf(hash) || rows_[slots_[slot].row_and_one - 1].id != id)) {
    slot = (slot + 1) & (slots_.size() - 1);
  }
  return slot;
}

const Transfer* Window::Find(const Id128& id) const {
  if (!MayHold(id)) return nullptr;
  const uint32_t row_and_one = slots_[SlotOf(id)].row_and_one;
  return row_and_one == 0 ? nullptr : &rows_[row_and_one - 1];
}

std::optional<uint64_t> Window::FindBurnt(const Id128& id) const {
  if (burnt_numbers_.empty()) return std::nullopt;
  const auto entry = burnt_numbers_.find(id);
  if (entry == burnt_numbers_.end()) return std::nullopt;
  return entry->second;
}

const Transfer* Window::FindResolving(const Id128& pending_id) const {
  const auto entry = resolving_.find(pending_id);
  return entry == resolving_.end() ? nullptr : &rows_[entry->second];
}

bool Window::HasTimestamp(uint64_t timestamp_ns) const {
  const Transfer* const end = rows_.data() + transfers_;
  const Transfer* const found = std::lower_bound(
      rows_.data(), end, timestamp_ns,
      [](const Transfer& transfer, uint64_t wanted) { return transfer.timestamp_ns < wanted; });
  return found != end && found->timestamp_ns == timestamp_ns;
}

void Window::Add(const Transfer& transfer) {
  INVARIANT(transfers_ < transfers_max_ + kBatchEventsMax);
  rows_[transfers_] = transfer;
  const uint64_t slot = SlotOf(transfer.id);
  INVARIANT(slots_[slot].row_and_one == 0);
  slots_[slot] = {.row_and_one = transfers_ + 1, .tag = TagOf(HashOf(transfer.id))};
  id_min_ = std::min(id_min_, transfer.id);
  id_max_ = std::max(id_max_, transfer.id);
  if (Resolves(transfer)) resolving_[transfer.pending_id] = transfers_;
  ++transfers_;
}

void Window::AddBalances(const BalanceRow& row) { balance_rows_[balances_++] = row; }

void Window::Burn(const BurntId& burnt) {
  burnt_.push_back(burnt);
  burnt_numbers_.emplace(burnt.id, burnt.number);
}

// The newest of all rows is the last of its row of slots: freeing it breaks no search.
void Window::Drop(const Transfer& transfer) {
  slots_[SlotOf(transfer.id)] = {};
  if (Resolves(transfer)) resolving_.erase(transfer.pending_id);
}

void Window::RollBack(uint32_t transfers, uint32_t balances) {
  INVARIANT(transfers >= published_.load(std::memory_order_relaxed) && transfers <= transfers_);
  while (transfers_ > transfers) Drop(rows_[--transfers_]);
  balances_ = balances;
}

void Window::Publish() {
  burnt_published_ = burnt_.size();
  balances_published_.store(balances_, std::memory_order_release);
  published_.store(transfers_, std::memory_order_release);
}

void Window::Forget() {
  RollBack(published_.load(std::memory_order_relaxed),
           balances_published_.load(std::memory_order_relaxed));
  while (burnt_.size() > burnt_published_) {
    burnt_numbers_.erase(burnt_.back().id);
    burnt_.pop_back();
  }
}

void Window::Reset() {
  std::fill_n(slots_.data(), slots_.size(), Slot{});
  id_min_ = {UINT64_MAX, UINT64_MAX};
  id_max_ = {};
  transfers_ = balances_ = 0;
  resolving_.clear();
  burnt_.clear();
  burnt_numbers_.clear();
  burnt_published_ = 0;
  published_ = balances_published_ = indexed_ = 0;
  for (std::vector<KeyedRow>& chunk : chunks_) chunk = {};
}

// --- Any thread ---

absl::Span<const BalanceRow> Window::BalancesAt(uint64_t timestamp_ns) const {
  const BalanceRow* const begin = balance_rows_.data();
  const BalanceRow* const end = begin + balances_published_.load(std::memory_order_acquire);
  const auto [first, last] = std::equal_range(begin, end, BalanceRow{{}, timestamp_ns},
                                              [](const BalanceRow& left, const BalanceRow& right) {
                                                return left.timestamp_ns < right.timestamp_ns;
                                              });
  return {first, static_cast<size_t>(last - first)};
}

std::vector<uint32_t> Window::RowsOfAccount(const Id128& account_id, uint32_t count) const {
  std::vector<uint32_t> found;
  const uint32_t indexed = indexed_.load(std::memory_order_acquire);
  for (uint32_t i = 0; i < indexed; ++i) {
    const auto by_key = [](const KeyedRow& left, const KeyedRow& right) {
      return left.key < right.key;
    };
    const auto [first, last] =
        std::equal_range(chunks_[i].begin(), chunks_[i].end(), KeyedRow{account_id.low, 0}, by_key);
    for (auto entry = first; entry != last && entry->row < count; ++entry) {
      const Transfer& transfer = rows_[entry->row];
      if (transfer.debit_account_id == account_id || transfer.credit_account_id == account_id) {
        if (found.empty() || found.back() != entry->row) found.push_back(entry->row);
      }
    }
  }
  for (uint32_t row = indexed * kChunkRows; row < count; ++row) {
    const Transfer& transfer = rows_[row];
    if (transfer.debit_account_id == account_id || transfer.credit_account_id == account_id) {
      found.push_back(row);
    }
  }
  return found;
}

// --- The indexing thread ---

bool Window::IndexSome() {
  const uint32_t chunk = indexed_.load(std::memory_order_relaxed);
  const uint32_t first = chunk * kChunkRows;
  if (published_.load(std::memory_order_acquire) < first + kChunkRows) return false;
  std::vector<KeyedRow> rows;
  std::vector<KeyedRow> spare;
  rows.reserve(size_t{2} * kChunkRows);
  for (uint32_t row = first; row < first + kChunkRows; ++row) {
    rows.push_back({rows_[row].debit_account_id.low, row});
    rows.push_back({rows_[row].credit_account_id.low, row});
  }
  RadixSort(rows, spare);
  chunks_[chunk] = std::move(rows);
  indexed_.store(chunk + 1, std::memory_order_release);
  // While the adding thread fills the next chunk.
  rows_.MakeReady(first + 2 * kChunkRows, kChunkRows);
  const uint32_t balances = balances_published_.load(std::memory_order_acquire);
  if (balances > 0) balance_rows_.MakeReady(balances, 2 * kChunkRows);
  return true;
}

}  // namespace ledger
