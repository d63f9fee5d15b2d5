// Short ways to write events and what is expected of them.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <vector>

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

// A shard's ledger whose clock goes on by itself.
class Bench {
 public:
  explicit Bench(uint32_t shard = 0) : machine(shard) {}

  // The status of every event, by name.
  std::vector<std::string> Create(const std::vector<Account>& batch) {
    return Names<AccountStatus>(batch.size(), machine.CreateAccounts(batch, Next(batch.size())));
  }
  std::vector<std::string> Create(const std::vector<Transfer>& batch) {
    return Names<TransferStatus>(batch.size(), machine.CreateTransfers(batch, Next(batch.size())));
  }
  std::string Create(const Account& event) { return Create(std::vector<Account>{event})[0]; }
  std::string Create(const Transfer& event) { return Create(std::vector<Transfer>{event})[0]; }

  // "debits/credits"
  std::string Balance(uint64_t account) const {
    const Account* found = machine.FindAccount({0, account});
    if (found == nullptr) return "none";
    return std::to_string(found->debits_posted) + "/" + std::to_string(found->credits_posted);
  }
  uint64_t Next(size_t events) { return time_ns += events; }

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

// Accounts 1, 2: free. 3: another currency. 4: debits limited. 5: credits limited.
inline Bench WithAccounts() {
  Bench bench;
  const std::vector<Account> accounts = {NewAccount(1), NewAccount(2), NewAccount(3, 0, 2),
                                         NewAccount(4, AccountFlags::kDebitsMustNotExceedCredits),
                                         NewAccount(5, AccountFlags::kCreditsMustNotExceedDebits)};
  CHECK(bench.Create(accounts) == std::vector<std::string>(accounts.size(), "ok"));
  return bench;
}

}  // namespace ledger
