// Batches full of faults, repeats, chains and meetings, from few ids.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "ledger/core/memory_transfer_store.h"
#include "ledger/core/types.h"
#include "tests/ledger/core/ledger_rows.h"

namespace ledger {

class RandomEvents {
 public:
  RandomEvents(uint32_t shard, uint32_t seed) : shard_(shard), random_(seed) {}

  uint32_t Below(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }
  bool Rarely() { return Below(60) == 0; }
  bool OneIn(uint32_t n) { return Below(n) == 0; }

  Id128 AccountId() {
    if (OneIn(150)) return OneIn(2) ? Id128{} : kIdMax;
    return OnShard(OneIn(150) ? 1 : shard_, 1 + Below(OneIn(20) ? 9 : 7));
  }

  // `from_ns` to `batch_ns`: where times of imported events would fit.
  std::vector<Account> Accounts(uint64_t from_ns, uint64_t batch_ns) {
    std::vector<Account> batch;
    const bool imported = !accounts_.empty() && OneIn(4);
    // The first batch makes most accounts, so that transfers find them.
    for (uint32_t i = accounts_.empty() ? 16 : Below(6); i > 0; --i) {
      if (!accounts_.empty() && OneIn(6)) {
        batch.push_back(Any(accounts_));
        continue;
      }
      batch.push_back(AnyAccount());
      Import(AccountFlags::kImported, imported, from_ns, batch_ns, batch.back());
      accounts_.push_back(batch.back());
    }
    return batch;
  }

  // With events of before in between, as retries send them, and pending transfers that are resolved
  // in the chain that makes them.
  std::vector<Transfer> Transfers(uint64_t from_ns, uint64_t batch_ns) {
    std::vector<Transfer> batch;
    const bool imported = OneIn(6);
    for (uint32_t i = Below(30); i > 0; --i) {
      if (!transfers_.empty() && OneIn(8)) {
        batch.push_back(Altered(Any(transfers_)));
        if (imported && OneIn(2)) batch.back().flags |= TransferFlags::kImported;
        continue;
      }
      if (OneIn(12)) {
        for (Transfer& transfer : PendingAndResolution()) {
          Import(TransferFlags::kImported, imported, from_ns, batch_ns, transfer);
          batch.push_back(transfer);
        }
        continue;
      }
      batch.push_back(AnyTransfer());
      Import(TransferFlags::kImported, imported, from_ns, batch_ns, batch.back());
      transfers_.push_back(batch.back());
    }
    return batch;
  }

  // A pending transfer that was created: posts and voids will be of these.
  void Opened(const Transfer& pending) { pendings_.push_back(pending); }

  std::vector<BalanceLimit> Limits() {
    std::vector<BalanceLimit> batch;
    for (uint32_t i = Below(4); i > 0; --i) {
      batch.push_back({.account_id = AccountId(), .balance_max = OneIn(3) ? 0 : Below(200)});
    }
    return batch;
  }

  TransferFilter Filter(uint64_t now) {
    TransferFilter filter;
    filter.account_id = AccountId();
    filter.timestamp_min_ns = AnyTime(now);
    filter.timestamp_max_ns = AnyTime(now);
    filter.limit = Below(40);
    filter.code = static_cast<uint16_t>(Below(3));
    filter.debits = !OneIn(4);
    filter.credits = !OneIn(4);
    filter.reversed = OneIn(2);
    UserData(filter);
    return filter;
  }

  QueryFilter Query(uint64_t now) {
    QueryFilter filter;
    filter.timestamp_min_ns = AnyTime(now);
    filter.timestamp_max_ns = AnyTime(now);
    filter.limit = Below(40);
    filter.ledger = Below(3);
    filter.code = static_cast<uint16_t>(Below(3));
    filter.reversed = OneIn(2);
    UserData(filter);
    return filter;
  }

