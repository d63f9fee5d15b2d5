#include "ledger/core/transfer_executor.h"

#include <algorithm>
#include <utility>

#include "base/invariant.h"
#include "ledger/core/transfer_rules.h"

namespace ledger {
namespace {

using Status = TransferStatus;
using Flags = TransferFlags;

void Reopen(AccountRow& account) {
  account.flags = static_cast<uint16_t>(account.flags & ~AccountFlags::kClosed);
}

}  // namespace

TransferStatus TransferExecutor::Execute(const Transfer& event, const Slot& slot) {
  Status status = CheckIdentity(event, slot);
  if (status != Status::kOk) return status;
  const FoundTransfer found = transfers_.Find(event.id);
  if (found.transfer != nullptr) return CheckExisting(event, *found.transfer);
  if (found.failed) return Status::kIdAlreadyFailed;
  status = IsResolution(event) ? CreateResolution(event, slot) : Create(event, slot);
  if (IsTransient(status)) Burn(event.id, slot.timestamp_ns);
  return status;
}

TransferStatus TransferExecutor::CheckExisting(const Transfer& event, const Transfer& stored) {
  if (!IsResolution(stored)) return CheckExistingPlain(event, stored);
  const Transfer resolution = stored;  // The store's pointer ends with its next call.
  const FoundTransfer pending = transfers_.Find(resolution.pending_id);
  if (pending.transfer == nullptr) return Status::kExists;  // The store failed: nobody is told.
  return CheckExistingResolution(event, resolution, *pending.transfer);
}

// --- Plain transfers ---

TransferStatus TransferExecutor::Create(const Transfer& event, const Slot& slot) {
  Status status = CheckPlain(event, accounts_.shard());
  if (status != Status::kOk) return status;
  const auto debit_row = accounts_.Find(event.debit_account_id);
  if (!debit_row.has_value()) return Status::kDebitAccountNotFound;
  const auto credit_row = accounts_.Find(event.credit_account_id);
  if (!credit_row.has_value()) return Status::kCreditAccountNotFound;
  AccountRow& debit = accounts_[*debit_row];
  AccountRow& credit = accounts_[*credit_row];
  status = CheckLedgers(event, debit, credit);
  if (status == Status::kOk && slot.batch_is_imported) status = CheckImported(event, debit, credit);
  if (status == Status::kOk) status = CheckClosed(debit, credit);
  if (status != Status::kOk) return status;

  Transfer transfer = event;
  if (!slot.batch_is_imported) transfer.timestamp_ns = slot.timestamp_ns;
  transfer.amount = CutToBalance(event, debit, credit);
  status = CheckMoney(transfer, *debit_row, *credit_row);
  if (status != Status::kOk) return status;

  Remember(*debit_row);
  Remember(*credit_row);
  if (Has(transfer, Flags::kPending)) {
    Reserve(transfer, *debit_row, *credit_row);
  } else {
    Post(transfer.amount, debit, credit);
  }
  Keep(transfer, *debit_row, *credit_row);
  return Status::kOk;
}

bool TransferExecutor::Regresses(uint64_t timestamp_ns) const {
  return timestamp_ns <= marks_.newest_ns || accounts_.HasTimestamp(timestamp_ns);
}

TransferStatus TransferExecutor::CheckImported(const Transfer& event, const AccountRow& debit,
                                               const AccountRow& credit) const {
  if (Regresses(event.timestamp_ns)) return Status::kImportedEventTimestampMustNotRegress;
  if (event.timestamp_ns <= debit.timestamp_ns) {
    return Status::kImportedEventTimestampMustPostdateDebitAccount;
  }
  if (event.timestamp_ns <= credit.timestamp_ns) {
    return Status::kImportedEventTimestampMustPostdateCreditAccount;
  }
  return Status::kOk;
}

TransferStatus TransferExecutor::CheckMoney(const Transfer& transfer, uint32_t debit_row,
                                            uint32_t credit_row) const {
  const AccountRow& debit = std::as_const(accounts_)[debit_row];
  const AccountRow& credit = std::as_const(accounts_)[credit_row];
  Status status = CheckOverflows(transfer, debit, credit);
  if (status == Status::kOk) status = CheckLimits(transfer, debit, credit);
  if (status != Status::kOk) return status;
  if (accounts_.HasBalanceMax(debit_row) &&
      ExceedsMaxOfDebit(transfer, debit, accounts_.BalanceMax(debit_row))) {
    return Status::kExceedsDebitAccountBalanceMax;
  }
  if (accounts_.HasBalanceMax(credit_row) &&
      ExceedsMaxOfCredit(transfer, credit, accounts_.BalanceMax(credit_row))) {
    return Status::kExceedsCreditAccountBalanceMax;
  }
  return Status::kOk;
}

// Each side's sum by that side's own row: so they show whether both moved.
void TransferExecutor::Post(uint64_t amount, AccountRow& debit, AccountRow& credit) {
  debit.debits_posted += amount;
  totals_.Of(debit.ledger).debits_posted += amount;
  credit.credits_posted += amount;
  totals_.Of(credit.ledger).credits_posted += amount;
}

void TransferExecutor::Reserve(const Transfer& transfer, uint32_t debit_row, uint32_t credit_row) {
  AccountRow& debit = accounts_[debit_row];
  AccountRow& credit = accounts_[credit_row];
  debit.debits_pending += transfer.amount;
  totals_.Of(debit.ledger).debits_pending += transfer.amount;
  credit.credits_pending += transfer.amount;
  totals_.Of(credit.ledger).credits_pending += transfer.amount;
  if (Has(transfer, Flags::kClosingDebit)) debit.flags |= AccountFlags::kClosed;
  if (Has(transfer, Flags::kClosingCredit)) credit.flags |= AccountFlags::kClosed;
  pendings_.Add(transfer.timestamp_ns, {.id = transfer.id,
                                        .amount = transfer.amount,
                                        .expires_ns = ExpiryOf(transfer),
                                        .debit_row = debit_row,
                                        .credit_row = credit_row,
                                        .flags = transfer.flags});
  if (is_in_chain_) pending_changes_.push_back({transfer.timestamp_ns, std::nullopt});
}

// --- Posts and voids ---

TransferStatus TransferExecutor::CreateResolution(const Transfer& event, const Slot& slot) {
  Status status = CheckResolution(event);
  if (status != Status::kOk) return status;
  const FoundTransfer found = transfers_.Find(event.pending_id);
  if (found.transfer == nullptr) return Status::kPendingTransferNotFound;
  const Transfer pending = *found.transfer;
  status = CheckAgainstPending(event, pending);
  if (status == Status::kOk) status = CheckOpen(pending, slot);
  if (status != Status::kOk) return status;
  if (slot.batch_is_imported && Regresses(event.timestamp_ns)) {
    return Status::kImportedEventTimestampMustNotRegress;
  }
  const OpenPending open = *pendings_.Find(pending.timestamp_ns);
  AccountRow& debit = accounts_[open.debit_row];
  AccountRow& credit = accounts_[open.credit_row];
  const bool is_post = Has(event, Flags::kPostPendingTransfer);
  if (is_post) status = CheckClosed(debit, credit);
  if (status != Status::kOk) return status;

  Transfer transfer = Resolve(event, pending);
  if (!slot.batch_is_imported) transfer.timestamp_ns = slot.timestamp_ns;
  Remember(open.debit_row);
  Remember(open.credit_row);
  pendings_.Remove(pending.timestamp_ns);
  if (is_in_chain_) pending_changes_.push_back({pending.timestamp_ns, open});
  Release(open, !is_post);
  if (is_post) Post(transfer.amount, debit, credit);
  Keep(transfer, open.debit_row, open.credit_row);
  return Status::kOk;
}

// A pending transfer past its time is expired, released or not.
TransferStatus TransferExecutor::CheckOpen(const Transfer& pending, const Slot& slot) {
  const OpenPending* const open = pendings_.Find(pending.timestamp_ns);
  if (open != nullptr) {
    const bool is_expired = open->expires_ns != 0 && open->expires_ns <= slot.timestamp_ns;
    return is_expired ? Status::kPendingTransferExpired : Status::kOk;
  }
  switch (transfers_.ResolutionOf(pending.id)) {
    case Resolution::kPosted: return Status::kPendingTransferAlreadyPosted;
    case Resolution::kVoided: return Status::kPendingTransferAlreadyVoided;
    case Resolution::kNone: return Status::kPendingTransferExpired;
  }
  UNREACHABLE();
}

void TransferExecutor::Release(const OpenPending& pending, bool reopens) {
  AccountRow& debit = accounts_[pending.debit_row];
  AccountRow& credit = accounts_[pending.credit_row];
  debit.debits_pending -= pending.amount;
  totals_.Of(debit.ledger).debits_pending -= pending.amount;
  credit.credits_pending -= pending.amount;
  totals_.Of(credit.ledger).credits_pending -= pending.amount;
  if (!reopens) return;
  if ((pending.flags & Flags::kClosingDebit) != 0) Reopen(debit);
  if ((pending.flags & Flags::kClosingCredit) != 0) Reopen(credit);
}

void TransferExecutor::ReleaseExpired(uint64_t until_ns) {
  INVARIANT(!is_in_chain_);
  for (uint32_t i = 0; i < kBatchEventsMax; ++i) {
    const auto next = pendings_.next_expiry();
    if (!next.has_value() || next->expires_ns > until_ns) return;
    Release(pendings_.Remove(next->timestamp_ns), true);
  }
}

// --- What is kept, and undone ---

void TransferExecutor::Keep(const Transfer& transfer, uint32_t debit_row, uint32_t credit_row) {
  transfers_.Add(transfer);
  ++marks_.count;
  marks_.newest_ns = transfer.timestamp_ns;
  KeepBalances(transfer, debit_row);
  KeepBalances(transfer, credit_row);
}

void TransferExecutor::KeepBalances(const Transfer& transfer, uint32_t row) {
  const AccountRow& account = std::as_const(accounts_)[row];
  if ((account.flags & AccountFlags::kHistory) == 0) return;
  transfers_.AddBalances({.account_id = account.id,
                          .timestamp_ns = transfer.timestamp_ns,
                          .debits_pending = account.debits_pending,
                          .debits_posted = account.debits_posted,
                          .credits_pending = account.credits_pending,
                          .credits_posted = account.credits_posted});
}

void TransferExecutor::Burn(const Id128& id, uint64_t timestamp_ns) {
  transfers_.Burn(id, timestamp_ns);
  ++burnt_count_;
  burnt_hash_ = sha_.Update(burnt_hash_.data(), burnt_hash_.size())
                    .Update(&id, sizeof(id))
                    .Update(&timestamp_ns, sizeof(timestamp_ns))
                    .Finish();
}

void TransferExecutor::Remember(uint32_t row) {
  if (is_in_chain_) rows_before_.emplace_back(row, std::as_const(accounts_)[row]);
}

void TransferExecutor::BeginChain() {
  is_in_chain_ = true;
  marks_before_ = marks_;
  store_before_ = transfers_.Now();
}

void TransferExecutor::RollBackChain() {
  INVARIANT(is_in_chain_);
  for (auto before = rows_before_.rbegin(); before != rows_before_.rend(); ++before) {
    AccountRow& account = accounts_[before->first];
    totals_.Replace(account, before->second);
    account = before->second;
  }
  for (auto change = pending_changes_.rbegin(); change != pending_changes_.rend(); ++change) {
    if (change->closed.has_value()) {
      pendings_.Add(change->timestamp_ns, *change->closed);
    } else {
      pendings_.Remove(change->timestamp_ns);
    }
  }
  transfers_.RollBack(store_before_);
  marks_ = marks_before_;
  EndChain();
}

void TransferExecutor::EndChain() {
  is_in_chain_ = false;
  rows_before_.clear();
  pending_changes_.clear();
}

// --- Speed ---

void TransferExecutor::PrefetchFar(const Transfer& event) const {
  transfers_.Prefetch(event.id);
  accounts_.PrefetchIndex(event.debit_account_id);
  accounts_.PrefetchIndex(event.credit_account_id);
  if (IsResolution(event)) transfers_.Prefetch(event.pending_id);
}

void TransferExecutor::PrefetchNear(const Transfer& event) const {
  accounts_.PrefetchRow(event.debit_account_id);
  accounts_.PrefetchRow(event.credit_account_id);
}

}  // namespace ledger
