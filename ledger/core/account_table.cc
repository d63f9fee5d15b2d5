#include "ledger/core/account_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "base/prefetch.h"

namespace ledger {
namespace {

constexpr size_t kPrefetchDistance = 16;

}  // namespace

Account FullAccount(const AccountRow& row, const AccountDetails* details) {
  Account account;
  account.id = row.id;
  account.debits_pending = row.debits_pending;
  account.debits_posted = row.debits_posted;
  account.credits_pending = row.credits_pending;
  account.credits_posted = row.credits_posted;
  account.ledger = row.ledger;
  account.timestamp_ns = row.timestamp_ns;
  account.code = row.code;
  account.flags = row.flags & AccountFlags::kKnown;
  if (details != nullptr && (row.flags & kHasDetails) != 0) {
    account.user_data_128 = details->user_data_128;
    account.user_data_64 = details->user_data_64;
    account.user_data_32 = details->user_data_32;
    account.balance_max = details->balance_max;
  }
  return account;
}

const AccountDetails* AccountTable::DetailsOf(uint32_t row) const {
  if ((rows_[row].flags & kHasDetails) == 0) return nullptr;
  return &details_[details_of_.at(row)];
}

absl::Span<const AccountRow> AccountTable::BucketRows(uint32_t bucket) const {
  static_assert(kPageRows % kBucketRows == 0);  // So they stand together.
  const uint64_t first = uint64_t{bucket} * kBucketRows;
  INVARIANT(first < rows_.size());
  return {&rows_[first], static_cast<size_t>(std::min<uint64_t>(kBucketRows, size() - first))};
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
  index_.PrefetchRow(id, [this](uint32_t row) { base::Prefetch(&rows_[row]); });
}

void AccountTable::Add(const Account& account) {
  INVARIANT(!IsFull() && account.timestamp_ns > newest_timestamp_ns());
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
  dirty_.Mark(row / kBucketRows);
  index_.Insert(account.id, row, [this](uint32_t of) -> const Id128& { return IdOf(of); });
  if (!account.user_data_128.IsZero() || account.user_data_64 != 0 || account.user_data_32 != 0) {
    AccountDetails& details = DetailsFor(row);
    details.user_data_128 = account.user_data_128;
    details.user_data_64 = account.user_data_64;
    details.user_data_32 = account.user_data_32;
  }
  if (account.balance_max != 0) SetBalanceMax(row, account.balance_max);
}

void AccountTable::RollBack(uint64_t size) {
  while (rows_.size() > size) {
    const auto row = static_cast<uint32_t>(rows_.size() - 1);
    const AccountRow& newest = std::as_const(rows_)[row];
    index_.Erase(newest.id, [this](uint32_t of) -> const Id128& { return IdOf(of); });
    if ((newest.flags & kHasDetails) != 0) {
      INVARIANT(std::as_const(details_)[details_.size() - 1].row == row);
      details_of_.erase(row);
      details_.pop_back();
    }
    rows_.pop_back();
  }
}

AccountDetails& AccountTable::DetailsFor(uint32_t row) {
  const auto [entry, is_new] = details_of_.try_emplace(row, static_cast<uint32_t>(details_.size()));
  if (is_new) {
    AccountDetails details{};
    details.row = row;
    details_.push_back(details);
    (*this)[row].flags |= kHasDetails;
  }
  return details_[entry->second];
}

uint64_t AccountTable::BalanceMax(uint32_t row) const {
  return HasBalanceMax(row) ? DetailsOf(row)->balance_max : 0;
}

void AccountTable::SetBalanceMax(uint32_t row, uint64_t balance_max) {
  if (balance_max == 0 && !HasBalanceMax(row)) return;
  DetailsFor(row).balance_max = balance_max;
  uint16_t& flags = (*this)[row].flags;
  flags =
      static_cast<uint16_t>(balance_max == 0 ? flags & ~kHasBalanceMax : flags | kHasBalanceMax);
}

uint64_t AccountTable::bytes() const {
  constexpr uint64_t kEntryBytes = sizeof(std::pair<const uint32_t, uint32_t>) + 1;
  return rows_.bytes() + index_.bytes() + details_.bytes() + details_of_.capacity() * kEntryBytes +
         dirty_.bytes();
}

// --- For snapshots ---

absl::Status AccountTable::Load(absl::Span<const AccountRow> rows) {
  const auto id_of = [this](uint32_t of) -> const Id128& { return IdOf(of); };
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i + kPrefetchDistance < rows.size()) index_.PrefetchSlot(rows[i + kPrefetchDistance].id);
    const AccountRow& row = rows[i];
    if (row.timestamp_ns <= newest_timestamp_ns() || IsFull() || ShardOfAccount(row.id) != shard_) {
      return absl::DataLossError(absl::StrCat("account row ", size(), " cannot be one"));
    }
    rows_.push_back(row);
    dirty_.Mark((size() - 1) / kBucketRows);
    index_.Insert(row.id, static_cast<uint32_t>(size() - 1), id_of);
  }
  return absl::OkStatus();
}

absl::Status AccountTable::Load(absl::Span<const AccountDetails> details) {
  for (const AccountDetails& one : details) {
    const bool is_one = one.row < size() &&
                        (std::as_const(rows_)[one.row].flags & kHasDetails) != 0 &&
                        details_of_.try_emplace(one.row, details_.size()).second;
    if (!is_one) {
      return absl::DataLossError(absl::StrCat("details of account row ", one.row, " cannot be"));
    }
    details_.push_back(one);
  }
  return absl::OkStatus();
}

}  // namespace ledger
