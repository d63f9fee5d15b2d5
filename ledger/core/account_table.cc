#include "ledger/core/account_table.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/invariant.h"
#include "ledger/core/status.h"

namespace ledger {
namespace {

using Status = AccountStatus;

constexpr uint16_t kLimits =
    AccountFlags::kDebitsMustNotExceedCredits | AccountFlags::kCreditsMustNotExceedDebits;

Status CheckExisting(const Account& event, const Account& stored) {
  if (event.flags != stored.flags) return Status::kExistsWithDifferentFlags;
  if (event.user_data_128 != stored.user_data_128) return Status::kExistsWithDifferentUserData128;
  if (event.user_data_64 != stored.user_data_64) return Status::kExistsWithDifferentUserData64;
  if (event.user_data_32 != stored.user_data_32) return Status::kExistsWithDifferentUserData32;
  if (event.ledger != stored.ledger) return Status::kExistsWithDifferentLedger;
  if (event.code != stored.code) return Status::kExistsWithDifferentCode;
  return Status::kExists;
}

// What stands before the existence check.
Status CheckIdentity(const Account& event, uint32_t shard) {
  if (event.timestamp_ns != 0) return Status::kTimestampMustBeZero;
  if (event.reserved != 0) return Status::kReservedField;
  if ((event.flags & ~AccountFlags::kKnown) != 0) return Status::kReservedFlag;
  if (event.id.IsZero()) return Status::kIdMustNotBeZero;
  if (event.id.IsMax()) return Status::kIdMustNotBeIntMax;
  if (ShardOfAccount(event.id) != shard) return Status::kAccountOfAnotherShard;
  return Status::kOk;
}

Status CheckFields(const Account& event) {
  if ((event.flags & kLimits) == kLimits) return Status::kFlagsAreMutuallyExclusive;
  if (event.debits_pending != 0) return Status::kDebitsPendingMustBeZero;
  if (event.debits_posted != 0) return Status::kDebitsPostedMustBeZero;
  if (event.credits_pending != 0) return Status::kCreditsPendingMustBeZero;
  if (event.credits_posted != 0) return Status::kCreditsPostedMustBeZero;
  if (event.ledger == 0) return Status::kLedgerMustNotBeZero;
  if (event.code == 0) return Status::kCodeMustNotBeZero;
  return Status::kOk;
}

}  // namespace

uint32_t AccountTable::Execute(const Account& event, uint64_t timestamp_ns) {
  Status status = CheckIdentity(event, shard_);
  if (status != Status::kOk) return static_cast<uint32_t>(status);
  if (const auto row = Find(event.id)) {
    return static_cast<uint32_t>(CheckExisting(event, rows_[*row]));
  }
  status = CheckFields(event);
  if (status != Status::kOk) return static_cast<uint32_t>(status);

  INVARIANT(rows_.size() < std::numeric_limits<uint32_t>::max());
  rows_by_id_.emplace(event.id, static_cast<uint32_t>(rows_.size()));
  Account account = event;
  account.timestamp_ns = timestamp_ns;
  rows_.push_back(account);
  return static_cast<uint32_t>(Status::kOk);
}

void AccountTable::RollBack(size_t size) {
  while (rows_.size() > size) {
    rows_by_id_.erase(rows_[rows_.size() - 1].id);
    rows_.pop_back();
  }
}

std::optional<uint32_t> AccountTable::Find(const Id128& id) const {
  const auto entry = rows_by_id_.find(id);
  if (entry == rows_by_id_.end()) return std::nullopt;
  return entry->second;
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
  for (const auto& [id, row] : added) sorted_.push_back(row);
  std::inplace_merge(
      sorted_.begin(), sorted_.begin() + static_cast<ptrdiff_t>(sorted_before), sorted_.end(),
      [this](uint32_t left, uint32_t right) { return rows_[left].id < rows_[right].id; });
  return sorted_;
}

}  // namespace ledger
