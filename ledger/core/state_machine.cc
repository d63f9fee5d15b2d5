#include "ledger/core/state_machine.h"

#include <map>
#include <string>
#include <utility>

#include "base/invariant.h"
#include "ledger/core/account_table.h"
#include "ledger/core/transfer_table.h"

namespace ledger {

struct StateMachine::State {
  explicit State(uint32_t shard) : accounts(shard), transfers(accounts) {}

  AccountTable accounts;
  TransferTable transfers;
  uint64_t last_timestamp_ns = 0;
};

namespace {

// How far ahead of the event at hand the indexes are fetched into the processor's cache.
constexpr size_t kPrefetchDistance = 12;
constexpr size_t kRootBufferBytes = 65'536;
constexpr char kRootPrefix[16] = "hamisha.state.1";

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

// The chain that the event at hand is in, if any.
struct Chain {
  bool is_open = false;
  bool is_broken = false;
  uint32_t first_event = 0;
  size_t rows_before = 0;  // The rows since are the undo log.
};

template <typename Table, typename Event>
std::vector<EventResult> ExecuteBatch(Table& table, absl::Span<const Event> batch,
                                      uint64_t first_timestamp_ns) {
  std::vector<EventResult> results;
  Chain chain;
  const auto count = static_cast<uint32_t>(batch.size());
  for (uint32_t i = 0; i < count; ++i) {
    if (i + kPrefetchDistance < count) table.Prefetch(batch[i + kPrefetchDistance]);
    const bool is_linked = (batch[i].flags & kLinked) != 0;
    const bool is_last = i + 1 == count;
    if (is_linked && !chain.is_open) {
      chain = {.is_open = true, .is_broken = false, .first_event = i, .rows_before = table.size()};
    }
    uint32_t code = kOk;
    if (is_linked && is_last) {
      code = kLinkedEventChainOpen;
    } else if (chain.is_broken) {
      code = kLinkedEventFailed;
    } else {
      code = table.Execute(batch[i], first_timestamp_ns + i);
    }
    if (code != kOk) {
      if (chain.is_open && !chain.is_broken) {
        chain.is_broken = true;
        table.RollBack(chain.rows_before);
        for (uint32_t j = chain.first_event; j < i; ++j) results.push_back({j, kLinkedEventFailed});
      }
      results.push_back({i, code});
    }
    if (!is_linked) chain = {};
  }
  return results;
}

// SHA-256 of many small rows, gathered so that each costs little.
class RowHasher {
 public:
  RowHasher() { buffer_.reserve(kRootBufferBytes); }

  void Add(const void* data, size_t bytes) {
    if (buffer_.size() + bytes > kRootBufferBytes) Flush();
    buffer_.append(static_cast<const char*>(data), bytes);
  }
  void AddNumber(uint64_t number) { Add(&number, sizeof(number)); }
  base::Hash256 Finish() {
    Flush();
    return sha_.Finish();
  }

 private:
  void Flush() {
    sha_.Update(buffer_);
    buffer_.clear();
  }

  base::Sha256 sha_;
  std::string buffer_;
};

}  // namespace

StateMachine::StateMachine(uint32_t shard) : state_(std::make_unique<State>(shard)) {}
StateMachine::~StateMachine() = default;
StateMachine::StateMachine(StateMachine&&) noexcept = default;
StateMachine& StateMachine::operator=(StateMachine&&) noexcept = default;

std::vector<EventResult> StateMachine::CreateAccounts(absl::Span<const Account> batch,
                                                      uint64_t timestamp_ns) {
  const uint64_t before_first_ns = BeginBatch(batch.size(), timestamp_ns);
  return ExecuteBatch(state_->accounts, batch, before_first_ns + 1);
}

std::vector<EventResult> StateMachine::CreateTransfers(absl::Span<const Transfer> batch,
                                                       uint64_t timestamp_ns) {
  const uint64_t before_first_ns = BeginBatch(batch.size(), timestamp_ns);
  std::vector<EventResult> results = ExecuteBatch(state_->transfers, batch, before_first_ns + 1);
  state_->transfers.Commit();
  return results;
}

uint64_t StateMachine::BeginBatch(size_t events, uint64_t timestamp_ns) {
  INVARIANT(events <= kBatchEventsMax);
  INVARIANT(timestamp_ns >= events && timestamp_ns - events >= state_->last_timestamp_ns);
  state_->last_timestamp_ns = timestamp_ns;
  return timestamp_ns - events;
}

uint64_t StateMachine::last_timestamp_ns() const { return state_->last_timestamp_ns; }

const Account* StateMachine::FindAccount(const Id128& id) const {
  const auto row = state_->accounts.Find(id);
  return row.has_value() ? &state_->accounts[*row] : nullptr;
}

const Transfer* StateMachine::FindTransfer(const Id128& id) const {
  return state_->transfers.Find(id);
}

std::vector<Transfer> StateMachine::AccountTransfers(const TransferFilter& filter) const {
  return state_->transfers.OfAccount(filter);
}

base::Hash256 StateMachine::StateRoot() const {
  const AccountTable& accounts = state_->accounts;
  const absl::Span<const Id128> burnt = state_->transfers.BurntIds();
  RowHasher hasher;
  hasher.Add(kRootPrefix, sizeof(kRootPrefix));
  hasher.AddNumber(accounts.shard());
  hasher.AddNumber(account_count());
  hasher.AddNumber(transfer_count());
  hasher.AddNumber(burnt.size());
  for (const uint32_t row : accounts.SortedById()) hasher.Add(&accounts[row], sizeof(Account));
  for (const Id128& id : burnt) hasher.Add(&id, sizeof(id));
  return hasher.Finish();
}

Totals StateMachine::ComputeTotals() const {
  std::map<uint32_t, CurrencyTotals> by_ledger;
  CurrencyTotals* sums = nullptr;
  for (uint32_t row = 0; row < state_->accounts.size(); ++row) {
    const Account& account = std::as_const(state_->accounts)[row];
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

uint64_t StateMachine::account_count() const { return state_->accounts.size(); }
uint64_t StateMachine::transfer_count() const { return state_->transfers.size(); }

std::optional<Id128> StateMachine::FlipBitForLab() {
  if (state_->accounts.size() == 0) return std::nullopt;
  Account& first = state_->accounts[0];
  first.credits_posted ^= 1;
  return first.id;
}

}  // namespace ledger
