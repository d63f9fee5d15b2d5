// The semantics of docs/ledger.md, in rows.
#include "ledger/core/state_machine.h"

#include <catch2/catch.hpp>

#include <functional>

#include "tests/ledger/core/ledger_rows.h"

namespace ledger {
namespace {

TEST_CASE("the transfers of an account, by time, side and code", "[state_machine]") {
  Bench bench = WithAccounts();
  for (uint64_t i = 1; i <= 6; ++i) {  // Times 1006 to 1011; the odd ones debit account 1.
    Transfer transfer = i % 2 == 1 ? NewTransfer(i, 1, 2, i) : NewTransfer(i, 2, 1, i);
    transfer.code = i > 4 ? 30 : 20;
    REQUIRE(bench.Create(transfer) == "ok");
  }
  REQUIRE(bench.Create(NewTransfer(7, 2, 4, 7)) == "ok");
  struct Row {
    const char* name;
    TransferFilter filter;
    std::vector<uint64_t> ids;
  };
  const Id128 id{0, 1};
  const auto row = GENERATE_COPY(values<Row>({
      {"all", {.account_id = id}, {1, 2, 3, 4, 5, 6}},
      {"newest first", {.account_id = id, .reversed = true}, {6, 5, 4, 3, 2, 1}},
      {"debits", {.account_id = id, .credits = false}, {1, 3, 5}},
      {"credits", {.account_id = id, .debits = false}, {2, 4, 6}},
      {"neither", {.account_id = id, .debits = false, .credits = false}, {}},
      {"by code", {.account_id = id, .code = 30}, {5, 6}},
      {"from", {.account_id = id, .timestamp_min_ns = 1'009}, {4, 5, 6}},
      {"to", {.account_id = id, .timestamp_max_ns = 1'008}, {1, 2, 3}},
      {"from to",
       {.account_id = id, .timestamp_min_ns = 1'007, .timestamp_max_ns = 1'009, .reversed = true},
       {4, 3, 2}},
      {"from after to", {.account_id = id, .timestamp_min_ns = 1'009, .timestamp_max_ns = 7}, {}},
      {"to the end of time",
       {.account_id = id, .timestamp_max_ns = kTimestampMaxNs, .limit = 1},
       {1}},
      {"beyond the end of time", {.account_id = id, .timestamp_max_ns = kTimestampMaxNs + 1}, {}},
      {"the first two", {.account_id = id, .limit = 2}, {1, 2}},
      {"the last two", {.account_id = id, .limit = 2, .reversed = true}, {6, 5}},
      {"none wanted", {.account_id = id, .limit = 0}, {}},
      {"an account without transfers", {.account_id = {0, 5}}, {}},
      {"no such account", {.account_id = {0, 99}}, {}},
  }));
  DYNAMIC_SECTION(row.name) {
    std::vector<uint64_t> ids;
    for (const Transfer& transfer : bench.store->AccountTransfers(row.filter)) {
      ids.push_back(transfer.id.low);
    }
    CHECK(ids == row.ids);
  }
}

TEST_CASE("totals are by currency, and a damaged balance shows in them and in the root",
          "[state_machine]") {
  Bench bench = WithAccounts();
  CHECK(bench.Create(NewTransfer(1, 1, 2, 50)) == "ok");
  const Totals totals = bench.machine.ComputeTotals();
  CHECK(totals == Totals{5, 1, {{1, 50, 50, 0, 0}, {2, 0, 0, 0, 0}}});
  const base::Hash256 root = bench.machine.StateRoot();
  CHECK(bench.machine.FlipBitForLab() == std::vector<Id128>{Id128{0, 1}});
  CHECK(bench.machine.StateRoot() != root);
  CHECK(bench.machine.ComputeTotals().currencies[0].credits_posted == 51);
  CHECK(bench.machine.FlipBitForLab() == std::vector<Id128>{Id128{0, 1}});
  CHECK(bench.machine.StateRoot() == root);
  CHECK(Bench().machine.FlipBitForLab().empty());
}

}  // namespace
}  // namespace ledger
