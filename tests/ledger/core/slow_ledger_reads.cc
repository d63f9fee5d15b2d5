// SlowLedger: looking things up.
#include <algorithm>
#include <bit>
#include <map>
#include <string>

#include "absl/types/span.h"
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

template <typename Value>
std::string Bytes(const Value& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

std::string Sha256(const std::string& bytes) {
  return std::string(base::AsBytes(base::Sha256Of(bytes)));
}

uint64_t BucketOf(uint64_t time) {
  uint64_t mixed = (time ^ (time >> 32)) * 0xBF58476D1CE4E5B9;
  mixed = (mixed ^ (mixed >> 32)) * 0x94D049BB133111EB;
  return mixed >> 48;
}

std::string LeafHash(const std::string& leaf) {
  std::string bytes(1, '\0');
  return Sha256(bytes.append(leaf));
}

std::string NodeHash(const std::string& left, const std::string& right) {
  std::string bytes(1, '\1');
  return Sha256(bytes.append(left).append(right));
}

// RFC 6962, section 2.1, word for word.
std::string TreeHash(absl::Span<const std::string> leaves) {
  if (leaves.empty()) return Sha256("");
  if (leaves.size() == 1) return LeafHash(leaves[0]);
  const size_t left = std::bit_ceil(leaves.size()) / 2;
  return NodeHash(TreeHash(leaves.first(left)), TreeHash(leaves.subspan(left)));
}

// The same of `count` leaves, a power of two, of which only those are there that are not empty.
std::string TreeHash(const std::map<uint64_t, std::string>& leaves, uint64_t first,
                     uint64_t count) {
  static std::map<uint64_t, std::string> of_nothing;
  const auto begin = leaves.lower_bound(first);
  const bool is_empty = begin == leaves.end() || begin->first >= first + count;
  if (is_empty && of_nothing.contains(count)) return of_nothing[count];
  const std::string hash = count == 1 ? LeafHash(is_empty ? "" : begin->second)
                                      : NodeHash(TreeHash(leaves, first, count / 2),
                                                 TreeHash(leaves, first + count / 2, count / 2));
  if (is_empty) of_nothing[count] = hash;
  return hash;
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
  std::vector<Account> accounts;
  for (const auto& [id, account] : state_.accounts) accounts.push_back(account);
  std::vector<std::string> leaves;
  for (const Account& account : InOrder(std::move(accounts), QueryFilter{.limit = UINT32_MAX})) {
    leaves.push_back(Bytes(account));
  }
  std::vector<Transfer> open;
  for (const auto& [id, fate] : state_.fates) {
    if (fate == Fate::kOpen) open.push_back(TransferOf(id));
  }
  std::map<uint64_t, std::string> buckets;
  for (const Transfer& pending : InOrder(open, QueryFilter{.limit = UINT32_MAX})) {
    const uint64_t expires_ns =
        pending.timeout_s == 0 ? 0
                               : pending.timestamp_ns + pending.timeout_s * uint64_t{1'000'000'000};
    buckets[BucketOf(pending.timestamp_ns)] += Bytes(pending.id) + Bytes(pending.debit_account_id) +
                                               Bytes(pending.credit_account_id) +
                                               Bytes(pending.amount) + Bytes(pending.timestamp_ns) +
                                               Bytes(expires_ns) + Bytes(uint64_t{pending.flags});
  }
  return base::Sha256Of(std::string("hamisha.state.3\0", 16) + Bytes(uint64_t{shard_}) +
                        Bytes(uint64_t{state_.accounts.size()}) +
                        Bytes(uint64_t{state_.transfers.size()}) + Bytes(uint64_t{open.size()}) +
                        Bytes(uint64_t{burnt_.size()}) + Bytes(NewestTransfer()) + burnt_hash +
                        TreeHash(leaves) + TreeHash(buckets, 0, 65'536));
}

}  // namespace ledger
