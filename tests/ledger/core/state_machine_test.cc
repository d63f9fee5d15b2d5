// The semantics of docs/ledger.md, in rows.
#include "ledger/core/state_machine.h"

#include <catch2/catch.hpp>

#include <functional>

#include "tests/ledger/core/ledger_rows.h"

namespace ledger {
namespace {

using Names = std::vector<std::string>;

constexpr uint16_t kLinked = 1;
constexpr uint16_t kDebitsLimited = AccountFlags::kDebitsMustNotExceedCredits;
constexpr uint16_t kCreditsLimited = AccountFlags::kCreditsMustNotExceedDebits;
constexpr uint64_t kMax = UINT64_MAX;

TEST_CASE("an account with every fault is told the first; each repair reveals the next",
          "[state_machine]") {
  Bench bench;
  CHECK(bench.Create(NewAccount(7)) == "ok");
  Account event{};
  event.id = {0, 0};
  event.flags = kLinked | kDebitsLimited | kCreditsLimited | (1 << 15);
  event.timestamp_ns = 1;
  event.reserved = 1;
  event.debits_pending = event.debits_posted = event.credits_pending = event.credits_posted = 1;

  struct Row {
    const char* told;
    std::function<void()> repair;
  };
  const std::vector<Row> rows = {
      {"linked_event_chain_open", [&] { event.flags &= static_cast<uint16_t>(~kLinked); }},
      {"timestamp_must_be_zero", [&] { event.timestamp_ns = 0; }},
      {"reserved_field", [&] { event.reserved = 0; }},
      {"reserved_flag", [&] { event.flags &= 0x7FFF; }},
      {"id_must_not_be_zero", [&] { event.id = kIdMax; }},
      {"id_must_not_be_int_max", [&] { event.id = OnShard(5, 7); }},
      {"account_of_another_shard",
       [&] {
         event.id = {0, 7};
       }},
      {"exists_with_different_flags",
       [&] {
         event.id = {0, 8};
       }},
      {"flags_are_mutually_exclusive", [&] { event.flags = kDebitsLimited; }},
      {"debits_pending_must_be_zero", [&] { event.debits_pending = 0; }},
      {"debits_posted_must_be_zero", [&] { event.debits_posted = 0; }},
      {"credits_pending_must_be_zero", [&] { event.credits_pending = 0; }},
      {"credits_posted_must_be_zero", [&] { event.credits_posted = 0; }},
      {"ledger_must_not_be_zero", [&] { event.ledger = 1; }},
      {"code_must_not_be_zero", [&] { event.code = 1; }},
      {"ok", [] {}},
      {"exists", [] {}},
  };
  for (const Row& row : rows) {
    CHECK(bench.Create(event) == row.told);
    row.repair();
  }
}

TEST_CASE("an account's repeat is told the first field that differs", "[state_machine]") {
  Bench bench;
  const Account stored = NewAccount(7);
  CHECK(bench.Create(stored) == "ok");
  Account event = stored;
  event.flags = kDebitsLimited;
  event.user_data_128 = {0, 1};
  event.user_data_64 = event.user_data_32 = event.code = 1;
  event.ledger = 2;
  event.debits_posted = 5;  // Not compared.
  CHECK(bench.Create(event) == "exists_with_different_flags");
  event.flags = 0;
  CHECK(bench.Create(event) == "exists_with_different_user_data_128");
  event.user_data_128 = {};
  CHECK(bench.Create(event) == "exists_with_different_user_data_64");
  event.user_data_64 = 0;
  CHECK(bench.Create(event) == "exists_with_different_user_data_32");
  event.user_data_32 = 0;
  CHECK(bench.Create(event) == "exists_with_different_ledger");
  event.ledger = 1;
  CHECK(bench.Create(event) == "exists_with_different_code");
  event.code = stored.code;
  CHECK(bench.Create(event) == "exists");
}

TEST_CASE("a transfer with every fault is told the first; each repair reveals the next",
          "[state_machine]") {
  Bench bench = WithAccounts();
  CHECK(bench.Create(NewTransfer(100, 9, 1, 5)) == "debit_account_not_found");  // Burns 100.
  Transfer event{};
  event.flags = kLinked | (1 << 9);
  event.timestamp_ns = 1;
  event.pending_id = {0, 1};
  event.timeout_s = 1;
  event.amount = kMax;

  struct Row {
    const char* told;
    std::function<void()> repair;
  };
  uint64_t fresh = 200;
  const auto set_debit = [&](Id128 id) {
    return [&event, &fresh, id] {
      event.debit_account_id = id;
      event.id = {0, fresh++};
    };
  };
  const auto set_credit = [&](Id128 id) { return [&event, id] { event.credit_account_id = id; }; };
  const std::vector<Row> rows = {
      {"linked_event_chain_open", [&] { event.flags = 1 << 9; }},
      {"timestamp_must_be_zero", [&] { event.timestamp_ns = 0; }},
      {"reserved_flag", [&] { event.flags = 0; }},
      {"id_must_not_be_zero", [&] { event.id = kIdMax; }},
      {"id_must_not_be_int_max",
       [&] {
         event.id = {0, 100};
       }},
      {"id_already_failed",
       [&] {
         event.id = {0, 101};
       }},
      {"debit_account_id_must_not_be_zero", set_debit(kIdMax)},
      {"debit_account_id_must_not_be_int_max", set_debit(OnShard(3, 8))},
      {"credit_account_id_must_not_be_zero", set_credit(kIdMax)},
      {"credit_account_id_must_not_be_int_max", set_credit(OnShard(3, 8))},
      {"accounts_must_be_different", set_credit(OnShard(0, 8))},
      {"accounts_on_different_shards", set_credit(OnShard(3, 9))},
      {"account_of_another_shard",
       [&] {
         event.debit_account_id = {0, 8};
         event.credit_account_id = {0, 9};
       }},
      {"pending_id_must_be_zero", [&] { event.pending_id = {}; }},
      {"timeout_reserved_for_pending_transfer", [&] { event.timeout_s = 0; }},
      {"ledger_must_not_be_zero", [&] { event.ledger = 9; }},
      {"code_must_not_be_zero", [&] { event.code = 1; }},
      {"debit_account_not_found", set_debit({0, 1})},
      {"credit_account_not_found",
       [&] {
         event.credit_account_id = {0, 3};
         event.id = {0, fresh++};
       }},
      {"accounts_must_have_the_same_ledger", set_credit({0, 2})},
      {"transfer_must_have_the_same_ledger_as_accounts", [&] { event.ledger = 1; }},
      {"ok", [] {}},
      {"exists", [] {}},
  };
  for (const Row& row : rows) {
    CHECK(bench.Create(event) == row.told);
    row.repair();
  }
}

TEST_CASE("a transfer's repeat is told the first field that differs", "[state_machine]") {
  Bench bench = WithAccounts();
  const Transfer stored = NewTransfer(7, 1, 2, 50);
  CHECK(bench.Create(stored) == "ok");
  Transfer event{};
  event.id = stored.id;
  event.flags = kLinked;
  event.pending_id = event.user_data_128 = {0, 1};
  event.timeout_s = event.user_data_32 = 1;
  event.user_data_64 = 1;
  // The other event ends the chain.
  CHECK(bench.Create(std::vector<Transfer>{event, NewTransfer(8, 1, 2, 1)}) ==
        Names{"exists_with_different_flags", "linked_event_failed"});
  event.flags = 0;
  CHECK(bench.Create(event) == "exists_with_different_pending_id");
  event.pending_id = {};
  CHECK(bench.Create(event) == "exists_with_different_timeout");
  event.timeout_s = 0;
  CHECK(bench.Create(event) == "exists_with_different_debit_account_id");
  event.debit_account_id = stored.debit_account_id;
  CHECK(bench.Create(event) == "exists_with_different_credit_account_id");
  event.credit_account_id = stored.credit_account_id;
  CHECK(bench.Create(event) == "exists_with_different_amount");
  event.amount = stored.amount;
  CHECK(bench.Create(event) == "exists_with_different_user_data_128");
  event.user_data_128 = {};
  CHECK(bench.Create(event) == "exists_with_different_user_data_64");
  event.user_data_64 = 0;
  CHECK(bench.Create(event) == "exists_with_different_user_data_32");
  event.user_data_32 = 0;
  CHECK(bench.Create(event) == "exists_with_different_ledger");
  event.ledger = stored.ledger;
  CHECK(bench.Create(event) == "exists_with_different_code");
  event.code = stored.code;
  CHECK(bench.Create(event) == "exists");
  CHECK(bench.Balance(1) == "50/0");
}

TEST_CASE("transfers move money within the limits of their accounts", "[state_machine]") {
  struct Row {
    const char* name;
    std::vector<Transfer> events;
    Names told;
    std::vector<std::pair<uint64_t, const char*>> balances;
  };
  const auto row = GENERATE(values<Row>({
      {"a transfer debits one account and credits the other",
       {NewTransfer(1, 1, 2, 50)},
       {"ok"},
       {{1, "50/0"}, {2, "0/50"}}},
      {"an amount of 0 is a transfer", {NewTransfer(1, 1, 2, 0)}, {"ok"}, {{1, "0/0"}}},
      {"debits limited: up to the credits, not beyond",
       {NewTransfer(1, 1, 4, 50), NewTransfer(2, 4, 2, 51), NewTransfer(3, 4, 2, 50),
        NewTransfer(4, 4, 2, 1)},
       {"ok", "exceeds_credits", "ok", "exceeds_credits"},
       {{4, "50/50"}, {2, "0/50"}}},
      {"credits limited: up to the debits, not beyond",
       {NewTransfer(1, 5, 1, 50), NewTransfer(2, 2, 5, 51), NewTransfer(3, 2, 5, 50)},
       {"ok", "exceeds_debits", "ok"},
       {{5, "50/50"}, {2, "50/0"}}},
      {"both limits: the debit account's is told",
       {NewTransfer(1, 4, 5, 1)},
       {"exceeds_credits"},
       {{4, "0/0"}, {5, "0/0"}}},
      {"an amount of 0 passes limits", {NewTransfer(1, 4, 5, 0)}, {"ok"}, {{4, "0/0"}}},
      {"the largest balance is possible, one more is not",
       {NewTransfer(1, 1, 2, kMax), NewTransfer(2, 1, 4, 1), NewTransfer(3, 5, 2, 1)},
       {"ok", "overflows_debits_posted", "overflows_credits_posted"},
       {{1, "18446744073709551615/0"}, {4, "0/0"}, {5, "0/0"}}},
      {"an overflow comes before a limit",
       {NewTransfer(1, 1, 4, kMax), NewTransfer(2, 4, 2, kMax), NewTransfer(3, 4, 2, 1)},
       {"ok", "ok", "overflows_debits_posted"},
       {{4, "18446744073709551615/18446744073709551615"}}},
      {"a transient failure burns its id, whatever comes with it later",
       {NewTransfer(1, 4, 2, 5), NewTransfer(2, 1, 4, 5), NewTransfer(1, 4, 2, 5),
        NewTransfer(1, 1, 2, 1)},
       {"exceeds_credits", "ok", "id_already_failed", "id_already_failed"},
       {{4, "0/5"}, {2, "0/0"}}},
      {"all transient failures burn",
       {NewTransfer(1, 8, 2, 1), NewTransfer(2, 1, 8, 1), NewTransfer(3, 2, 5, 1),
        NewTransfer(1, 1, 2, 1), NewTransfer(2, 1, 2, 1), NewTransfer(3, 1, 2, 1)},
       {"debit_account_not_found", "credit_account_not_found", "exceeds_debits",
        "id_already_failed", "id_already_failed", "id_already_failed"},
       {{1, "0/0"}}},
      {"other failures leave the id free",
       {NewTransfer(1, 1, 3, 1), NewTransfer(2, 1, 1, 1), NewTransfer(1, 1, 2, 1),
        NewTransfer(2, 1, 2, 1)},
       {"accounts_must_have_the_same_ledger", "accounts_must_be_different", "ok", "ok"},
       {{1, "2/0"}}},
      {"a chain happens whole",
       {NewTransfer(1, 1, 4, 9, kLinked), NewTransfer(2, 4, 2, 9)},
       {"ok", "ok"},
       {{1, "9/0"}, {4, "9/9"}, {2, "0/9"}}},
      {"a chain happens not at all: the failed event keeps its status, the others get theirs",
       {NewTransfer(1, 1, 2, 9, kLinked), NewTransfer(2, 4, 2, 9, kLinked), NewTransfer(3, 1, 2, 9),
        NewTransfer(4, 1, 2, 1)},
       {"linked_event_failed", "exceeds_credits", "linked_event_failed", "ok"},
       {{1, "1/0"}, {4, "0/0"}, {2, "0/1"}}},
      {"a chain's last event can break it",
       {NewTransfer(1, 1, 2, 9, kLinked), NewTransfer(2, 4, 2, 9)},
       {"linked_event_failed", "exceeds_credits"},
       {{1, "0/0"}, {2, "0/0"}}},
      {"ids of a broken chain are free again, but the burnt one is not",
       {NewTransfer(1, 1, 2, 9, kLinked), NewTransfer(2, 4, 2, 9), NewTransfer(1, 1, 2, 9),
        NewTransfer(2, 1, 2, 9)},
       {"linked_event_failed", "exceeds_credits", "ok", "id_already_failed"},
       {{1, "9/0"}}},
      {"an event sees those before it in its chain: the same id twice breaks it",
       {NewTransfer(1, 1, 2, 9, kLinked), NewTransfer(1, 1, 2, 9, kLinked),
        NewTransfer(2, 1, 2, 1)},
       {"linked_event_failed", "exists", "linked_event_failed"},
       {{1, "0/0"}}},
      {"a repeated chain: exists, the rest linked_event_failed",
       {NewTransfer(1, 1, 2, 9, kLinked), NewTransfer(2, 1, 2, 9), NewTransfer(1, 1, 2, 9, kLinked),
        NewTransfer(2, 1, 2, 9)},
       {"ok", "ok", "exists", "linked_event_failed"},
       {{1, "18/0"}}},
      {"a chain open at the batch's end fails whole",
       {NewTransfer(1, 1, 2, 9, kLinked), NewTransfer(2, 1, 2, 9, kLinked)},
       {"linked_event_failed", "linked_event_chain_open"},
       {{1, "0/0"}}},
      {"a broken chain open at the batch's end says so on its last event",
       {NewTransfer(1, 8, 2, 9, kLinked), NewTransfer(2, 1, 2, 9, kLinked),
        NewTransfer(3, 1, 2, 9, kLinked)},
       {"debit_account_not_found", "linked_event_failed", "linked_event_chain_open"},
       {{1, "0/0"}}},
      {"two chains side by side have nothing to do with each other",
       {NewTransfer(1, 1, 2, 1, kLinked), NewTransfer(2, 1, 2, 1), NewTransfer(3, 1, 2, 1, kLinked),
        NewTransfer(4, 1, 1, 1)},
       {"ok", "ok", "linked_event_failed", "accounts_must_be_different"},
       {{1, "2/0"}}},
  }));
  DYNAMIC_SECTION(row.name) {
    Bench bench = WithAccounts();
    CHECK(bench.Create(row.events) == row.told);
    for (const auto& [account, balance] : row.balances) CHECK(bench.Balance(account) == balance);
  }
}

TEST_CASE("accounts are created in chains, whole or not at all", "[state_machine]") {
  Bench bench;
  CHECK(bench.Create(std::vector<Account>{NewAccount(1, kLinked), NewAccount(2, kLinked),
                                          NewAccount(1), NewAccount(3)}) ==
        Names{"linked_event_failed", "linked_event_failed", "exists_with_different_flags", "ok"});
  CHECK(bench.machine.account_count() == 1);
  CHECK(bench.Create(std::vector<Account>{NewAccount(1, kLinked), NewAccount(2)}) ==
        Names(2, "ok"));
  CHECK(bench.Create(NewAccount(1)) == "exists_with_different_flags");  // `linked` is stored.
}

TEST_CASE("a shard that is full refuses further accounts and goes on", "[state_machine]") {
  constexpr uint64_t kRoom = 3;
  MemoryTransferStore store;
  StateMachine machine(0, store, kRoom);
  uint64_t time_ns = 1'000;
  const auto create = [&](std::vector<Account> batch) {
    Names names(batch.size(), "ok");
    for (const EventResult& result : machine.CreateAccounts(batch, time_ns += 100)) {
      names[result.index] = std::string(ToString(static_cast<AccountStatus>(result.code)));
    }
    return names;
  };
  CHECK(create({NewAccount(1), NewAccount(2)}) == Names{"ok", "ok"});
  // A chain takes no room when it fails: here for want of room.
  CHECK(create({NewAccount(3, kLinked), NewAccount(4)}) ==
        Names{"linked_event_failed", "too_many_accounts"});
  CHECK(create({NewAccount(5), NewAccount(6)}) == Names{"ok", "too_many_accounts"});
  // What is wrong with the event itself, or what is there already, is told first.
  Account codeless = NewAccount(7);
  codeless.code = 0;
  CHECK(create({codeless, NewAccount(5)}) == Names{"code_must_not_be_zero", "exists"});
  CHECK(machine.account_count() == kRoom);
  CHECK(machine.CreateTransfers({NewTransfer(1, 1, 5, 10)}, time_ns += 100).empty());
}

TEST_CASE("every event uses up its nanosecond, failed or not", "[state_machine]") {
  Bench bench = WithAccounts();
  StateMachine& machine = bench.machine;
  const std::vector<Transfer> batch = {NewTransfer(1, 1, 2, 1), NewTransfer(2, 1, 1, 1),
                                       NewTransfer(3, 1, 2, 1)};
  CHECK(machine.CreateTransfers(batch, 5'000) == std::vector<EventResult>{{1, 12}});
  CHECK(machine.FindTransfer({0, 1})->timestamp_ns == 4'998);
  CHECK(machine.FindTransfer({0, 2}) == nullptr);
  CHECK(machine.FindTransfer({0, 3})->timestamp_ns == 5'000);
  CHECK(machine.last_timestamp_ns() == 5'000);
  CHECK(machine.CreateTransfers({}, 5'000).empty());
}

TEST_CASE("a node takes the accounts of its shard only", "[state_machine]") {
  Bench bench(3);
  Account account = NewAccount(1);
  CHECK(bench.Create(account) == "account_of_another_shard");
  account.id = OnShard(3, 1);
  CHECK(bench.Create(account) == "ok");
  account.id = OnShard(3, 2);
  CHECK(bench.Create(account) == "ok");
  Transfer transfer = NewTransfer(1, 1, 2, 5);
  CHECK(bench.Create(transfer) == "account_of_another_shard");
  transfer.debit_account_id = OnShard(3, 1);
  CHECK(bench.Create(transfer) == "accounts_on_different_shards");
  transfer.credit_account_id = OnShard(3, 2);
  CHECK(bench.Create(transfer) == "ok");
}

}  // namespace
}  // namespace ledger
