// Generator: what is sent.
#include <algorithm>

#include "ledger/core/status.h"
#include "tests/integration/ledger_load.h"

namespace load {
namespace {

using ledger::AccountFlags;
using ledger::Id128;
using ledger::Transfer;
using ledger::TransferFlags;
using ledger::TransferStatus;

constexpr uint32_t kCurrency = 1;
constexpr uint64_t kFirstAccounts = 16;  // That other clients know of.
constexpr size_t kKept = 4'096;

Id128 AccountId(uint32_t client, uint64_t number) {
  return {.high = (uint64_t{kShard} << 48) | client, .low = number};
}

}  // namespace

Generator::Generator(uint64_t seed, uint32_t client, uint32_t clients)
    : random_(seed, client), client_(client), clients_(clients) {}

void Generator::Made(const ledger::Account& account) { accounts_.push_back(account.id); }

void Generator::Made(const Transfer& transfer) {
  if (transfer.flags == 0) Keep(plain_, transfer);
  if (transfer.flags == TransferFlags::kPending) Keep(pendings_, transfer);
}

void Generator::Burnt(const Transfer& transfer) { Keep(burnt_, transfer); }

void Generator::Keep(std::vector<Transfer>& kept, const Transfer& transfer) {
  if (kept.size() < kKept) {
    kept.push_back(transfer);
  } else {
    kept[random_.Below(kKept)] = transfer;
  }
}

Batch Generator::Next() {
  Batch batch;
  if (accounts_.empty() || random_.Below(16) == 0) {
    AddAccounts(batch);
    return batch;
  }
  const uint64_t size = random_.Below(32);
  if (size == 0) {
    AddTransfers(batch, 1 + random_.Below(ledger::kBatchEventsMax));
  } else {
    AddTransfers(batch, 1 + random_.Below(size < 6 ? 1'000 : 64));
  }
  return batch;
}

void Generator::AddAccounts(Batch& batch) {
  constexpr uint16_t kFlags[] = {0, AccountFlags::kHistory,
                                 AccountFlags::kDebitsMustNotExceedCredits,
                                 AccountFlags::kCreditsMustNotExceedDebits};
  for (uint64_t count = kFirstAccounts + random_.Below(16); count > 0; --count) {
    ledger::Account account;
    account.id = AccountId(client_, ++accounts_drawn_);
    account.user_data_64 = random_.Next();
    account.ledger = kCurrency;
    account.code = 10;
    account.flags = kFlags[accounts_drawn_ % 4];
    account.balance_max = accounts_drawn_ % 8 == 1 ? 1'000'000 : 0;
    batch.accounts.push_back(account);
  }
}

void Generator::AddTransfers(Batch& batch, size_t count) {
  while (batch.transfers.size() < count) {
    const uint64_t kind = random_.Below(100);
    if (kind < 8) {
      AddRepeat(batch);
    } else if (kind < 14 && batch.transfers.size() + 5 <= count) {
      AddChain(batch);
    } else if (kind < 30) {
      batch.transfers.push_back(Pending());
    } else if (kind < 45 && !pendings_.empty()) {
      batch.transfers.push_back(PostOrVoid());
    } else {
      batch.transfers.push_back(Plain());
    }
    batch.codes.resize(batch.transfers.size(), Batch::kAny);
  }
}

// Of two to five; one in four has a link that cannot happen.
void Generator::AddChain(Batch& batch) {
  const uint64_t length = 2 + random_.Below(4);
  const uint64_t doomed = random_.Below(4 * length);
  for (uint64_t i = 0; i < length; ++i) {
    Transfer transfer = Plain();
    if (i == doomed) transfer.credit_account_id = transfer.debit_account_id;
    if (i + 1 < length) transfer.flags |= TransferFlags::kLinked;
    batch.transfers.push_back(transfer);
  }
}

// What was made is there, with the content that it has; what was refused for good stays refused.
void Generator::AddRepeat(Batch& batch) {
  const bool of_burnt = random_.Below(2) == 0;
  const std::vector<Transfer>& kept = of_burnt ? burnt_ : plain_;
  if (kept.empty()) return;
  Transfer transfer = kept[random_.Below(kept.size())];
  transfer.flags &= static_cast<uint16_t>(~TransferFlags::kLinked);  // It was one of a chain.
  TransferStatus status = of_burnt ? TransferStatus::kIdAlreadyFailed : TransferStatus::kExists;
  if (!of_burnt && random_.Below(2) == 0) {
    ++transfer.amount;
    status = TransferStatus::kExistsWithDifferentAmount;
  }
  batch.transfers.push_back(transfer);
  batch.codes.resize(batch.transfers.size(), Batch::kAny);
  batch.codes.back() = static_cast<uint32_t>(status);
}

Transfer Generator::Plain() {
  Transfer transfer;
  transfer.id = {.high = random_.Next(), .low = random_.Next()};
  transfer.debit_account_id = accounts_[random_.Below(accounts_.size())];
  do {
    transfer.credit_account_id = SomeAccount();
  } while (transfer.credit_account_id == transfer.debit_account_id);
  transfer.amount = 1 + random_.Below(1'000);
  transfer.user_data_64 = random_.Next();
  transfer.user_data_32 = static_cast<uint32_t>(random_.Below(3));
  transfer.ledger = kCurrency;
  transfer.code = static_cast<uint16_t>(1 + random_.Below(9));
  return transfer;
}

Transfer Generator::Pending() {
  Transfer transfer = Plain();
  transfer.flags = TransferFlags::kPending;
  transfer.timeout_s = static_cast<uint32_t>(random_.Below(3));
  return transfer;
}

Transfer Generator::PostOrVoid() {
  const Transfer& pending = pendings_[random_.Below(pendings_.size())];
  Transfer transfer = pending;
  transfer.id = {.high = random_.Next(), .low = random_.Next()};
  transfer.pending_id = pending.id;
  transfer.timeout_s = 0;
  transfer.timestamp_ns = 0;
  if (random_.Below(2) == 0) {
    transfer.flags = TransferFlags::kVoidPendingTransfer;
  } else {
    transfer.flags = TransferFlags::kPostPendingTransfer;
    transfer.amount = 1 + random_.Below(pending.amount);
  }
  return transfer;
}

Id128 Generator::SomeAccount() {
  if (random_.Below(2) == 0) return accounts_[random_.Below(accounts_.size())];
  const auto client = static_cast<uint32_t>(random_.Below(clients_));
  return AccountId(client, 1 + random_.Below(kFirstAccounts));
}

}  // namespace load
