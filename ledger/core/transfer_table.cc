#include "ledger/core/transfer_table.h"

#include <algorithm>
#include <limits>

#include "base/invariant.h"
#include "ledger/core/status.h"

namespace ledger {
namespace {

using Status = TransferStatus;

constexpr uint64_t kAmountMax = std::numeric_limits<uint64_t>::max();

Status CheckIdentity(const Transfer& event) {
  if (event.timestamp_ns != 0) return Status::kTimestampMustBeZero;
  if ((event.flags & ~TransferFlags::kKnown) != 0 || event.reserved != 0) {
    return Status::kReservedFlag;
  }
  if (event.id.IsZero()) return Status::kIdMustNotBeZero;
  if (event.id.IsMax()) return Status::kIdMustNotBeIntMax;
  return Status::kOk;
}

Status CheckExisting(const Transfer& event, const Transfer& stored) {
  if (event.flags != stored.flags) return Status::kExistsWithDifferentFlags;
  if (event.pending_id != stored.pending_id) return Status::kExistsWithDifferentPendingId;
  if (event.timeout_s != stored.timeout_s) return Status::kExistsWithDifferentTimeout;
  if (event.debit_account_id != stored.debit_account_id) {
    return Status::kExistsWithDifferentDebitAccountId;
  }
  if (event.credit_account_id != stored.credit_account_id) {
    return Status::kExistsWithDifferentCreditAccountId;
  }
  if (event.amount != stored.amount) return Status::kExistsWithDifferentAmount;
  if (event.user_data_128 != stored.user_data_128) return Status::kExistsWithDifferentUserData128;
  if (event.user_data_64 != stored.user_data_64) return Status::kExistsWithDifferentUserData64;
  if (event.user_data_32 != stored.user_data_32) return Status::kExistsWithDifferentUserData32;
  if (event.ledger != stored.ledger) return Status::kExistsWithDifferentLedger;
  if (event.code != stored.code) return Status::kExistsWithDifferentCode;
  return Status::kExists;
}

Status CheckShards(const Transfer& event, uint32_t shard) {
  const uint32_t debit_shard = ShardOfAccount(event.debit_account_id);
  const uint32_t credit_shard = ShardOfAccount(event.credit_account_id);
  if (debit_shard != credit_shard) return Status::kAccountsOnDifferentShards;
  return debit_shard == shard ? Status::kOk : Status::kAccountOfAnotherShard;
}

Status CheckFields(const Transfer& event, uint32_t shard) {
  if (event.debit_account_id.IsZero()) return Status::kDebitAccountIdMustNotBeZero;
  if (event.debit_account_id.IsMax()) return Status::kDebitAccountIdMustNotBeIntMax;
  if (event.credit_account_id.IsZero()) return Status::kCreditAccountIdMustNotBeZero;
  if (event.credit_account_id.IsMax()) return Status::kCreditAccountIdMustNotBeIntMax;
  if (event.debit_account_id == event.credit_account_id) return Status::kAccountsMustBeDifferent;
  if (const Status status = CheckShards(event, shard); status != Status::kOk) return status;
  if (!event.pending_id.IsZero()) return Status::kPendingIdMustBeZero;
  if (event.timeout_s != 0) return Status::kTimeoutReservedForPendingTransfer;
  if (event.ledger == 0) return Status::kLedgerMustNotBeZero;
  if (event.code == 0) return Status::kCodeMustNotBeZero;
  return Status::kOk;
}

bool Overflows(uint64_t left, uint64_t right) { return left > kAmountMax - right; }

// Whether pending + posted + amount overflows; posted + amount does not.
bool SumOverflows(uint64_t pending, uint64_t posted, uint64_t amount) {
  return Overflows(pending, posted + amount);
}

Status CheckBalances(const Transfer& event, const Account& debit, const Account& credit) {
  if (debit.ledger != credit.ledger) return Status::kAccountsMustHaveTheSameLedger;
  if (event.ledger != debit.ledger) return Status::kTransferMustHaveTheSameLedgerAsAccounts;
  const uint64_t amount = event.amount;
  if (Overflows(debit.debits_posted, amount)) return Status::kOverflowsDebitsPosted;
  if (Overflows(credit.credits_posted, amount)) return Status::kOverflowsCreditsPosted;
  if (SumOverflows(debit.debits_pending, debit.debits_posted, amount)) {
    return Status::kOverflowsDebits;
  }
  if (SumOverflows(credit.credits_pending, credit.credits_posted, amount)) {
    return Status::kOverflowsCredits;
  }
  if ((debit.flags & AccountFlags::kDebitsMustNotExceedCredits) != 0 &&
      debit.debits_pending + debit.debits_posted + amount > debit.credits_posted) {
    return Status::kExceedsCredits;
  }
  if ((credit.flags & AccountFlags::kCreditsMustNotExceedDebits) != 0 &&
      credit.credits_pending + credit.credits_posted + amount > credit.debits_posted) {
    return Status::kExceedsDebits;
  }
  return Status::kOk;
}

}  // namespace

uint32_t TransferTable::Execute(const Transfer& event, uint64_t timestamp_ns) {
  const Status status = CheckIdentity(event);
  if (status != Status::kOk) return static_cast<uint32_t>(status);
  INVARIANT(rows_.size() < std::numeric_limits<uint32_t>::max());
  const auto [entry, is_new] =
      rows_by_id_.try_emplace(event.id, static_cast<uint32_t>(rows_.size()));
  if (!is_new) return static_cast<uint32_t>(CheckExisting(event, rows_[entry->second]));
  const uint32_t code = Post(event, timestamp_ns);
  if (code != static_cast<uint32_t>(Status::kOk)) rows_by_id_.erase(entry);
  return code;
}

// Executes a transfer whose id is not there.
uint32_t TransferTable::Post(const Transfer& event, uint64_t timestamp_ns) {
  if (!burnt_.empty() && burnt_.contains(event.id)) {
    return static_cast<uint32_t>(Status::kIdAlreadyFailed);
  }
  Status status = CheckFields(event, accounts_.shard());
  if (status != Status::kOk) return static_cast<uint32_t>(status);
  const auto debit_row = accounts_.Find(event.debit_account_id);
  if (!debit_row.has_value()) {
    Burn(event.id);
    return static_cast<uint32_t>(Status::kDebitAccountNotFound);
  }
  const auto credit_row = accounts_.Find(event.credit_account_id);
  if (!credit_row.has_value()) {
    Burn(event.id);
    return static_cast<uint32_t>(Status::kCreditAccountNotFound);
  }
  Account& debit = accounts_[*debit_row];
  Account& credit = accounts_[*credit_row];
  status = CheckBalances(event, debit, credit);
  if (status == Status::kExceedsCredits || status == Status::kExceedsDebits) Burn(event.id);
  if (status != Status::kOk) return static_cast<uint32_t>(status);

  debit.debits_posted += event.amount;
  credit.credits_posted += event.amount;
  Transfer transfer = event;
  transfer.timestamp_ns = timestamp_ns;
  rows_.push_back(transfer);
  uncommitted_.push_back({*debit_row, *credit_row});
  return static_cast<uint32_t>(Status::kOk);
}

void TransferTable::RollBack(size_t size) {
  INVARIANT(size + uncommitted_.size() >= rows_.size());
  while (rows_.size() > size) {
    const Transfer& transfer = rows_[rows_.size() - 1];
    const Sides sides = uncommitted_.back();
    accounts_[sides.debit_row].debits_posted -= transfer.amount;
    accounts_[sides.credit_row].credits_posted -= transfer.amount;
    rows_by_id_.erase(transfer.id);
    rows_.pop_back();
    uncommitted_.pop_back();
  }
}

void TransferTable::Prefetch(const Transfer& event) const {
  rows_by_id_.prefetch(event.id);
  accounts_.Prefetch(event.debit_account_id);
  accounts_.Prefetch(event.credit_account_id);
}

void TransferTable::Commit() {
  while (by_account_.size() < accounts_.size()) by_account_.push_back(RowList());
  auto row = static_cast<uint32_t>(rows_.size() - uncommitted_.size());
  for (const Sides& sides : uncommitted_) {
    by_account_[sides.debit_row].Append(row);
    by_account_[sides.credit_row].Append(row);
    ++row;
  }
  uncommitted_.clear();
}

const Transfer* TransferTable::Find(const Id128& id) const {
  const auto entry = rows_by_id_.find(id);
  return entry == rows_by_id_.end() ? nullptr : &rows_[entry->second];
}

// Index in `rows`, which are in order of time.
uint32_t TransferTable::FirstNotBefore(const RowList& rows, uint64_t timestamp_ns) const {
  uint32_t low = 0;
  uint32_t high = rows.size();
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (rows_[rows[middle]].timestamp_ns < timestamp_ns) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

std::vector<Transfer> TransferTable::OfAccount(const TransferFilter& filter) const {
  std::vector<Transfer> found;
  const auto account_row = accounts_.Find(filter.account_id);
  if (!account_row.has_value() || *account_row >= by_account_.size()) return found;
  const RowList& rows = by_account_[*account_row];
  const uint64_t time_max = filter.timestamp_max_ns;
  const uint32_t begin = FirstNotBefore(rows, filter.timestamp_min_ns);
  const uint32_t end =
      time_max == 0 || time_max == UINT64_MAX ? rows.size() : FirstNotBefore(rows, time_max + 1);
  const size_t limit = std::min(filter.limit, kBatchEventsMax);
  for (uint32_t i = begin; i < end && found.size() < limit; ++i) {
    const Transfer& transfer = rows_[rows[filter.reversed ? end - 1 - (i - begin) : i]];
    const bool is_side = (filter.debits && transfer.debit_account_id == filter.account_id) ||
                         (filter.credits && transfer.credit_account_id == filter.account_id);
    if (is_side && (filter.code == 0 || filter.code == transfer.code)) found.push_back(transfer);
  }
  return found;
}

void TransferTable::Burn(const Id128& id) {
  burnt_.insert(id);
  burnt_unsorted_.push_back(id);
}

absl::Span<const Id128> TransferTable::BurntIds() const {
  std::sort(burnt_unsorted_.begin(), burnt_unsorted_.end());
  const auto middle = static_cast<ptrdiff_t>(burnt_sorted_.size());
  burnt_sorted_.insert(burnt_sorted_.end(), burnt_unsorted_.begin(), burnt_unsorted_.end());
  burnt_unsorted_.clear();
  std::inplace_merge(burnt_sorted_.begin(), burnt_sorted_.begin() + middle, burnt_sorted_.end());
  return burnt_sorted_;
}

}  // namespace ledger
