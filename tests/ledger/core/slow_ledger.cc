#include "tests/ledger/core/slow_ledger.h"

#include <algorithm>
#include <initializer_list>

#include "absl/numeric/int128.h"

namespace ledger {
namespace {

using Wide = absl::uint128;

const Id128 kMaxId{UINT64_MAX, UINT64_MAX};
constexpr uint64_t kMax = UINT64_MAX;
constexpr uint64_t kMax63 = kMax / 2;
constexpr Wide kSecond = 1'000'000'000;

template <typename Status>
using Cases = std::initializer_list<std::pair<bool, Status>>;

// The first that holds.
template <typename Status>
Status First(Cases<Status> cases) {
  for (const auto& [holds, status] : cases) {
    if (holds) return status;
  }
  return Status::kOk;
}

Wide Less(Wide left, Wide right) { return left > right ? left - right : 0; }
Wide Debits(const Account& account) { return Wide(account.debits_pending) + account.debits_posted; }
Wide Credits(const Account& account) {
  return Wide(account.credits_pending) + account.credits_posted;
}
Wide ExpiryOf(const Transfer& transfer) {
  return transfer.timestamp_ns + transfer.timeout_s * kSecond;
}
bool Is(const Transfer& transfer, uint16_t flags) { return (transfer.flags & flags) != 0; }

}  // namespace

// --- Batches, chains, time ---

template <typename Event>
std::vector<EventResult> SlowLedger::Execute(const std::vector<Event>& batch,
                                             uint64_t timestamp_ns) {
  const uint16_t imported_flag = sizeof(Event) == sizeof(Account) ? 16 : 256;
  Expire(timestamp_ns - batch.size());
  std::vector<uint32_t> codes(batch.size(), 0);
  for (size_t begin = 0; begin < batch.size();) {
    size_t end = begin;  // [begin, end): a chain, or one event.
    while (end < batch.size() && (batch[end].flags & 1) != 0) ++end;
    const bool is_open = end == batch.size();
    if (!is_open) ++end;

    const State before = end - begin > 1 ? state_ : State{};
    std::optional<size_t> failed;
    for (size_t i = begin; i < end && !failed.has_value(); ++i) {
      const At at{timestamp_ns - batch.size() + i + 1, timestamp_ns,
                  (batch[0].flags & imported_flag) != 0};
      codes[i] = is_open && i + 1 == end ? 2 : Create(batch[i], at);
      if (codes[i] != 0) failed = i;
    }
    if (failed.has_value() && end - begin > 1) {
      state_ = before;
      for (size_t i = begin; i < end; ++i) {
        if (i != *failed) codes[i] = is_open && i + 1 == end ? 2 : 1;
      }
    }
    begin = end;
  }
  std::vector<EventResult> results;
  for (uint32_t i = 0; i < codes.size(); ++i) {
    if (codes[i] != 0) results.push_back({i, codes[i]});
  }
  return results;
}

std::vector<EventResult> SlowLedger::CreateAccounts(const std::vector<Account>& batch,
                                                    uint64_t timestamp_ns) {
  return Execute(batch, timestamp_ns);
}

std::vector<EventResult> SlowLedger::CreateTransfers(const std::vector<Transfer>& batch,
                                                     uint64_t timestamp_ns) {
  return Execute(batch, timestamp_ns);
}

std::vector<EventResult> SlowLedger::SetBalanceLimits(const std::vector<BalanceLimit>& batch,
                                                      uint64_t timestamp_ns) {
  Expire(timestamp_ns - batch.size());
  std::vector<EventResult> results;
  for (uint32_t i = 0; i < batch.size(); ++i) {
    const Id128 id = batch[i].account_id;
    const bool is_there = state_.accounts.count(id) != 0;
    const auto status = First<BalanceLimitStatus>(
        {{id.high >> 48 != shard_, BalanceLimitStatus::kAccountOfAnotherShard},
         {!is_there, BalanceLimitStatus::kAccountNotFound}});
    if (status == BalanceLimitStatus::kOk) state_.accounts[id].balance_max = batch[i].balance_max;
    if (status != BalanceLimitStatus::kOk) results.push_back({i, static_cast<uint32_t>(status)});
  }
  return results;
}

std::optional<uint64_t> SlowLedger::NextExpiry() const {
  std::optional<uint64_t> next;
  for (const auto& [id, fate] : state_.fates) {
    const Transfer pending = TransferOf(id);
    if (fate != Fate::kOpen || pending.timeout_s == 0) continue;
    const auto expiry = static_cast<uint64_t>(ExpiryOf(pending));
    if (!next.has_value() || expiry < *next) next = expiry;
  }
  return next;
}

void SlowLedger::Expire(uint64_t until_ns) {
  for (auto& [id, fate] : state_.fates) {
    const Transfer pending = TransferOf(id);
    if (fate != Fate::kOpen || pending.timeout_s == 0 || ExpiryOf(pending) > until_ns) continue;
    fate = Fate::kExpired;
    Account& debit = state_.accounts[pending.debit_account_id];
    Account& credit = state_.accounts[pending.credit_account_id];
    debit.debits_pending -= pending.amount;
    credit.credits_pending -= pending.amount;
    if (Is(pending, 64)) debit.flags &= 31;
    if (Is(pending, 128)) credit.flags &= 31;
  }
}

// --- Accounts ---

uint32_t SlowLedger::Create(const Account& event, const At& at) {
  using S = AccountStatus;
  const bool exists = state_.accounts.count(event.id) != 0;
  const Account stored = AccountOf(event.id);
  const bool is_imported = (event.flags & 16) != 0;
  const uint64_t time = event.timestamp_ns;
  const S status = First<S>({
      {!is_imported && at.is_imported, S::kImportedEventExpected},
      {is_imported && !at.is_imported, S::kImportedEventNotExpected},
      {!is_imported && time != 0, S::kTimestampMustBeZero},
      {is_imported && (time == 0 || time > kMax63), S::kImportedEventTimestampOutOfRange},
      {is_imported && time >= at.batch, S::kImportedEventTimestampMustNotAdvance},
      {event.reserved != 0, S::kReservedField},
      {event.flags > 63, S::kReservedFlag},
      {event.id == Id128{0, 0}, S::kIdMustNotBeZero},
      {event.id == kMaxId, S::kIdMustNotBeIntMax},
      {event.id.high >> 48 != shard_, S::kAccountOfAnotherShard},
      {exists && event.flags != stored.flags, S::kExistsWithDifferentFlags},
      {exists && event.user_data_128 != stored.user_data_128, S::kExistsWithDifferentUserData128},
      {exists && event.user_data_64 != stored.user_data_64, S::kExistsWithDifferentUserData64},
      {exists && event.user_data_32 != stored.user_data_32, S::kExistsWithDifferentUserData32},
      {exists && event.ledger != stored.ledger, S::kExistsWithDifferentLedger},
      {exists && event.code != stored.code, S::kExistsWithDifferentCode},
      {exists, S::kExists},
      {(event.flags & 6) == 6, S::kFlagsAreMutuallyExclusive},
      {event.debits_pending != 0, S::kDebitsPendingMustBeZero},
      {event.debits_posted != 0, S::kDebitsPostedMustBeZero},
      {event.credits_pending != 0, S::kCreditsPendingMustBeZero},
      {event.credits_posted != 0, S::kCreditsPostedMustBeZero},
      {event.ledger == 0, S::kLedgerMustNotBeZero},
      {event.code == 0, S::kCodeMustNotBeZero},
      {is_imported && (time <= NewestAccount() || IsTimeOfTransfer(time)),
       S::kImportedEventTimestampMustNotRegress},
  });
  if (status == S::kOk) {
    state_.accounts[event.id] = event;
    if (!is_imported) state_.accounts[event.id].timestamp_ns = at.slot;
  }
  return static_cast<uint32_t>(status);
}

// --- Transfers ---

uint32_t SlowLedger::Create(const Transfer& event, const At& at) {
  const TransferStatus status = Check(event, at);
  const auto code = static_cast<uint32_t>(status);
  for (const uint32_t burns : {21u, 22u, 25u, 54u, 55u, 65u, 66u, 1002u, 1003u}) {
    if (code == burns) burnt_.emplace_back(event.id, at.slot);
  }
  if (status == TransferStatus::kOk) {
    const Transfer transfer = Stored(event, at);
    Move(transfer);
    state_.transfers[event.id] = transfer;
    NoteBalances(transfer);
  }
  return code;
}

TransferStatus SlowLedger::Check(const Transfer& event, const At& at) const {
  using S = TransferStatus;
  const bool is_imported = Is(event, 256);
  const uint64_t time = event.timestamp_ns;
  const S status = First<S>({
      {!is_imported && at.is_imported, S::kImportedEventExpected},
      {is_imported && !at.is_imported, S::kImportedEventNotExpected},
      {!is_imported && time != 0, S::kTimestampMustBeZero},
      {is_imported && (time == 0 || time > kMax63), S::kImportedEventTimestampOutOfRange},
      {is_imported && time >= at.batch, S::kImportedEventTimestampMustNotAdvance},
      {event.flags > 511 || event.reserved != 0, S::kReservedFlag},
      {event.id == Id128{0, 0}, S::kIdMustNotBeZero},
      {event.id == kMaxId, S::kIdMustNotBeIntMax},
  });
  if (status != S::kOk) return status;
  if (state_.transfers.count(event.id) != 0) return CheckExists(event);
  if (IsBurnt(event.id)) return S::kIdAlreadyFailed;
  return Is(event, 4 | 8) ? CheckResolution(event, at) : CheckPlain(event, at);
}

TransferStatus SlowLedger::CheckExists(const Transfer& event) const {
  using S = TransferStatus;
  const Transfer stored = TransferOf(event.id);
  const Transfer pending = TransferOf(stored.pending_id);
  const bool resolves = Is(stored, 4 | 8);
  const auto differs = [&](const auto& field, const auto& empty) {
    if (event.*field == stored.*field) return false;
    return !(resolves && event.*field == empty && pending.*field == stored.*field);
  };
  bool is_amount_other = event.amount != stored.amount;
  if (Is(stored, 16 | 32)) is_amount_other = event.amount < stored.amount;
  if (Is(stored, 4) && event.amount == kMax) is_amount_other = pending.amount != stored.amount;
  if (Is(stored, 8) && event.amount == 0) is_amount_other = false;
  return First<S>({
      {event.flags != stored.flags, S::kExistsWithDifferentFlags},
      {event.pending_id != stored.pending_id, S::kExistsWithDifferentPendingId},
      {event.timeout_s != stored.timeout_s, S::kExistsWithDifferentTimeout},
      {differs(&Transfer::debit_account_id, Id128{}), S::kExistsWithDifferentDebitAccountId},
      {differs(&Transfer::credit_account_id, Id128{}), S::kExistsWithDifferentCreditAccountId},
      {is_amount_other, S::kExistsWithDifferentAmount},
      {differs(&Transfer::user_data_128, Id128{}), S::kExistsWithDifferentUserData128},
      {differs(&Transfer::user_data_64, 0u), S::kExistsWithDifferentUserData64},
      {differs(&Transfer::user_data_32, 0u), S::kExistsWithDifferentUserData32},
      {differs(&Transfer::ledger, 0u), S::kExistsWithDifferentLedger},
      {differs(&Transfer::code, 0u), S::kExistsWithDifferentCode},
      {true, S::kExists},
  });
}

TransferStatus SlowLedger::CheckPlain(const Transfer& event, const At& at) const {
  using S = TransferStatus;
  const Id128 zero{};
  const bool debit_is_there = state_.accounts.count(event.debit_account_id) != 0;
  const bool credit_is_there = state_.accounts.count(event.credit_account_id) != 0;
  const Account debit = AccountOf(event.debit_account_id);
  const Account credit = AccountOf(event.credit_account_id);
  const uint64_t debit_shard = event.debit_account_id.high >> 48;
  const uint64_t credit_shard = event.credit_account_id.high >> 48;
  const uint64_t time = event.timestamp_ns;
  const S status = First<S>({
      {event.debit_account_id == zero, S::kDebitAccountIdMustNotBeZero},
      {event.debit_account_id == kMaxId, S::kDebitAccountIdMustNotBeIntMax},
      {event.credit_account_id == zero, S::kCreditAccountIdMustNotBeZero},
      {event.credit_account_id == kMaxId, S::kCreditAccountIdMustNotBeIntMax},
      {event.debit_account_id == event.credit_account_id, S::kAccountsMustBeDifferent},
      {debit_shard != credit_shard, S::kAccountsOnDifferentShards},
      {debit_shard != shard_, S::kAccountOfAnotherShard},
      {event.pending_id != zero, S::kPendingIdMustBeZero},
      {event.timeout_s != 0 && !Is(event, 2), S::kTimeoutReservedForPendingTransfer},
      {Is(event, 64 | 128) && !Is(event, 2), S::kClosingTransferMustBePending},
      {event.ledger == 0, S::kLedgerMustNotBeZero},
      {event.code == 0, S::kCodeMustNotBeZero},
      {!debit_is_there, S::kDebitAccountNotFound},
      {!credit_is_there, S::kCreditAccountNotFound},
      {debit.ledger != credit.ledger, S::kAccountsMustHaveTheSameLedger},
      {event.ledger != debit.ledger, S::kTransferMustHaveTheSameLedgerAsAccounts},
      {at.is_imported && (time <= NewestTransfer() || IsTimeOfAccount(time)),
       S::kImportedEventTimestampMustNotRegress},
      {at.is_imported && time <= debit.timestamp_ns,
       S::kImportedEventTimestampMustPostdateDebitAccount},
      {at.is_imported && time <= credit.timestamp_ns,
       S::kImportedEventTimestampMustPostdateCreditAccount},
      {(debit.flags & 32) != 0, S::kDebitAccountAlreadyClosed},
      {(credit.flags & 32) != 0, S::kCreditAccountAlreadyClosed},
  });
  return status != S::kOk ? status : CheckMoney(Stored(event, at), at.is_imported ? time : at.slot);
}

TransferStatus SlowLedger::CheckMoney(const Transfer& event, uint64_t time) const {
  using S = TransferStatus;
  const Account debit = AccountOf(event.debit_account_id);
  const Account credit = AccountOf(event.credit_account_id);
  const Wide amount = event.amount;
  const bool is_pending = Is(event, 2);
  const bool debit_is_asset = (debit.flags & 4) != 0;
  const bool credit_is_asset = (credit.flags & 4) != 0;
  const Wide debit_after = Less(Debits(debit) + amount, debit.credits_posted);
  const Wide credit_after = Less(Credits(credit) + amount, credit.debits_posted);
  return First<S>({
      {is_pending && debit.debits_pending + amount > kMax, S::kOverflowsDebitsPending},
      {is_pending && credit.credits_pending + amount > kMax, S::kOverflowsCreditsPending},
      {debit.debits_posted + amount > kMax, S::kOverflowsDebitsPosted},
      {credit.credits_posted + amount > kMax, S::kOverflowsCreditsPosted},
      {Debits(debit) + amount > kMax, S::kOverflowsDebits},
      {Credits(credit) + amount > kMax, S::kOverflowsCredits},
      {event.timeout_s != 0 && time + event.timeout_s * kSecond > kMax63, S::kOverflowsTimeout},
      {(debit.flags & 2) != 0 && Debits(debit) + amount > debit.credits_posted, S::kExceedsCredits},
      {(credit.flags & 4) != 0 && Credits(credit) + amount > credit.debits_posted,
       S::kExceedsDebits},
      {debit_is_asset && debit.balance_max != 0 && amount != 0 && debit_after > debit.balance_max,
       S::kExceedsDebitAccountBalanceMax},
      {!credit_is_asset && credit.balance_max != 0 && amount != 0 &&
           credit_after > credit.balance_max,
       S::kExceedsCreditAccountBalanceMax},
  });
}

TransferStatus SlowLedger::CheckResolution(const Transfer& event, const At& at) const {
  using S = TransferStatus;
  const Id128 zero{};
  const bool is_there = state_.transfers.count(event.pending_id) != 0;
  const Transfer pending = TransferOf(event.pending_id);
  const bool is_post = Is(event, 4);
  const bool is_whole = event.amount == (is_post ? kMax : 0);
  const auto found_fate = state_.fates.find(event.pending_id);
  const Fate fate = found_fate == state_.fates.end() ? Fate::kOpen : found_fate->second;
  const bool is_late = pending.timeout_s != 0 && ExpiryOf(pending) <= at.slot;
  const bool debit_closed = (AccountOf(pending.debit_account_id).flags & 32) != 0;
  const bool credit_closed = (AccountOf(pending.credit_account_id).flags & 32) != 0;
  const uint64_t time = event.timestamp_ns;
  const auto differs = [&](const auto& field, const auto& empty) {
    return event.*field != empty && event.*field != pending.*field;
  };
  return First<S>({
      {Is(event, 4) && Is(event, 8), S::kFlagsAreMutuallyExclusive},
      {Is(event, 2 | 16 | 32 | 64 | 128), S::kFlagsAreMutuallyExclusive},
      {event.pending_id == zero, S::kPendingIdMustNotBeZero},
      {event.pending_id == kMaxId, S::kPendingIdMustNotBeIntMax},
      {event.pending_id == event.id, S::kPendingIdMustBeDifferent},
      {event.timeout_s != 0, S::kTimeoutReservedForPendingTransfer},
      {!is_there, S::kPendingTransferNotFound},
      {!Is(pending, 2), S::kPendingTransferNotPending},
      {differs(&Transfer::debit_account_id, zero), S::kPendingTransferHasDifferentDebitAccountId},
      {differs(&Transfer::credit_account_id, zero), S::kPendingTransferHasDifferentCreditAccountId},
      {differs(&Transfer::ledger, 0u), S::kPendingTransferHasDifferentLedger},
      {differs(&Transfer::code, 0u), S::kPendingTransferHasDifferentCode},
      {!is_whole && event.amount > pending.amount, S::kExceedsPendingTransferAmount},
      {!is_post && !is_whole && event.amount < pending.amount,
       S::kPendingTransferHasDifferentAmount},
      {fate == Fate::kPosted, S::kPendingTransferAlreadyPosted},
      {fate == Fate::kVoided, S::kPendingTransferAlreadyVoided},
      {fate == Fate::kExpired || is_late, S::kPendingTransferExpired},
      {at.is_imported && (time <= NewestTransfer() || IsTimeOfAccount(time)),
       S::kImportedEventTimestampMustNotRegress},
      {is_post && debit_closed, S::kDebitAccountAlreadyClosed},
      {is_post && credit_closed, S::kCreditAccountAlreadyClosed},
  });
}

Transfer SlowLedger::Stored(const Transfer& event, const At& at) const {
  Transfer stored = event;
  if (!at.is_imported) stored.timestamp_ns = at.slot;
  if (Is(event, 4 | 8)) {
    const Transfer pending = TransferOf(event.pending_id);
    stored.debit_account_id = pending.debit_account_id;
    stored.credit_account_id = pending.credit_account_id;
    stored.ledger = pending.ledger;
    stored.code = pending.code;
    if (Is(event, 8) || event.amount == kMax) stored.amount = pending.amount;
    if (event.user_data_128 == Id128{}) stored.user_data_128 = pending.user_data_128;
    if (event.user_data_64 == 0) stored.user_data_64 = pending.user_data_64;
    if (event.user_data_32 == 0) stored.user_data_32 = pending.user_data_32;
    return stored;
  }
  const Account debit = AccountOf(event.debit_account_id);
  const Account credit = AccountOf(event.credit_account_id);
  Wide amount = event.amount;
  if (Is(event, 16)) amount = std::min(amount, Less(debit.credits_posted, Debits(debit)));
  if (Is(event, 32)) amount = std::min(amount, Less(credit.debits_posted, Credits(credit)));
  stored.amount = static_cast<uint64_t>(amount);
  return stored;
}

void SlowLedger::Move(const Transfer& transfer) {
  Account& debit = state_.accounts[transfer.debit_account_id];
  Account& credit = state_.accounts[transfer.credit_account_id];
  if (Is(transfer, 4 | 8)) {
    const Transfer pending = TransferOf(transfer.pending_id);
    debit.debits_pending -= pending.amount;
    credit.credits_pending -= pending.amount;
    if (Is(transfer, 8) && Is(pending, 64)) debit.flags &= 31;
    if (Is(transfer, 8) && Is(pending, 128)) credit.flags &= 31;
    state_.fates[transfer.pending_id] = Is(transfer, 4) ? Fate::kPosted : Fate::kVoided;
  }
  if (Is(transfer, 2)) {
    debit.debits_pending += transfer.amount;
    credit.credits_pending += transfer.amount;
    if (Is(transfer, 64)) debit.flags |= 32;
    if (Is(transfer, 128)) credit.flags |= 32;
    state_.fates[transfer.id] = Fate::kOpen;
  } else if (!Is(transfer, 8)) {
    debit.debits_posted += transfer.amount;
    credit.credits_posted += transfer.amount;
  }
}

}  // namespace ledger
