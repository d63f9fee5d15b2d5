// A transfer, and what happened before it.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "tests/ledger/core/ledger_rows.h"

namespace ledger {

inline constexpr uint64_t kDebit = 11;
inline constexpr uint64_t kCredit = 12;

enum class Time { kGiven, kOld, kGap, kBatch };

// An account of the event, and what happens to it before.
struct Side {
  uint16_t flags = 0;
  uint32_t ledger = 1;
  bool is_missing = false;
  bool is_late = false;  // Created after every transfer.
  bool is_closed = false;
  uint64_t pending = 0;  // On the event's side: debits of the debit account.
  uint64_t posted = 0;
  uint64_t balance_max = 0;
};

struct TransferScenario {
  Transfer event = NewTransfer(50, kDebit, kCredit, 10);
  Transfer stored = NewTransfer(50, kDebit, kCredit, 10);
  bool is_stored = false;
  bool is_burnt = false;
  bool chain_is_broken = false;
  bool first_is_imported = false;
  bool first_is_plain = false;
  bool is_at_end_of_time = false;
  Time time = Time::kGiven;
  Side debit;
  Side credit;
};

class Stage {
 public:
  std::string Run(const TransferScenario& s) {
    CHECK(bench_.Create(NewTransfer(1, 1, 2, 1)) == "ok");
    CHECK(bench_.Create(NewAccount(31)) == "ok");
    if (!s.debit.is_late) Open(kDebit, s.debit);
    if (!s.credit.is_late) Open(kCredit, s.credit);
    if (s.is_burnt) CHECK(bench_.Create(NewTransfer(50, 999, 2, 1)) == "debit_account_not_found");
    if (s.is_stored) Store(s);
    Fund(s);
    bench_.time_ns += 100;  // Where an imported transfer fits in.
    if (s.debit.is_late) Open(kDebit, s.debit);
    if (s.credit.is_late) Open(kCredit, s.credit);
    Close(kDebit, s.debit);
    Close(kCredit, s.credit);
    if (s.debit.balance_max != 0) CHECK(bench_.Limit(kDebit, s.debit.balance_max) == "ok");
    if (s.credit.balance_max != 0) CHECK(bench_.Limit(kCredit, s.credit.balance_max) == "ok");
    if (s.is_at_end_of_time) bench_.time_ns = kTimestampMaxNs - 500'000'000;
    return RunBatch(s);
  }

 private:
  // Created closed where no transfer must come after it.
  void Open(uint64_t id, const Side& side) {
    if (side.is_missing) return;
    Account account = NewAccount(id, side.flags, side.ledger);
    if (side.is_closed && side.is_late) account.flags |= AccountFlags::kClosed;
    CHECK(bench_.Create(account) == "ok");
  }

  void Close(uint64_t id, const Side& side) {
    if (!side.is_closed || side.is_late) return;
    const uint64_t helper = Helper(side.ledger);
    Transfer closing = NewPending(++newest_, id, helper, 0);
    closing.ledger = side.ledger;
    closing.flags |= TransferFlags::kClosingDebit;
    CHECK(bench_.Create(closing) == "ok");
  }

  uint64_t Helper(uint32_t ledger) {
    CHECK(bench_.Create(NewAccount(++newest_, 0, ledger)) == "ok");
    return newest_;
  }

  // Moves money, first giving limited accounts the room for it.
  void Move(uint64_t debit, uint64_t credit, uint64_t amount, bool is_pending, uint32_t ledger) {
    Transfer transfer = NewTransfer(++newest_, debit, credit, amount);
    if (is_pending) transfer.flags |= TransferFlags::kPending;
    transfer.ledger = ledger;
    CHECK(bench_.Create(transfer) == "ok");
  }
  void MakeRoom(uint64_t amount, const TransferScenario& s) {
    if ((s.debit.flags & AccountFlags::kDebitsMustNotExceedCredits) != 0) {
      Move(Helper(s.debit.ledger), kDebit, amount, false, s.debit.ledger);
    }
    if ((s.credit.flags & AccountFlags::kCreditsMustNotExceedDebits) != 0) {
      Move(kCredit, Helper(s.credit.ledger), amount, false, s.credit.ledger);
    }
  }

  void Store(const TransferScenario& s) {
    MakeRoom(s.stored.amount, s);
    CHECK(bench_.Create(s.stored) == "ok");
  }

  void Fund(const TransferScenario& s) {
    const uint64_t most =
        std::max(s.debit.pending + s.debit.posted, s.credit.pending + s.credit.posted);
    if (most == 0) return;
    MakeRoom(most, s);
    const uint32_t debit_ledger = s.debit.ledger;
    const uint32_t credit_ledger = s.credit.ledger;
    if (s.debit.pending > 0)
      Move(kDebit, Helper(debit_ledger), s.debit.pending, true, debit_ledger);
    if (s.debit.posted > 0) Move(kDebit, Helper(debit_ledger), s.debit.posted, false, debit_ledger);
    if (s.credit.pending > 0) {
      Move(Helper(credit_ledger), kCredit, s.credit.pending, true, credit_ledger);
    }
    if (s.credit.posted > 0) {
      Move(Helper(credit_ledger), kCredit, s.credit.posted, false, credit_ledger);
    }
  }

  std::string RunBatch(const TransferScenario& s) {
    std::vector<Transfer> batch;
    const bool is_imported = (s.event.flags & TransferFlags::kImported) != 0;
    if (s.first_is_imported) batch.push_back(NewTransfer(60, 1, 2, 1, TransferFlags::kImported));
    if (s.first_is_plain) batch.push_back(NewTransfer(60, 1, 2, 1));
    if (s.chain_is_broken) {
      batch.push_back(NewTransfer(61, 1, 1, 1, TransferFlags::kLinked));
      if (is_imported) batch.back().flags |= TransferFlags::kImported;
      if (is_imported) batch.back().timestamp_ns = 1;
    }
    Transfer event = s.event;
    const uint64_t newest_ns = bench_.time_ns;
    if (s.time == Time::kOld) event.timestamp_ns = 1;
    if (s.time == Time::kGap) event.timestamp_ns = newest_ns - 50;
    if (s.time == Time::kBatch) event.timestamp_ns = newest_ns + batch.size() + 1;
    batch.push_back(event);
    return bench_.Create(batch).back();
  }

  Bench bench_ = WithAccounts();
  uint64_t newest_ = 1'000;  // Ids of helpers and of their transfers.
};

}  // namespace ledger
