// A shard lets time pass when nothing else does; and the calls for limits and balances.
#include <catch2/catch.hpp>

#include "tests/ledger/node/cluster.h"
#include "tests/ledger/node/shard_bench.h"

namespace ledger {
namespace {

void Reserve(ShardBench& bench) {
  std::vector<Account> accounts(2);
  std::vector<Transfer> transfers(1);
  for (size_t i = 0; i < 2; ++i) {
    accounts[i].id = {0, i + 1};
    accounts[i].ledger = 1;
    accounts[i].code = 1;
  }
  transfers[0].id = {0, 1};
  transfers[0].debit_account_id = {0, 1};
  transfers[0].credit_account_id = {0, 2};
  transfers[0].amount = 5;
  transfers[0].timeout_s = 3;
  transfers[0].ledger = transfers[0].code = 1;
  transfers[0].flags = TransferFlags::kPending;
  bench.Write(RecordKind::kAccounts, accounts);
  bench.Write(RecordKind::kTransfers, transfers);
  CHECK(bench.Pending() == 5);
}

TEST_CASE("the owner appends an empty record when a pending transfer expires", "[node]") {
  ShardBench bench;
  CHECK(bench.shard->UntilPulse() == absl::InfiniteDuration());
  Reserve(bench);
  const uint64_t position = bench.shard->position();
  const absl::Duration left = bench.shard->UntilPulse();
  CHECK(left > absl::Seconds(3));  // The transfer's time is after the records before it.
  CHECK(left < absl::Seconds(3) + absl::Microseconds(1));

  bench.Advance(left - absl::Nanoseconds(1));
  bench.Round();
  CHECK(bench.shard->position() == position);
  CHECK(bench.Pending() == 5);

  bench.Advance(absl::Nanoseconds(1));
  CHECK(bench.shard->UntilPulse() == absl::ZeroDuration());
  bench.Round();
  CHECK(bench.shard->position() == position + 1);
  CHECK(bench.Pending() == 0);
  CHECK(bench.shard->UntilPulse() == absl::InfiniteDuration());
  bench.Round();
  CHECK(bench.shard->position() == position + 1);
}

// A frame is taken before what it holds is executed; the next one may be long in coming.
TEST_CASE("the empty record is in the frame that is taken next", "[node]") {
  ShardBench bench;
  Reserve(bench);
  bench.Advance(absl::Seconds(10));
  bench.shard->PulseIfDue();
  CHECK(bench.shard->frame_bytes() > 0);
}

TEST_CASE("a write takes the place of the empty record", "[node]") {
  ShardBench bench;
  Reserve(bench);
  const uint64_t position = bench.shard->position();
  bench.Advance(absl::Seconds(10));
  const std::vector<BalanceLimit> limits = {{.account_id = {0, 1}, .balance_max = 7}};
  bench.Write(RecordKind::kBalanceLimits, limits);
  bench.Round();
  CHECK(bench.shard->position() == position + 1);
  CHECK(bench.Pending() == 0);
  CHECK(bench.shard->state().FindAccount({0, 1})->balance_max == 7);
}

TEST_CASE("a sealed shard stands still", "[node]") {
  ShardBench bench;
  Reserve(bench);
  pb::SealRequest seal;
  seal.set_run("weekend");
  seal.set_successor("target");
  bool is_sealed = false;
  bench.shard->Seal(seal,
                    [&](const absl::StatusOr<pb::Signed>& answer) { is_sealed = answer.ok(); });
  bench.Sync();
  CHECK(is_sealed);
  const uint64_t position = bench.shard->position();
  bench.Advance(absl::Seconds(10));
  CHECK(bench.shard->UntilPulse() == absl::InfiniteDuration());
  bench.Round();
  CHECK(bench.shard->position() == position);
  CHECK(bench.Pending() == 5);
}

TEST_CASE("limits are set and balances of the past are read over the wire", "[node]") {
  Cluster cluster({"source"});
  auto& ledger = cluster.ledger("source");
  auto accounts = Accounts(1, 2);
  accounts.mutable_accounts(1)->set_flags(pb::ACCOUNT_FLAG_HISTORY);
  accounts.mutable_accounts(1)->set_balance_max(100);
  REQUIRE(Create(ledger, accounts).response.results_size() == 0);

  pb::SetBalanceLimitsRequest limits;
  *limits.add_limits()->mutable_account_id() = AccountId(2);
  limits.mutable_limits(0)->set_balance_max(8);
  *limits.add_limits()->mutable_account_id() = AccountId(77);
  const auto set = Call(ledger, &pb::Ledger::Stub::SetBalanceLimits, limits);
  REQUIRE(set.ok());
  REQUIRE(set.response.results_size() == 1);
  CHECK(set.response.results(0).index() == 1);
  CHECK(set.response.results(0).code() == 1);
  CHECK(set.response.commits(0).position() == 3);

  auto transfers = Transfers(1, 2, 5);  // From account 1 to 2.
  for (auto& transfer : *transfers.mutable_transfers())
    transfer.set_user_data_64(transfer.id().low());
  const auto created = Create(ledger, transfers);
  REQUIRE(created.response.results_size() == 1);
  CHECK(created.response.results(0).code() == 1003);

  pb::AccountFilter filter;
  *filter.mutable_account_id() = AccountId(2);
  filter.set_credits(true);
  filter.set_limit(10);
  const auto balances = Call(ledger, &pb::Ledger::Stub::GetAccountBalances, filter);
  REQUIRE(balances.ok());
  REQUIRE(balances.response.balances_size() == 1);
  CHECK(balances.response.balances(0).credits_posted() == 5);
  CHECK(balances.response.balances(0).timestamp_ns() ==
        created.response.commits(0).timestamp_ns() - 1);
  filter.set_user_data_64(2);
  CHECK(Call(ledger, &pb::Ledger::Stub::GetAccountBalances, filter).response.balances_size() == 0);
  filter.set_user_data_64(1);
  CHECK(Call(ledger, &pb::Ledger::Stub::GetAccountTransfers, filter).response.transfers_size() ==
        1);

  cluster.Restart("source");  // The limit is in the log.
  pb::LookupRequest ids;
  *ids.add_ids() = AccountId(2);
  const auto found = Call(cluster.ledger("source"), &pb::Ledger::Stub::LookupAccounts, ids);
  REQUIRE(found.response.accounts_size() == 1);
  CHECK(found.response.accounts(0).balance_max() == 8);
}

}  // namespace
}  // namespace ledger
