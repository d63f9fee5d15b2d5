#include "ledger/core/running_totals.h"

#include <algorithm>

#include "base/invariant.h"

namespace ledger {
namespace {

bool IsEven(const CurrencyTotals& sums) {
  return sums.debits_posted == sums.credits_posted && sums.debits_pending == sums.credits_pending;
}

void Add(CurrencyTotals& sums, const AccountRow& account) {
  sums.debits_posted += account.debits_posted;
  sums.credits_posted += account.credits_posted;
  sums.debits_pending += account.debits_pending;
  sums.credits_pending += account.credits_pending;
}

void Subtract(CurrencyTotals& sums, const AccountRow& account) {
  sums.debits_posted -= account.debits_posted;
  sums.credits_posted -= account.credits_posted;
  sums.debits_pending -= account.debits_pending;
  sums.credits_pending -= account.credits_pending;
}

}  // namespace

void RunningTotals::Switch(uint32_t ledger) {
  last_ = &currencies_.at(ledger).sums;
  touched_.push_back(last_);
}

void RunningTotals::AddAccount(const AccountRow& account) {
  if (newest_ == nullptr || newest_->sums.ledger != account.ledger) {
    newest_ =
        &currencies_.try_emplace(account.ledger, Currency{.sums = {account.ledger, 0, 0, 0, 0}})
             .first->second;
  }
  Add(newest_->sums, account);
  ++newest_->accounts;
}

void RunningTotals::RemoveAccount(const AccountRow& account) {
  CheckTouched();  // It points at currencies, of which one may go.
  newest_ = nullptr;
  const auto found = currencies_.find(account.ledger);
  Subtract(found->second.sums, account);
  if (--found->second.accounts == 0) currencies_.erase(found);
}

void RunningTotals::Replace(const AccountRow& was, const AccountRow& is) {
  CurrencyTotals& sums = Of(was.ledger);
  Subtract(sums, was);
  Add(sums, is);
}

void RunningTotals::CheckTouched() {
  for (const CurrencyTotals* sums : touched_) INVARIANT(IsEven(*sums));
  touched_.clear();
  last_ = nullptr;  // Who is touched next is noted again.
}

const CurrencyTotals* RunningTotals::FindUneven() const {
  const auto uneven = std::find_if(currencies_.begin(), currencies_.end(),
                                   [](const auto& entry) { return !IsEven(entry.second.sums); });
  return uneven == currencies_.end() ? nullptr : &uneven->second.sums;
}

std::vector<CurrencyTotals> RunningTotals::ByLedger() const {
  std::vector<CurrencyTotals> totals;
  totals.reserve(currencies_.size());
  for (const auto& [ledger, currency] : currencies_) totals.push_back(currency.sums);
  return totals;
}

}  // namespace ledger
