// StateMachine: damage that a lab does, to be found.
#include <utility>

#include "ledger/core/state.h"

namespace ledger {

std::vector<Id128> StateMachine::FlipBitForLab(bool is_noticed, const Id128& account) {
  AccountTable& accounts = state_->accounts;
  if (accounts.size() == 0) return {};
  const std::optional<uint32_t> row = account == Id128{} ? 0 : accounts.Find(account);
  if (!row.has_value()) return {};
  AccountRow& damaged = is_noticed ? accounts[*row] : accounts.RawForLab(*row);
  damaged.credits_posted ^= 1;
  return {damaged.id};
}

std::vector<Id128> StateMachine::ExchangeBalancesForLab() {
  const AccountTable& accounts = state_->accounts;
  for (uint32_t row = 1; row < accounts.size(); ++row) {
    const bool is_one = accounts[row].ledger == accounts[0].ledger &&
                        (accounts[row].credits_posted != accounts[0].credits_posted ||
                         accounts[row].debits_posted != accounts[0].debits_posted);
    if (!is_one) continue;
    AccountRow& one = state_->accounts.RawForLab(0);
    AccountRow& other = state_->accounts.RawForLab(row);
    std::swap(one.debits_posted, other.debits_posted);
    std::swap(one.credits_posted, other.credits_posted);
    return {one.id, other.id};
  }
  return {};
}

std::vector<Id128> StateMachine::ApplyTwiceForLab(const Id128& id) {
  const Transfer* const found = FindTransfer(id);
  if (found == nullptr) return {};
  const Transfer transfer = *found;
  const auto debit = state_->accounts.Find(transfer.debit_account_id);
  const auto credit = state_->accounts.Find(transfer.credit_account_id);
  if (!debit.has_value() || !credit.has_value()) return {};
  state_->accounts.RawForLab(*debit).debits_posted += transfer.amount;
  state_->accounts.RawForLab(*credit).credits_posted += transfer.amount;
  return {transfer.debit_account_id, transfer.credit_account_id};
}

}  // namespace ledger
