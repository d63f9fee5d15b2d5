#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "absl/types/span.h"
#include "ledger/core/account_table.h"
#include "ledger/core/state_machine.h"

namespace ledger {

// The sums over all accounts of each currency, kept as they change. Part of StateMachine.
class RunningTotals {
 public:
  // The sums of a currency that has accounts, to be changed with them. Mostly the one asked for
  // last, which costs nothing.
  CurrencyTotals& Of(uint32_t ledger) {
    if (last_ == nullptr || last_->ledger != ledger) Switch(ledger);
    return *last_;
  }

  // An account comes with its balances, or goes.
  void AddAccount(const AccountRow& account);
  void RemoveAccount(const AccountRow& account);
  // An account was set back.
  void Replace(const AccountRow& was, const AccountRow& is);

  // Debits equal credits in every currency that was touched since the last call: INVARIANT.
  void CheckTouched();
  // The first currency in which they do not, if any.
  const CurrencyTotals* FindUneven() const;

  std::vector<CurrencyTotals> ByLedger() const;

 private:
  struct Currency {
    CurrencyTotals sums;
    uint64_t accounts = 0;
  };

  void Switch(uint32_t ledger);

  std::map<uint32_t, Currency> currencies_;
  Currency* newest_ = nullptr;  // Of the account that came last.
  CurrencyTotals* last_ = nullptr;
  std::vector<const CurrencyTotals*> touched_;  // One may be there more than once.
};

}  // namespace ledger
