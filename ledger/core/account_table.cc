#include "ledger/core/account_table.h"

#include <algorithm>
#include <utility>

#include "base/invariant.h"

namespace ledger {

Account AccountTable::Full(uint32_t row) const {
  const AccountRow& hot = rows_[row];
  Account account;
  account.id = hot.id;
  account.debits_pending = hot.debits_pending;
  account.debits_posted = hot.debits_posted;
  account.credits_pending = hot.credits_pending;
  account.credits_posted = hot.credits_posted;
  account.ledger = hot.ledger;
  account.timestamp_ns = hot.timestamp_ns;
  account.code = hot.code;
  account.flags = hot.flags & AccountFlags::kKnown;
  if ((hot.flags & kHasDetails) != 0) {
    const Details& details = details_.at(row);
    account.user_data_128 = details.user_data_128;
    account.user_data_64 = details.user_data_64;
    account.user_data_32 = details.user_data_32;
    account.balance_max = details.balance_max;
  }
  return account;
}

std::optional<uint32_t> AccountTable::Find(const Id128& id) const {
  return index_.Find(id, [this](uint32_t row) -> const Id128& { return IdOf(row); });
}

bool AccountTable::HasTimestamp(uint64_t timestamp_ns) const {
  uint64_t low = 0;
  uint64_t high = rows_.size();
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (rows_[middle].timestamp_ns < timestamp_ns) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < rows_.size() && rows_[low].timestamp_ns == timestamp_ns;
}

void AccountTable::PrefetchRow(const Id128& id) const {
  index_.PrefetchRow(id, [this](uint32_t row) { __builtin_prefetch(&rows_[row], 1); });
}

void AccountTable::Add(const Account& account) {
  INVARIANT(rows_.size() < RowIndex::kRowsMax && account.timestamp_ns > newest_timestamp_ns());
  const auto row = static_cast<uint32_t>(rows_.size());
  rows_.push_back({.id = account.id,
                   .debits_pending = account.debits_pending,
                   .debits_posted = account.debits_posted,
                   .credits_pending = account.credits_pending,
                   .credits_posted = account.credits_posted,
                   .timestamp_ns = account.timestamp_ns,
                   .ledger = account.ledger,
                   .code = account.code,
                   .flags = account.flags});
  index_.Insert(account.id, row, [this](uint32_t of) -> const Id128& { return IdOf(of); });
  if (!account.user_data_128.IsZero() || account.user_data_64 != 0 || account.user_data_32 != 0) {
    rows_[row].flags |= kHasDetails;
    details_[row] = {.user_data_128 = account.user_data_128,
                     .user_data_64 = account.user_data_64,
                     .user_data_32 = account.user_data_32};
  }
  if (account.balance_max != 0) SetBalanceMax(row, account.balance_max);
}

void AccountTable::RollBack(uint64_t size) {
  while (rows_.size() > size) {
    const auto row = static_cast<uint32_t>(rows_.size() - 1);
    index_.Erase(rows_[row].id, [this](uint32_t of) -> const Id128& { return IdOf(of); });
    if ((rows_[row].flags & kHasDetails) != 0) details_.erase(row);
    rows_.pop_back();
  }
}

uint64_t AccountTable::BalanceMax(uint32_t row) const {
  return HasBalanceMax(row) ? details_.at(row).balance_max : 0;
}

void AccountTable::SetBalanceMax(uint32_t row, uint64_t balance_max) {
  uint16_t& flags = rows_[row].flags;
  if (balance_max == 0 && (flags & kHasDetails) == 0) return;
  details_[row].balance_max = balance_max;
  flags |= kHasDetails;
  flags =
      static_cast<uint16_t>(balance_max == 0 ? flags & ~kHasBalanceMax : flags | kHasBalanceMax);
}

absl::Span<const uint32_t> AccountTable::SortedById() const {
  const size_t sorted_before = sorted_.size();
  std::vector<std::pair<Id128, uint32_t>> added;
  added.reserve(rows_.size() - sorted_before);
  for (size_t row = sorted_before; row < rows_.size(); ++row) {
    added.emplace_back(rows_[row].id, static_cast<uint32_t>(row));
  }
  std::sort(added.begin(), added.end(), [](const auto& left, const auto& right) {
    const Id128& one = left.first;
    const Id128& other = right.first;
    return one.high != other.high ? one.high < other.high : one.low < other.low;
  });
  sorted_.reserve(rows_.size());
  for (const auto& [id, row] : added) sorted_.push_back(row);
  std::inplace_merge(
      sorted_.begin(), sorted_.begin() + static_cast<ptrdiff_t>(sorted_before), sorted_.end(),
      [this](uint32_t left, uint32_t right) { return rows_[left].id < rows_[right].id; });
  return sorted_;
}

uint64_t AccountTable::bytes() const {
  constexpr uint64_t kDetailsBytes = sizeof(std::pair<const uint32_t, Details>) + 1;
  return rows_.size() * sizeof(AccountRow) + index_.bytes() + details_.capacity() * kDetailsBytes +
         sorted_.capacity() * sizeof(uint32_t);
}

}  // namespace ledger
