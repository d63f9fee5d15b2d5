#include "ledger/core/state_machine.h"

#include <map>
#include <utility>

#include "base/invariant.h"
#include "ledger/core/state.h"

namespace ledger {

namespace {

// How far ahead of the event at hand memory is fetched into the processor's cache: first what says
// where the rows are, then the rows.
constexpr size_t kPrefetchFar = 24;
constexpr size_t kPrefetchNear = 10;

constexpr uint32_t kOk = 0;
constexpr uint16_t kLinked = 1;
constexpr uint32_t kLinkedEventFailed = 1;
constexpr uint32_t kLinkedEventChainOpen = 2;
static_assert(kLinked == AccountFlags::kLinked && kLinked == TransferFlags::kLinked);
static_assert(kLinkedEventFailed == static_cast<uint32_t>(AccountStatus::kLinkedEventFailed) &&
              kLinkedEventFailed == static_cast<uint32_t>(TransferStatus::kLinkedEventFailed));
static_assert(kLinkedEventChainOpen == static_cast<uint32_t>(AccountStatus::kLinkedEventChainOpen));
static_assert(kLinkedEventChainOpen ==
              static_cast<uint32_t>(TransferStatus::kLinkedEventChainOpen));

bool IsImported(const Account& event) { return (event.flags & AccountFlags::kImported) != 0; }
bool IsImported(const Transfer& event) { return (event.flags & TransferFlags::kImported) != 0; }

// The chain that the event at hand is in, if any.
struct Chain {
  bool is_open = false;
  bool is_broken = false;
  uint32_t first_event = 0;
};

template <typename Executor, typename Event>
std::vector<EventResult> ExecuteBatch(Executor& executor, absl::Span<const Event> batch,
                                      uint64_t before_first_ns) {
  std::vector<EventResult> results;
  Chain chain;
  const auto count = static_cast<uint32_t>(batch.size());
  const uint64_t batch_ns = before_first_ns + count;
  for (uint32_t i = 0; i < count; ++i) {
    if (i + kPrefetchFar < count) executor.PrefetchFar(batch[i + kPrefetchFar]);
    if (i + kPrefetchNear < count) executor.PrefetchNear(batch[i + kPrefetchNear]);
    const bool is_linked = (batch[i].flags & kLinked) != 0;
    if (is_linked && !chain.is_open) {
      chain = {.is_open = true, .is_broken = false, .first_event = i};
      executor.BeginChain();
    }
    uint32_t code = kOk;
    if (is_linked && i + 1 == count) {
      code = kLinkedEventChainOpen;
    } else if (chain.is_broken) {
      code = kLinkedEventFailed;
    } else {
      const Slot slot{.timestamp_ns = before_first_ns + 1 + i,
                      .batch_ns = batch_ns,
                      .batch_is_imported = IsImported(batch[0])};
      code = static_cast<uint32_t>(executor.Execute(batch[i], slot));
    }
    if (code != kOk) {
      if (chain.is_open && !chain.is_broken) {
        chain.is_broken = true;
        executor.RollBackChain();
        for (uint32_t j = chain.first_event; j < i; ++j) results.push_back({j, kLinkedEventFailed});
      }
      results.push_back({i, code});
    }
    if (!is_linked && chain.is_open) {
      if (!chain.is_broken) executor.EndChain();
      chain = {};
    }
  }
  return results;
}

BalanceLimitStatus SetBalanceLimit(AccountTable& accounts, const BalanceLimit& event) {
  using Status = BalanceLimitStatus;
  if (ShardOfAccount(event.account_id) != accounts.shard()) return Status::kAccountOfAnotherShard;
  const auto row = accounts.Find(event.account_id);
  if (!row.has_value()) return Status::kAccountNotFound;
  accounts.SetBalanceMax(*row, event.balance_max);
  return Status::kOk;
}

}  // namespace

StateMachine::StateMachine(uint32_t shard, TransferStore& transfers, uint64_t accounts_max)
    : state_(std::make_unique<State>(shard, transfers, accounts_max)) {
  INVARIANT(accounts_max <= kAccountsMax);
}
StateMachine::~StateMachine() = default;
StateMachine::StateMachine(StateMachine&&) noexcept = default;
StateMachine& StateMachine::operator=(StateMachine&&) noexcept = default;

std::vector<EventResult> StateMachine::CreateAccounts(absl::Span<const Account> batch,
                                                      uint64_t timestamp_ns) {
  const uint64_t before_first_ns = BeginBatch(batch.size(), timestamp_ns);
  auto results = ExecuteBatch(state_->account_executor, batch, before_first_ns);
  state_->totals.CheckTouched();
  return results;
}

std::vector<EventResult> StateMachine::CreateTransfers(absl::Span<const Transfer> batch,
                                                       uint64_t timestamp_ns) {
  const uint64_t before_first_ns = BeginBatch(batch.size(), timestamp_ns);
  auto results = ExecuteBatch(state_->transfer_executor, batch, before_first_ns);
  state_->transfers.EndBatch(timestamp_ns);
  state_->totals.CheckTouched();
  return results;
}

std::vector<EventResult> StateMachine::SetBalanceLimits(absl::Span<const BalanceLimit> batch,
                                                        uint64_t timestamp_ns) {
  BeginBatch(batch.size(), timestamp_ns);
  state_->totals.CheckTouched();
  std::vector<EventResult> results;
  for (uint32_t i = 0; i < batch.size(); ++i) {
    const BalanceLimitStatus status = SetBalanceLimit(state_->accounts, batch[i]);
    if (status != BalanceLimitStatus::kOk) results.push_back({i, static_cast<uint32_t>(status)});
  }
  return results;
}

uint64_t StateMachine::BeginBatch(size_t events, uint64_t timestamp_ns) {
  INVARIANT(events <= kBatchEventsMax);
  INVARIANT(timestamp_ns >= events && timestamp_ns - events >= state_->last_timestamp_ns);
  state_->last_timestamp_ns = timestamp_ns;
  const uint64_t before_first_ns = timestamp_ns - events;
  state_->transfer_executor.ReleaseExpired(before_first_ns);
  return before_first_ns;
}

uint64_t StateMachine::last_timestamp_ns() const { return state_->last_timestamp_ns; }

std::optional<uint64_t> StateMachine::next_expiry_ns() const {
  const auto next = state_->pendings.next_expiry();
  if (!next.has_value()) return std::nullopt;
  return next->expires_ns;
}

std::optional<uint64_t> StateMachine::last_expiry_ns() const {
  const auto last = state_->pendings.last_expiry();
  if (!last.has_value()) return std::nullopt;
  return last->expires_ns;
}

std::optional<Account> StateMachine::FindAccount(const Id128& id) const {
  const auto row = state_->accounts.Find(id);
  if (!row.has_value()) return std::nullopt;
  return state_->accounts.Full(*row);
}

std::optional<uint64_t> StateMachine::FindRow(const Id128& id) const {
  return state_->accounts.Find(id);
}

const Transfer* StateMachine::FindTransfer(const Id128& id) const {
  return state_->transfers.Find(id).transfer;
}

Totals StateMachine::totals() const {
  return {.accounts = account_count(),
          .transfers = transfer_count(),
          .currencies = state_->totals.ByLedger()};
}

Totals StateMachine::ComputeTotals() const {
  std::map<uint32_t, CurrencyTotals> by_ledger;
  CurrencyTotals* sums = nullptr;
  for (uint32_t row = 0; row < state_->accounts.size(); ++row) {
    const AccountRow& account = std::as_const(state_->accounts)[row];
    if (sums == nullptr || sums->ledger != account.ledger) {
      sums = &by_ledger.try_emplace(account.ledger, CurrencyTotals{account.ledger, 0, 0, 0, 0})
                  .first->second;
    }
    sums->debits_posted += account.debits_posted;
    sums->credits_posted += account.credits_posted;
    sums->debits_pending += account.debits_pending;
    sums->credits_pending += account.credits_pending;
  }
  Totals totals{.accounts = account_count(), .transfers = transfer_count(), .currencies = {}};
  for (const auto& [ledger, currency] : by_ledger) totals.currencies.push_back(currency);
  return totals;
}

Reached StateMachine::reached() const {
  const TransferExecutor::Facts facts = state_->transfer_executor.facts();
  return {.newest_ns = facts.newest_ns, .transfers = facts.transfers, .burnt = facts.burnt};
}

uint64_t StateMachine::account_count() const { return state_->accounts.size(); }
uint64_t StateMachine::transfer_count() const { return state_->transfer_executor.transfer_count(); }
uint64_t StateMachine::pending_count() const { return state_->pendings.open().size(); }

std::vector<PendingFacts> StateMachine::OpenPendings(uint64_t after_timestamp_ns,
                                                     size_t limit) const {
  const auto& open = state_->pendings.open();
  std::vector<PendingFacts> found;
  const PendingTable::Place after{PendingTable::BucketOf(after_timestamp_ns), after_timestamp_ns};
  for (auto one = open.upper_bound(after); one != open.end() && found.size() < limit; ++one) {
    const OpenPending& pending = one->second;
    found.push_back({.id = pending.id,
                     .debit_account_id = std::as_const(state_->accounts)[pending.debit_row].id,
                     .credit_account_id = std::as_const(state_->accounts)[pending.credit_row].id,
                     .amount = pending.amount,
                     .timestamp_ns = one->first.timestamp_ns,
                     .expires_ns = pending.expires_ns,
                     .flags = pending.flags});
  }
  return found;
}

uint64_t StateMachine::account_bytes() const { return state_->accounts.bytes(); }

}  // namespace ledger
