// Events that bring their own times, and history, in rows.
#include <string>

#include "tests/ledger/core/ledger_rows.h"

namespace ledger {
namespace {

using Names = std::vector<std::string>;

constexpr uint64_t kSecondNs = 1'000'000'000;

Account ImportedAccount(uint64_t number, uint64_t timestamp_ns, uint16_t flags = 0) {
  Account account = NewAccount(number, flags | AccountFlags::kImported);
  account.timestamp_ns = timestamp_ns;
  return account;
}

Transfer Imported(Transfer transfer, uint64_t timestamp_ns) {
  transfer.flags |= TransferFlags::kImported;
  transfer.timestamp_ns = timestamp_ns;
  return transfer;
}

TEST_CASE("the first event says whether a batch is imported, whatever became of it", "[imported]") {
  Bench bench = WithAccounts();
  bench.time_ns = 5'000;
  CHECK(bench.Create(std::vector<Account>{ImportedAccount(20, 0), NewAccount(21),
                                          ImportedAccount(22, 2'000)}) ==
        Names{"imported_event_timestamp_out_of_range", "imported_event_expected", "ok"});
  CHECK(bench.Create(std::vector<Account>{NewAccount(0), ImportedAccount(23, 2'001)}) ==
        Names{"id_must_not_be_zero", "imported_event_not_expected"});
}

TEST_CASE("an imported time lies before that of the whole batch", "[imported]") {
  Bench bench = WithAccounts();
  bench.time_ns = 5'000;  // A batch of three: slots 5,001 to 5,003.
  CHECK(bench.Create(std::vector<Account>{ImportedAccount(20, 5'003), ImportedAccount(21, 5'002),
                                          ImportedAccount(22, 5'001)}) ==
        Names{"imported_event_timestamp_must_not_advance", "ok",
              "imported_event_timestamp_must_not_regress"});
  CHECK(bench.machine.FindAccount({0, 21})->timestamp_ns == 5'002);
  CHECK(bench.Create(NewAccount(23)) == "ok");
  CHECK(bench.machine.FindAccount({0, 23})->timestamp_ns == 5'004);
}

TEST_CASE("imported accounts are later than accounts, and may be older than transfers",
          "[imported]") {
  Bench bench = WithAccounts();  // Accounts up to 1,005.
  bench.time_ns = 5'000;
  CHECK(bench.Create(NewTransfer(1, 1, 2, 1)) == "ok");  // 5,001
  bench.time_ns = 6'000;
  const auto create = [&](uint64_t id, uint64_t timestamp_ns) {
    return bench.Create(ImportedAccount(id, timestamp_ns));
  };
  CHECK(create(20, 1'005) == "imported_event_timestamp_must_not_regress");
  CHECK(create(20, 3'000) == "ok");
  CHECK(create(20, 2'000) == "exists");  // The time is not compared.
  CHECK(create(21, 3'000) == "imported_event_timestamp_must_not_regress");
  CHECK(create(21, 5'001) == "imported_event_timestamp_must_not_regress");  // The transfer's.
  CHECK(create(21, 5'002) == "ok");
}

TEST_CASE("a broken chain takes its marks back", "[imported]") {
  Bench bench = WithAccounts();
  bench.time_ns = 5'000;
  CHECK(bench.Create(std::vector<Account>{ImportedAccount(20, 4'000, AccountFlags::kLinked),
                                          ImportedAccount(0, 4'001), ImportedAccount(21, 3'000)}) ==
        Names{"linked_event_failed", "id_must_not_be_zero", "ok"});
  CHECK(bench.Create(std::vector<Transfer>{
            Imported(NewTransfer(1, 1, 2, 1, TransferFlags::kLinked), 4'000),
            Imported(NewTransfer(2, 1, 1, 1), 4'001), Imported(NewTransfer(3, 1, 2, 1), 3'500)}) ==
        Names{"linked_event_failed", "accounts_must_be_different", "ok"});
}

TEST_CASE("imported transfers are later than transfers and than their accounts", "[imported]") {
  Bench bench = WithAccounts();
  bench.time_ns = 5'000;
  CHECK(bench.Create(std::vector<Account>{ImportedAccount(20, 3'000),
                                          ImportedAccount(21, 4'000)}) == Names(2, "ok"));
  const auto create = [&](const Transfer& transfer, uint64_t timestamp_ns) {
    return bench.Create(Imported(transfer, timestamp_ns));
  };
  CHECK(create(NewTransfer(1, 1, 2, 1), 1'005) == "imported_event_timestamp_must_not_regress");
  CHECK(create(NewTransfer(1, 20, 21, 1), 2'999) ==
        "imported_event_timestamp_must_postdate_debit_account");
  CHECK(create(NewTransfer(1, 20, 21, 1), 3'000) == "imported_event_timestamp_must_not_regress");
  CHECK(create(NewTransfer(1, 20, 21, 1), 3'001) ==
        "imported_event_timestamp_must_postdate_credit_account");
  CHECK(create(NewTransfer(1, 20, 21, 1), 4'001) == "ok");
  CHECK(create(NewTransfer(1, 20, 21, 1), 9) == "exists");
  CHECK(create(NewTransfer(2, 20, 21, 1), 4'001) == "imported_event_timestamp_must_not_regress");
  CHECK(bench.machine.FindTransfer({0, 1})->timestamp_ns == 4'001);
}

TEST_CASE("an imported pending transfer keeps its timeout, from its own time on", "[imported]") {
  Bench bench = WithAccounts();
  bench.time_ns = 10 * kSecondNs;
  CHECK(bench.Create(std::vector<Transfer>{Imported(NewPending(1, 1, 2, 5, 3), kSecondNs),
                                           Imported(NewPending(2, 1, 2, 7, 60), 2 * kSecondNs)}) ==
        Names(2, "ok"));
  CHECK(bench.machine.next_expiry_ns() == 4 * kSecondNs);
  CHECK(bench.Balance(1) == "0+12/0");
  bench.Pulse(bench.time_ns + 1);
  CHECK(bench.Balance(1) == "0+7/0");
  CHECK(bench.machine.next_expiry_ns() == 62 * kSecondNs);
  CHECK(bench.Create(Imported(NewPost(3, 2), 3 * kSecondNs)) == "ok");
  CHECK(bench.Balance(1) == "7/0");
}

std::string Balances(const std::vector<BalanceRow>& rows) {
  std::string text;
  for (const BalanceRow& row : rows) {
    absl::StrAppend(&text, row.timestamp_ns, ":", row.debits_posted, "+", row.debits_pending, "/",
                    row.credits_posted, "+", row.credits_pending, " ");
  }
  return text;
}

TEST_CASE("an account with history has its balances after each of its transfers", "[history]") {
  Bench bench = WithAccounts();                                         // Up to 1,005.
  CHECK(bench.Create(NewAccount(10, AccountFlags::kHistory)) == "ok");  // 1,006
  Transfer coded = NewTransfer(4, 2, 10, 1);
  coded.code = 30;
  CHECK(bench.Create(std::vector<Transfer>{
            NewTransfer(1, 10, 2, 5), NewPending(2, 1, 10, 7), NewPost(3, 2, 4), coded,
            NewTransfer(5, 1, 2, 9), NewTransfer(6, 10, 2, 0),
            NewTransfer(7, 10, 2, 1, TransferFlags::kLinked), NewTransfer(8, 1, 1, 1)}) ==
        Names{"ok", "ok", "ok", "ok", "ok", "ok", "linked_event_failed",
              "accounts_must_be_different"});
  const Id128 id{0, 10};
  struct Row {
    const char* name;
    TransferFilter filter;
    const char* found;
  };
  const auto row = GENERATE_COPY(values<Row>({
      {"all",
       {.account_id = id},
       "1007:5+0/0+0 1008:5+0/0+7 1009:5+0/4+0 1010:5+0/5+0 1012:5+0/5+0 "},
      {"newest first, two",
       {.account_id = id, .limit = 2, .reversed = true},
       "1012:5+0/5+0 1010:5+0/5+0 "},
      {"debits", {.account_id = id, .credits = false}, "1007:5+0/0+0 1012:5+0/5+0 "},
      {"by the transfer's code", {.account_id = id, .code = 30}, "1010:5+0/5+0 "},
      {"from to",
       {.account_id = id, .timestamp_min_ns = 1'008, .timestamp_max_ns = 1'009},
       "1008:5+0/0+7 1009:5+0/4+0 "},
      {"without the flag: nothing", {.account_id = {0, 1}}, ""},
      {"no such account", {.account_id = {0, 99}}, ""},
      {"from after to", {.account_id = id, .timestamp_min_ns = 9, .timestamp_max_ns = 8}, ""},
  }));
  DYNAMIC_SECTION(row.name) {
    CHECK(Balances(bench.store->AccountBalances(row.filter)) == row.found);
  }
}

}  // namespace
}  // namespace ledger
