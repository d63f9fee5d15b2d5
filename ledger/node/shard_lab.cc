// Shard: damage that a lab does.
#include "ledger/node/shard.h"

namespace ledger {
namespace {

absl::StatusOr<std::vector<Id128>> Damaged(std::vector<Id128> accounts) {
  if (!accounts.empty()) return accounts;
  return absl::FailedPreconditionError("there is no account whose balance could change so");
}

}  // namespace

absl::StatusOr<std::vector<Id128>> Shard::FlipBitForLab(bool is_noticed, const Id128& account) {
  if (!failed_.ok()) return failed_;
  return Damaged(state_.FlipBitForLab(is_noticed, account));
}

absl::StatusOr<std::vector<Id128>> Shard::ExchangeBalancesForLab() {
  if (!failed_.ok()) return failed_;
  return Damaged(state_.ExchangeBalancesForLab());
}

absl::StatusOr<std::vector<Id128>> Shard::ApplyTwiceForLab(const Id128& transfer) {
  if (!failed_.ok()) return failed_;
  return Damaged(state_.ApplyTwiceForLab(transfer));
}

}  // namespace ledger
