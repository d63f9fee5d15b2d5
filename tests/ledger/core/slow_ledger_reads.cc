// SlowLedger: looking things up.
#include <algorithm>
#include <string>

#include "tests/ledger/core/slow_ledger.h"

namespace ledger {
namespace {

constexpr uint64_t kMax63 = UINT64_MAX / 2;

template <typename Filter>
bool Fits(const Transfer& transfer, const Filter& filter) {
  const uint64_t time = transfer.timestamp_ns;
  if (filter.timestamp_min_ns > kMax63 || filter.timestamp_max_ns > kMax63) return false;
  if (time < filter.timestamp_min_ns) return false;
  if (filter.timestamp_max_ns != 0 && time > filter.timestamp_max_ns) return false;
  if (filter.code != 0 && transfer.code != filter.code) return false;
  if (filter.user_data_128 != Id128{} && transfer.user_data_128 != filter.user_data_128) {
    return false;
  }
  if (filter.user_data_64 != 0 && transfer.user_data_64 != filter.user_data_64) return false;
  return filter.user_data_32 == 0 || transfer.user_data_32 == filter.user_data_32;
}

bool IsOf(const Transfer& transfer, const TransferFilter& filter) {
  return (filter.debits && transfer.debit_account_id == filter.account_id) ||
         (filter.credits && transfer.credit_account_id == filter.account_id);
}

template <typename Row, typename Filter>
std::vector<Row> InOrder(std::vector<Row> rows, const Filter& filter) {
  std::sort(rows.begin(), rows.end(), [&](const Row& left, const Row& right) {
    return filter.reversed ? left.timestamp_ns > right.timestamp_ns
                           : left.timestamp_ns < right.timestamp_ns;
  });
  if (rows.size() > filter.limit) rows.resize(filter.limit);
  return rows;
}

}  // namespace

Account SlowLedger::AccountOf(const Id128& id) const {
  const auto found = state_.accounts.find(id);
  return found == state_.accounts.end() ? Account{} : found->second;
}

Transfer SlowLedger::TransferOf(const Id128& id) const {
  const auto found = state_.transfers.find(id);
  return found == state_.transfers.end() ? Transfer{} : found->second;
}

bool SlowLedger::IsTimeOfAccount(uint64_t time) const {
  return std::any_of(state_.accounts.begin(), state_.accounts.end(),
                     [&](const auto& entry) { return entry.second.timestamp_ns == time; });
}

bool SlowLedger::IsTimeOfTransfer(uint64_t time) const {
  return std::any_of(state_.transfers.begin(), state_.transfers.end(),
                     [&](const auto& entry) { return entry.second.timestamp_ns == time; });
}

uint64_t SlowLedger::NewestAccount() const {
  uint64_t newest = 0;
  for (const auto& [id, account] : state_.accounts) newest = std::max(newest, account.timestamp_ns);
  return newest;
}

uint64_t SlowLedger::NewestTransfer() const {
  uint64_t newest = 0;
  for (const auto& [id, one] : state_.transfers) newest = std::max(newest, one.timestamp_ns);
  return newest;
}

bool SlowLedger::IsBurnt(const Id128& id) const {
  return std::any_of(burnt_.begin(), burnt_.end(),
                     [&](const auto& entry) { return entry.first == id; });
}

void SlowLedger::NoteBalances(const Transfer& transfer) {
  for (const Id128& id : {transfer.debit_account_id, transfer.credit_account_id}) {
    const Account account = AccountOf(id);
    if ((account.flags & 8) == 0) continue;
    state_.balances.push_back({id, transfer.timestamp_ns, account.debits_pending,
                               account.debits_posted, account.credits_pending,
                               account.credits_posted});
  }
}

std::vector<Transfer> SlowLedger::AccountTransfers(const TransferFilter& filter) const {
  std::vector<Transfer> found;
  for (const auto& [id, transfer] : state_.transfers) {
    if (IsOf(transfer, filter) && Fits(transfer, filter)) found.push_back(transfer);
  }
  return InOrder(std::move(found), filter);
}

std::vector<BalanceRow> SlowLedger::AccountBalances(const TransferFilter& filter) const {
  std::vector<BalanceRow> found;
  for (const auto& [id, transfer] : state_.transfers) {
    if (!IsOf(transfer, filter) || !Fits(transfer, filter)) continue;
    for (const BalanceRow& row : state_.balances) {
      const bool is_its = row.timestamp_ns == transfer.timestamp_ns;
      if (is_its && row.account_id == filter.account_id) found.push_back(row);
    }
  }
  return InOrder(std::move(found), filter);
}

std::vector<Transfer> SlowLedger::QueryTransfers(const QueryFilter& filter) const {
  std::vector<Transfer> found;
  for (const auto& [id, transfer] : state_.transfers) {
    const bool is_ledger = filter.ledger == 0 || filter.ledger == transfer.ledger;
    if (is_ledger && Fits(transfer, filter)) found.push_back(transfer);
  }
  return InOrder(std::move(found), filter);
}

base::Hash256 SlowLedger::StateRoot() const {
  std::string burnt_hash(32, '\0');
  for (const auto& [id, time] : burnt_) {
    std::string bytes = burnt_hash;
    bytes.append(reinterpret_cast<const char*>(&id), sizeof(id));
    bytes.append(reinterpret_cast<const char*>(&time), sizeof(time));
    burnt_hash = std::string(base::AsBytes(base::Sha256Of(bytes)));
  }
  std::vector<Transfer> open;
  for (const auto& [id, fate] : state_.fates) {
    if (fate == Fate::kOpen) open.push_back(TransferOf(id));
  }
  open = InOrder(std::move(open), QueryFilter{});

  std::string bytes("hamisha.state.2\0", 16);
  const auto add = [&bytes](const auto& value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  add(uint64_t{shard_});
  add(uint64_t{state_.accounts.size()});
  add(uint64_t{state_.transfers.size()});
  add(uint64_t{open.size()});
  add(uint64_t{burnt_.size()});
  add(NewestTransfer());
  bytes += burnt_hash;
  for (const auto& [id, account] : state_.accounts) add(account);
  for (const Transfer& pending : open) {
    add(pending.id);
    add(pending.debit_account_id);
    add(pending.credit_account_id);
    add(pending.amount);
    add(pending.timestamp_ns);
    add(pending.timeout_s == 0
            ? 0
            : pending.timestamp_ns + pending.timeout_s * uint64_t{1'000'000'000});
    add(uint64_t{pending.flags});
  }
  return base::Sha256Of(bytes);
}

}  // namespace ledger
