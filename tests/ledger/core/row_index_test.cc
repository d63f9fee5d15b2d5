#include "ledger/core/row_index.h"

#include <catch2/catch.hpp>

#include <random>
#include <unordered_map>
#include <vector>

#include "ledger/core/account_table.h"

namespace ledger {
namespace {

// Goal: whatever is inserted and erased, exactly that is found, at any stage of growing.
// Method: random ids beside a plain map; every id asked for now and then.
TEST_CASE("an index finds what was inserted and not erased", "[row_index][property]") {
  const uint32_t seed = GENERATE(range(0u, 8u));
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::vector<Id128> ids;
  const auto id_of = [&](uint32_t row) -> const Id128& { return ids[row]; };
  RowIndex index;
  if (seed % 4 == 0) index.Reserve(5'000);
  const bool are_dense = seed % 2 == 0;  // Like counters, or like random numbers.
  for (int step = 0; step < 60'000; ++step) {
    if (!ids.empty() && random() % 5 == 0) {
      index.Erase(ids.back(), id_of);
      ids.pop_back();
    } else {
      const Id128 id = are_dense ? Id128{7, ids.size()} : Id128{random(), random()};
      ids.push_back(id);
      index.Insert(id, static_cast<uint32_t>(ids.size() - 1), id_of);
    }
    REQUIRE(index.size() == ids.size());
    if (step % 9'973 != 0) continue;
    for (uint32_t row = 0; row < ids.size(); ++row) REQUIRE(index.Find(ids[row], id_of) == row);
    for (int i = 0; i < 1'000; ++i) {
      REQUIRE_FALSE(index.Find({random() | (uint64_t{1} << 63), 1}, id_of).has_value());
    }
  }
}

TEST_CASE("an index takes at most 7 bytes a row while it grows, and a page", "[row_index]") {
  std::vector<Id128> ids;
  const auto id_of = [&](uint32_t row) -> const Id128& { return ids[row]; };
  RowIndex index;
  for (uint32_t row = 0; row < 1'000'000; ++row) {
    ids.push_back({1, row});
    index.Insert(ids.back(), row, id_of);
    if (row % 1'000 == 0) REQUIRE(index.bytes() <= uint64_t{row} * 7 + base::kHugePageBytes);
  }
}

TEST_CASE("an account without user data takes at most 80 bytes", "[account_table]") {
  AccountTable accounts(0, RowIndex::kRowsMax);
  constexpr uint64_t kAccounts = 500'000;
  for (uint64_t i = 1; i <= kAccounts; ++i) {
    Account account;
    account.id = {0, i};
    account.timestamp_ns = i;
    accounts.Add(account);
  }
  CHECK(accounts.bytes() <= 80 * kAccounts);
}

TEST_CASE("what an account seldom has stands aside and comes back", "[account_table]") {
  AccountTable accounts(0, RowIndex::kRowsMax);
  Account account;
  account.id = {0, 1};
  account.timestamp_ns = 5;
  account.user_data_64 = 7;
  accounts.Add(account);
  CHECK(accounts.Full(0) == account);
  accounts.SetBalanceMax(0, 9);
  account.balance_max = 9;
  CHECK(accounts.Full(0) == account);  // No bit of the table's own shows.
  accounts.SetBalanceMax(0, 0);
  account.balance_max = 0;
  CHECK(accounts.Full(0) == account);
  CHECK_FALSE(accounts.HasBalanceMax(0));
  accounts.RollBack(0);
  CHECK_FALSE(accounts.Find({0, 1}).has_value());
}

}  // namespace
}  // namespace ledger
