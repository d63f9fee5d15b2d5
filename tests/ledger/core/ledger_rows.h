// Short ways to write events and what is expected of them.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/core/memory_transfer_store.h"
#include "ledger/core/state_machine.h"

namespace ledger {

inline constexpr Id128 kIdMax{UINT64_MAX, UINT64_MAX};

inline Id128 OnShard(uint64_t shard, uint64_t number) { return {shard << 48, number}; }

inline Account NewAccount(uint64_t number, uint16_t flags = 0, uint32_t ledger = 1) {
  Account account{};
  account.id = {0, number};
  account.ledger = ledger;
  account.code = 10;
  account.flags = flags;
  return account;
}

inline Transfer NewTransfer(uint64_t number, uint64_t debit, uint64_t credit, uint64_t amount,
                            uint16_t flags = 0) {
  Transfer transfer{};
  transfer.id = {0, number};
  transfer.debit_account_id = {0, debit};
  transfer.credit_account_id = {0, credit};
  transfer.amount = amount;
  transfer.ledger = 1;
  transfer.code = 20;
  transfer.flags = flags;
  return transfer;
}

// A plain post or void: accounts, ledger and code come from the pending transfer.
inline Transfer NewPost(uint64_t number, uint64_t pending, uint64_t amount = UINT64_MAX) {
  Transfer transfer{};
  transfer.id = {0, number};
  transfer.pending_id = {0, pending};
  transfer.amount = amount;
  transfer.flags = TransferFlags::kPostPendingTransfer;
  return transfer;
}
inline Transfer NewVoid(uint64_t number, uint64_t pending, uint64_t amount = 0) {
  Transfer transfer = NewPost(number, pending, amount);
  transfer.flags = TransferFlags::kVoidPendingTransfer;
  return transfer;
}

inline Transfer NewPending(uint64_t number, uint64_t debit, uint64_t credit, uint64_t amount,
                           uint32_t timeout_s = 0) {
  Transfer transfer = NewTransfer(number, debit, credit, amount, TransferFlags::kPending);
  transfer.timeout_s = timeout_s;
  return transfer;
}

// A shard's ledger whose clock goes on by itself.
class Bench {
 public:
  explicit Bench(uint32_t shard = 0)
      : store(std::make_unique<MemoryTransferStore>()), machine(shard, *store) {}

  // The status of every event, by name.
  std::vector<std::string> Create(const std::vector<Account>& batch) {
    return Names<AccountStatus>(batch.size(), machine.CreateAccounts(batch, Next(batch.size())));
  }
  std::vector<std::string> Create(const std::vector<Transfer>& batch) {
    return Names<TransferStatus>(batch.size(), machine.CreateTransfers(batch, Next(batch.size())));
  }
  std::string Create(const Account& event) { return Create(std::vector<Account>{event})[0]; }
  std::string Create(const Transfer& event) { return Create(std::vector<Transfer>{event})[0]; }

  std::string Limit(uint64_t account, uint64_t balance_max) {
    const std::vector<BalanceLimit> batch = {
        {.account_id = {0, account}, .balance_max = balance_max}};
    return Names<BalanceLimitStatus>(1, machine.SetBalanceLimits(batch, Next(1)))[0];
  }
  // Lets time pass up to `at_ns` and releases what has expired by then.
  void Pulse(uint64_t at_ns) { machine.CreateTransfers({}, time_ns = at_ns); }

  // "debits/credits", with what is pending behind a plus sign when there is any, and " closed".
  std::string Balance(uint64_t account) const {
    const std::optional<Account> found = machine.FindAccount({0, account});
    if (!found.has_value()) return "none";
    const auto side = [](uint64_t posted, uint64_t pending) {
      return pending == 0 ? absl::StrCat(posted) : absl::StrCat(posted, "+", pending);
    };
    const bool is_closed = (found->flags & AccountFlags::kClosed) != 0;
    return absl::StrCat(side(found->debits_posted, found->debits_pending), "/",
                        side(found->credits_posted, found->credits_pending),
                        is_closed ? " closed" : "");
  }
  uint64_t Next(size_t events) { return time_ns += events; }

  std::unique_ptr<MemoryTransferStore> store;
  StateMachine machine;
  uint64_t time_ns = 1'000;

 private:
  template <typename Status>
  static std::vector<std::string> Names(size_t events, const std::vector<EventResult>& results) {
    std::vector<std::string> names(events, "ok");
    for (const EventResult& result : results) {
      names[result.index] = std::string(ToString(static_cast<Status>(result.code)));
    }
    return names;
  }
};

// Times 1001 to 1005. Accounts 1, 2: free. 3: another currency. 4: debits limited. 5: credits
// limited.
inline Bench WithAccounts() {
  Bench bench;
  const std::vector<Account> accounts = {NewAccount(1), NewAccount(2), NewAccount(3, 0, 2),
                                         NewAccount(4, AccountFlags::kDebitsMustNotExceedCredits),
                                         NewAccount(5, AccountFlags::kCreditsMustNotExceedDebits)};
  CHECK(bench.Create(accounts) == std::vector<std::string>(accounts.size(), "ok"));
  return bench;
}

}  // namespace ledger
