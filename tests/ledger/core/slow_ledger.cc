#include "tests/ledger/core/slow_ledger.h"

#include <algorithm>
#include <initializer_list>
#include <string>

namespace ledger {
namespace {

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

bool IsOneOf(TransferStatus status, std::initializer_list<TransferStatus> statuses) {
  return std::find(statuses.begin(), statuses.end(), status) != statuses.end();
}

}  // namespace

template <typename Event>
std::vector<EventResult> SlowLedger::Execute(const std::vector<Event>& batch,
                                             uint64_t timestamp_ns) {
  std::vector<uint32_t> codes(batch.size(), 0);
  for (size_t begin = 0; begin < batch.size();) {
    size_t end = begin;  // [begin, end): a chain, or one event.
    while (end < batch.size() && (batch[end].flags & 1) != 0) ++end;
    const bool is_open = end == batch.size();
    if (!is_open) ++end;

    const auto accounts = accounts_;
    const auto transfers = transfers_;
    std::optional<size_t> failed;
    for (size_t i = begin; i < end && !failed.has_value(); ++i) {
      codes[i] =
          is_open && i + 1 == end ? 2 : Create(batch[i], timestamp_ns - batch.size() + i + 1);
      if (codes[i] != 0) failed = i;
    }
    if (failed.has_value()) {
      accounts_ = accounts;
      transfers_ = transfers;
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

uint32_t SlowLedger::Create(const Account& event, uint64_t timestamp_ns) {
  using S = AccountStatus;
  const auto found = accounts_.find(event.id);
  const bool exists = found != accounts_.end();
  const Account stored = exists ? found->second : Account{};
  const S status = First<S>({
      {event.timestamp_ns != 0, S::kTimestampMustBeZero},
      {event.reserved != 0, S::kReservedField},
      {event.flags > 7, S::kReservedFlag},
      {event.id == Id128{0, 0}, S::kIdMustNotBeZero},
      {event.id == Id128{UINT64_MAX, UINT64_MAX}, S::kIdMustNotBeIntMax},
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
  });
  if (status == S::kOk) {
    accounts_[event.id] = event;
    accounts_[event.id].timestamp_ns = timestamp_ns;
  }
  return static_cast<uint32_t>(status);
}

TransferStatus SlowLedger::Check(const Transfer& event) const {
  using S = TransferStatus;
  const Id128 max{UINT64_MAX, UINT64_MAX};
  const auto found = transfers_.find(event.id);
  const bool exists = found != transfers_.end();
  const Transfer stored = exists ? found->second : Transfer{};
  const auto debit_at = accounts_.find(event.debit_account_id);
  const auto credit_at = accounts_.find(event.credit_account_id);
  const Account debit = debit_at != accounts_.end() ? debit_at->second : Account{};
  const Account credit = credit_at != accounts_.end() ? credit_at->second : Account{};
  const uint64_t debits = debit.debits_posted + event.amount;
  const uint64_t credits = credit.credits_posted + event.amount;
  const uint64_t debit_shard = event.debit_account_id.high >> 48;
  const uint64_t credit_shard = event.credit_account_id.high >> 48;
  return First<S>({
      {event.timestamp_ns != 0, S::kTimestampMustBeZero},
      {event.flags > 1 || event.reserved != 0, S::kReservedFlag},
      {event.id == Id128{0, 0}, S::kIdMustNotBeZero},
      {event.id == max, S::kIdMustNotBeIntMax},
      {exists && event.flags != stored.flags, S::kExistsWithDifferentFlags},
      {exists && event.pending_id != stored.pending_id, S::kExistsWithDifferentPendingId},
      {exists && event.timeout_s != stored.timeout_s, S::kExistsWithDifferentTimeout},
      {exists && event.debit_account_id != stored.debit_account_id,
       S::kExistsWithDifferentDebitAccountId},
      {exists && event.credit_account_id != stored.credit_account_id,
       S::kExistsWithDifferentCreditAccountId},
      {exists && event.amount != stored.amount, S::kExistsWithDifferentAmount},
      {exists && event.user_data_128 != stored.user_data_128, S::kExistsWithDifferentUserData128},
      {exists && event.user_data_64 != stored.user_data_64, S::kExistsWithDifferentUserData64},
      {exists && event.user_data_32 != stored.user_data_32, S::kExistsWithDifferentUserData32},
      {exists && event.ledger != stored.ledger, S::kExistsWithDifferentLedger},
      {exists && event.code != stored.code, S::kExistsWithDifferentCode},
      {exists, S::kExists},
      {burnt_.count(event.id) != 0, S::kIdAlreadyFailed},
      {event.debit_account_id == Id128{0, 0}, S::kDebitAccountIdMustNotBeZero},
      {event.debit_account_id == max, S::kDebitAccountIdMustNotBeIntMax},
      {event.credit_account_id == Id128{0, 0}, S::kCreditAccountIdMustNotBeZero},
      {event.credit_account_id == max, S::kCreditAccountIdMustNotBeIntMax},
      {event.debit_account_id == event.credit_account_id, S::kAccountsMustBeDifferent},
      {debit_shard != credit_shard, S::kAccountsOnDifferentShards},
      {debit_shard != shard_, S::kAccountOfAnotherShard},
      {event.pending_id != Id128{0, 0}, S::kPendingIdMustBeZero},
      {event.timeout_s != 0, S::kTimeoutReservedForPendingTransfer},
      {event.ledger == 0, S::kLedgerMustNotBeZero},
      {event.code == 0, S::kCodeMustNotBeZero},
      {debit_at == accounts_.end(), S::kDebitAccountNotFound},
      {credit_at == accounts_.end(), S::kCreditAccountNotFound},
      {debit.ledger != credit.ledger, S::kAccountsMustHaveTheSameLedger},
      {event.ledger != debit.ledger, S::kTransferMustHaveTheSameLedgerAsAccounts},
      {debits < event.amount, S::kOverflowsDebitsPosted},
      {credits < event.amount, S::kOverflowsCreditsPosted},
      {(debit.flags & 2) != 0 && debits > debit.credits_posted, S::kExceedsCredits},
      {(credit.flags & 4) != 0 && credits > credit.debits_posted, S::kExceedsDebits},
  });
}

uint32_t SlowLedger::Create(const Transfer& event, uint64_t timestamp_ns) {
  using S = TransferStatus;
  const S status = Check(event);
  if (IsOneOf(status, {S::kDebitAccountNotFound, S::kCreditAccountNotFound, S::kExceedsCredits,
                       S::kExceedsDebits})) {
    burnt_.insert(event.id);
  }
  if (status == S::kOk) {
    transfers_[event.id] = event;
    transfers_[event.id].timestamp_ns = timestamp_ns;
    accounts_[event.debit_account_id].debits_posted += event.amount;
    accounts_[event.credit_account_id].credits_posted += event.amount;
  }
  return static_cast<uint32_t>(status);
}

std::vector<Transfer> SlowLedger::AccountTransfers(const TransferFilter& filter) const {
  std::vector<Transfer> found;
  for (const auto& [id, transfer] : transfers_) {
    const bool is_side = (filter.debits && transfer.debit_account_id == filter.account_id) ||
                         (filter.credits && transfer.credit_account_id == filter.account_id);
    const bool is_in_time =
        transfer.timestamp_ns >= filter.timestamp_min_ns &&
        (filter.timestamp_max_ns == 0 || transfer.timestamp_ns <= filter.timestamp_max_ns);
    const bool is_code = filter.code == 0 || filter.code == transfer.code;
    if (is_side && is_in_time && is_code) found.push_back(transfer);
  }
  std::sort(found.begin(), found.end(), [&](const Transfer& left, const Transfer& right) {
    return filter.reversed ? left.timestamp_ns > right.timestamp_ns
                           : left.timestamp_ns < right.timestamp_ns;
  });
  if (found.size() > filter.limit) found.resize(filter.limit);
  return found;
}

base::Hash256 SlowLedger::StateRoot() const {
  std::string bytes("hamisha.state.1\0", 16);
  const auto add = [&bytes](const auto& value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  add(uint64_t{shard_});
  add(uint64_t{accounts_.size()});
  add(uint64_t{transfers_.size()});
  add(uint64_t{burnt_.size()});
  for (const auto& [id, account] : accounts_) add(account);
  for (const Id128& id : burnt_) add(id);
  return base::Sha256Of(bytes);
}

}  // namespace ledger