 private:
  template <typename Event>
  const Event& Any(const std::vector<Event>& events) {
    return events[Below(static_cast<uint32_t>(events.size()))];
  }

  uint64_t AnyTime(uint64_t now) {
    if (OneIn(2)) return 0;
    return Rarely() ? random_() : now - std::min<uint64_t>(now, random_() % 3'000);
  }

  template <typename Object>
  void UserData(Object& object) {
    if (!OneIn(3)) return;
    if (OneIn(10)) object.user_data_128 = {0, 5};
    if (OneIn(10)) object.user_data_64 = 5;
    if (OneIn(10)) object.user_data_32 = 5;
  }

  template <typename Event>
  void Import(uint16_t flag, bool batch, uint64_t from_ns, uint64_t batch_ns, Event& event) {
    const bool imported = Rarely() ? !batch : batch;
    if (!imported) return;
    event.flags |= flag;
    const uint64_t span = batch_ns > from_ns ? batch_ns - from_ns : 1;
    // Mostly later than the one before it.
    imported_ns_ = std::clamp(imported_ns_ + 1 + Below(3), from_ns, from_ns + span);
    event.timestamp_ns = OneIn(6) ? from_ns + random_() % (span + 1) : imported_ns_;
    if (OneIn(12)) event.timestamp_ns -= Below(40);
    if (Rarely()) event.timestamp_ns = OneIn(2) ? 0 : random_();
  }

  Account AnyAccount() {
    Account account{};
    account.id = AccountId();
    account.ledger = Rarely() ? 0 : 1 + Below(20) / 19;
    account.code = Rarely() ? 0 : 1;
    if (OneIn(6)) account.flags |= AccountFlags::kDebitsMustNotExceedCredits;
    if (OneIn(6)) account.flags |= AccountFlags::kCreditsMustNotExceedDebits;
    if (OneIn(3)) account.flags |= AccountFlags::kHistory;
    if (OneIn(12)) account.flags |= AccountFlags::kLinked;
    if (OneIn(100)) account.flags |= AccountFlags::kClosed;
    if (Rarely()) account.flags |= static_cast<uint16_t>(1 << Below(16));
    if (OneIn(5)) account.balance_max = Below(60);
    if (Rarely()) account.timestamp_ns = 5;
    if (Rarely()) account.reserved = 5;
    if (Rarely()) account.debits_pending = 5;
    if (Rarely()) account.debits_posted = 5;
    if (Rarely()) account.credits_pending = 5;
    if (Rarely()) account.credits_posted = 5;
    UserData(account);
    return account;
  }

  uint64_t Amount() {
    if (OneIn(25)) return UINT64_MAX - (OneIn(2) ? 0 : Below(100));
    return OneIn(6) ? 0 : Below(20);
  }

  Transfer AnyTransfer() {
    Transfer transfer{};
    transfer.id = {0, 1 + Below(1'500)};
    if (Rarely()) transfer.id = OneIn(2) ? Id128{} : kIdMax;
    if (OneIn(3) && !pendings_.empty()) {
      MakeResolution(transfer);
    } else {
      MakePlain(transfer);
    }
    if (OneIn(8)) transfer.flags |= TransferFlags::kLinked;
    if (Rarely()) transfer.flags |= static_cast<uint16_t>(1 << Below(16));
    if (Rarely()) transfer.timestamp_ns = 5;
    if (Rarely()) transfer.reserved = 5;
    if (Rarely()) transfer.pending_id = OneIn(2) ? transfer.id : Id128{0, 1 + Below(300)};
    if (OneIn(300)) transfer.pending_id = kIdMax;
    if (Rarely()) transfer.timeout_s = 5;
    UserData(transfer);
    return transfer;
  }

  void MakePlain(Transfer& transfer) {
    transfer.debit_account_id = AccountId();
    transfer.credit_account_id = AccountId();
    if (transfer.debit_account_id == transfer.credit_account_id) {
      transfer.credit_account_id = AccountId();
    }
    transfer.amount = Amount();
    transfer.ledger = Rarely() ? 0 : 1 + Below(20) / 19;
    transfer.code = static_cast<uint16_t>(Rarely() ? 0 : 1 + Below(2));
    if (OneIn(6)) transfer.flags |= TransferFlags::kBalancingDebit;
    if (OneIn(6)) transfer.flags |= TransferFlags::kBalancingCredit;
    if (!OneIn(2)) return;
    transfer.flags |= TransferFlags::kPending;
    if (OneIn(2)) transfer.timeout_s = Below(4);
    if (OneIn(12)) transfer.timeout_s = 1;
    if (transfer.timeout_s != 0 && OneIn(20)) transfer.flags |= TransferFlags::kClosingDebit;
    if (transfer.timeout_s != 0 && OneIn(20)) transfer.flags |= TransferFlags::kClosingCredit;
  }

  // One chain, to which the next event may belong, so that both are undone.
  std::array<Transfer, 2> PendingAndResolution() {
    std::array<Transfer, 2> chain{};
    for (Transfer& transfer : chain) transfer.id = {0, 1 + Below(1'500)};
    MakePlain(chain[0]);
    chain[0].flags |= TransferFlags::kPending | TransferFlags::kLinked;
    Resolve(chain[0], chain[1]);
    if (OneIn(4)) chain[1].flags |= TransferFlags::kLinked;
    return chain;
  }

  // Mostly of one of the newest, so that many are still open.
  void MakeResolution(Transfer& transfer) {
    const auto count = static_cast<uint32_t>(pendings_.size());
    Resolve(pendings_[count - 1 - Below(std::min(count, OneIn(4) ? count : 8))], transfer);
  }

  void Resolve(const Transfer& pending, Transfer& transfer) {
    transfer.pending_id = pending.id;
    transfer.flags |=
        OneIn(2) ? TransferFlags::kPostPendingTransfer : TransferFlags::kVoidPendingTransfer;
    const bool is_post = (transfer.flags & TransferFlags::kPostPendingTransfer) != 0;
    transfer.amount = OneIn(3) ? pending.amount : is_post ? UINT64_MAX : 0;
    if (OneIn(6)) transfer.amount = Amount();
    if (OneIn(3)) transfer.debit_account_id = pending.debit_account_id;
    if (OneIn(3)) transfer.credit_account_id = pending.credit_account_id;
    if (OneIn(3)) transfer.ledger = pending.ledger;
    if (OneIn(3)) transfer.code = pending.code;
    if (Rarely()) transfer.debit_account_id = AccountId();
    if (Rarely()) transfer.credit_account_id = AccountId();
    if (Rarely()) transfer.ledger = 2;
    if (Rarely()) transfer.code = 2;
  }

  // A repeat; sometimes not quite.
  Transfer Altered(Transfer transfer) {
    if (!OneIn(3)) return transfer;
    switch (Below(10)) {
      case 0: transfer.amount = Amount(); break;
      case 1: transfer.debit_account_id = AccountId(); break;
      case 2: transfer.credit_account_id = OneIn(2) ? Id128{} : AccountId(); break;
      case 3: transfer.timeout_s = Below(4); break;
      case 4: transfer.ledger = Below(3); break;
      case 5: transfer.code = static_cast<uint16_t>(Below(3)); break;
      case 6: transfer.pending_id = {0, 1 + Below(300)}; break;
      case 7: transfer.user_data_128 = {0, Below(2)}; break;
      case 8: transfer.user_data_64 = Below(2); break;
      default: transfer.user_data_32 = Below(2); break;
    }
    return transfer;
  }

  const uint32_t shard_;
  std::mt19937_64 random_;
  uint64_t imported_ns_ = 0;
  std::vector<Account> accounts_;
  std::vector<Transfer> transfers_;
  std::vector<Transfer> pendings_;
};

}  // namespace ledger
