// Pending transfers, their ends, balancing and closing, in rows.
#include <utility>

#include "tests/ledger/core/ledger_rows.h"

namespace ledger {
namespace {

using Flags = TransferFlags;
using Names = std::vector<std::string>;

constexpr uint64_t kMax = UINT64_MAX;
constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint16_t kLinked = Flags::kLinked;

Transfer With(Transfer transfer, uint16_t flags) {
  transfer.flags |= flags;
  return transfer;
}
Transfer Balancing(uint64_t id, uint64_t debit, uint64_t credit, uint64_t amount, uint16_t flags) {
  return NewTransfer(id, debit, credit, amount, flags);
}

struct Row {
  const char* name;
  std::vector<Transfer> events;
  Names told;
  std::vector<std::pair<uint64_t, const char*>> balances;
};

void Check(const Row& row) {
  DYNAMIC_SECTION(row.name) {
    Bench bench = WithAccounts();
    CHECK(bench.Create(row.events) == row.told);
    for (const auto& [account, balance] : row.balances) CHECK(bench.Balance(account) == balance);
  }
}

TEST_CASE("a pending transfer reserves; a post moves, a void gives back", "[state_machine]") {
  const auto row = GENERATE(values<Row>({
      {"pending", {NewPending(1, 1, 2, 9)}, {"ok"}, {{1, "0+9/0"}, {2, "0/0+9"}}},
      {"post of all",
       {NewPending(1, 1, 2, 9), NewPost(2, 1)},
       {"ok", "ok"},
       {{1, "9/0"}, {2, "0/9"}}},
      {"post of a part releases the rest",
       {NewPending(1, 1, 2, 9), NewPost(2, 1, 4)},
       {"ok", "ok"},
       {{1, "4/0"}, {2, "0/4"}}},
      {"post of 0 moves nothing",
       {NewPending(1, 1, 2, 9), NewPost(2, 1, 0)},
       {"ok", "ok"},
       {{1, "0/0"}, {2, "0/0"}}},
      {"post of too much",
       {NewPending(1, 1, 2, 9), NewPost(2, 1, 10)},
       {"ok", "exceeds_pending_transfer_amount"},
       {{1, "0+9/0"}}},
      {"the largest amount, pending, then posted",
       {NewPending(1, 1, 2, kMax), NewPost(2, 1)},
       {"ok", "ok"},
       {{1, "18446744073709551615/0"}}},
      {"void of all, by 0 or by the amount",
       {NewPending(1, 1, 2, 9), NewVoid(2, 1), NewPending(3, 1, 2, 9), NewVoid(4, 3, 9)},
       {"ok", "ok", "ok", "ok"},
       {{1, "0/0"}, {2, "0/0"}}},
      {"void of less or more",
       {NewPending(1, 1, 2, 9), NewVoid(2, 1, 8), NewVoid(2, 1, 10), NewVoid(2, 1, kMax)},
       {"ok", "pending_transfer_has_different_amount", "exceeds_pending_transfer_amount",
        "exceeds_pending_transfer_amount"},
       {{1, "0+9/0"}}},
      {"a pending transfer ends once",
       {NewPending(1, 1, 2, 9), NewPost(2, 1), NewPost(3, 1), NewVoid(4, 1), NewPost(5, 1, 10)},
       {"ok", "ok", "pending_transfer_already_posted", "pending_transfer_already_posted",
        "exceeds_pending_transfer_amount"},
       {{1, "9/0"}}},
      {"these failures leave the id free",
       {NewPending(1, 1, 2, 9), NewVoid(2, 1), NewPost(3, 1), NewTransfer(3, 1, 2, 1)},
       {"ok", "ok", "pending_transfer_already_voided", "ok"},
       {{1, "1/0"}}},
      {"an unknown pending id burns the id",
       {NewPost(2, 1), NewPending(1, 1, 2, 9), NewPost(2, 1), NewPost(3, 1)},
       {"pending_transfer_not_found", "ok", "id_already_failed", "ok"},
       {{1, "9/0"}}},
      {"a burnt id is no pending transfer",
       {NewPending(1, 99, 2, 9), NewPost(2, 1)},
       {"debit_account_not_found", "pending_transfer_not_found"},
       {{2, "0/0"}}},
      {"the limit counts what is pending on its own side only",
       {NewTransfer(1, 1, 4, 10), NewPending(2, 4, 2, 6), NewPending(3, 1, 4, 9),
        NewPending(4, 4, 2, 5), NewPending(5, 4, 2, 4)},
       {"ok", "ok", "ok", "exceeds_credits", "ok"},
       {{4, "0+10/10+9"}}},
      {"the sums of pending and posted are bounded",
       {NewPending(1, 1, 2, kMax), NewPending(2, 1, 2, 1), NewTransfer(3, 1, 4, 1),
        NewTransfer(4, 4, 2, 1)},
       {"ok", "overflows_debits_pending", "overflows_debits", "overflows_credits"},
       {{1, "0+18446744073709551615/0"}}},
      {"a chain of pending, post and void is undone whole",
       {NewPending(1, 1, 2, 9), With(NewPending(2, 1, 2, 5), kLinked), With(NewPost(3, 2), kLinked),
        With(NewVoid(4, 1), kLinked), NewTransfer(5, 1, 1, 1), NewPost(6, 1, 2), NewPost(7, 2)},
       {"ok", "linked_event_failed", "linked_event_failed", "linked_event_failed",
        "accounts_must_be_different", "ok", "pending_transfer_not_found"},
       {{1, "2/0"}, {2, "0/2"}}},
      {"a burnt id survives its broken chain",
       {With(NewPending(1, 1, 2, 5), kLinked), NewPost(2, 99), NewPending(1, 1, 2, 5),
        NewPost(2, 1)},
       {"linked_event_failed", "pending_transfer_not_found", "ok", "id_already_failed"},
       {{1, "0+5/0"}}},
  }));
  Check(row);
}

TEST_CASE("the record of a post or void is filled in from the pending transfer",
          "[state_machine]") {
  Bench bench = WithAccounts();
  Transfer pending = NewPending(1, 1, 2, 9);
  pending.user_data_128 = {1, 2};
  pending.user_data_64 = 3;
  pending.user_data_32 = 4;
  CHECK(bench.Create(pending) == "ok");
  Transfer post = NewPost(2, 1, 5);
  post.user_data_64 = 33;
  CHECK(bench.Create(post) == "ok");
  const Transfer stored = *bench.machine.FindTransfer({0, 2});
  CHECK(stored.debit_account_id == Id128{0, 1});
  CHECK(stored.credit_account_id == Id128{0, 2});
  CHECK(stored.ledger == 1);
  CHECK(stored.code == 20);
  CHECK(stored.amount == 5);
  CHECK(stored.timeout_s == 0);
  CHECK(stored.flags == Flags::kPostPendingTransfer);
  CHECK(stored.pending_id == Id128{0, 1});
  CHECK(stored.user_data_128 == Id128{1, 2});
  CHECK(stored.user_data_64 == 33);
  CHECK(stored.user_data_32 == 4);
  CHECK(bench.machine.FindTransfer({0, 1})->flags == Flags::kPending);  // Never changes.

  // Repeats: what is left open counts as the pending transfer's.
  CHECK(bench.Create(post) == "exists");
  CHECK(bench.Create(stored) == "timestamp_must_be_zero");
  Transfer full = stored;
  full.timestamp_ns = 0;
  CHECK(bench.Create(full) == "exists");
  post.user_data_64 = 0;
  CHECK(bench.Create(post) == "exists_with_different_user_data_64");
  post.amount = kMax;
  CHECK(bench.Create(post) == "exists_with_different_amount");  // It posted a part.
}

TEST_CASE("a repeat may say all where the record says how much", "[state_machine]") {
  const auto row = GENERATE(values<Row>({
      {"post of all",
       {NewPending(1, 1, 2, 9), NewPost(2, 1), NewPost(2, 1), NewPost(2, 1, 9)},
       {"ok", "ok", "exists", "exists"},
       {}},
      {"post of the amount",
       {NewPending(1, 1, 2, 9), NewPost(2, 1, 9), NewPost(2, 1)},
       {"ok", "ok", "exists"},
       {}},
      {"void",
       {NewPending(1, 1, 2, 9), NewVoid(2, 1), NewVoid(2, 1, 9), NewVoid(2, 1, 8)},
       {"ok", "ok", "exists", "exists_with_different_amount"},
       {}},
      {"balancing: any limit from the stored amount up",
       {NewTransfer(1, 1, 4, 10), Balancing(2, 4, 2, 50, Flags::kBalancingDebit),
        Balancing(2, 4, 2, 50, Flags::kBalancingDebit),
        Balancing(2, 4, 2, 10, Flags::kBalancingDebit),
        Balancing(2, 4, 2, 9, Flags::kBalancingDebit)},
       {"ok", "ok", "exists", "exists", "exists_with_different_amount"},
       {}},
  }));
  Check(row);
}

TEST_CASE("balancing cuts the amount to what an account can give or take", "[state_machine]") {
  constexpr uint16_t kDebit = Flags::kBalancingDebit;
  constexpr uint16_t kCredit = Flags::kBalancingCredit;
  const auto row = GENERATE(values<Row>({
      {"debit: to its credits",
       {NewTransfer(1, 1, 4, 10), Balancing(2, 4, 2, 50, kDebit)},
       {"ok", "ok"},
       {{4, "10/10"}, {2, "0/10"}}},
      {"debit: what is pending is spent",
       {NewTransfer(1, 1, 4, 10), NewPending(2, 4, 2, 3), Balancing(3, 4, 2, kMax, kDebit)},
       {"ok", "ok", "ok"},
       {{4, "7+3/10"}}},
      {"debit: less is less",
       {NewTransfer(1, 1, 4, 10), Balancing(2, 4, 2, 4, kDebit)},
       {"ok", "ok"},
       {{4, "4/10"}}},
      {"debit: nothing to give makes a transfer of 0",
       {Balancing(1, 1, 2, 50, kDebit)},
       {"ok"},
       {{1, "0/0"}}},
      {"credit: to its debits",
       {NewTransfer(1, 5, 1, 10), Balancing(2, 2, 5, 50, kCredit)},
       {"ok", "ok"},
       {{5, "10/10"}, {2, "10/0"}}},
      {"both: the smaller",
       {NewTransfer(1, 1, 4, 10), NewTransfer(2, 5, 1, 6),
        Balancing(3, 4, 5, 50, kDebit | kCredit)},
       {"ok", "ok", "ok"},
       {{4, "6/10"}, {5, "6/6"}}},
      {"pending: what was cut is reserved",
       {NewTransfer(1, 1, 4, 10), With(NewPending(2, 4, 2, 50), kDebit), NewPost(3, 2)},
       {"ok", "ok", "ok"},
       {{4, "10/10"}}},
      {"one side's flag does not save the other",
       {NewTransfer(1, 5, 1, 10), Balancing(2, 4, 5, 50, kCredit)},
       {"ok", "exceeds_credits"},
       {{4, "0/0"}}},
      {"overflows are of the cut amount",
       {NewTransfer(1, 1, 2, kMax - 5), NewTransfer(2, 2, 1, kMax - 1),
        Balancing(3, 1, 4, kMax, kDebit)},
       {"ok", "ok", "ok"},
       {{1, "18446744073709551614/18446744073709551614"}}},
  }));
  Check(row);
}

TEST_CASE("closing", "[state_machine]") {
  constexpr uint16_t kDebit = Flags::kClosingDebit;
  constexpr uint16_t kCredit = Flags::kClosingCredit;
  const auto row = GENERATE(values<Row>({
      {"a closed account refuses transfers on either side, which burns their ids",
       {With(NewPending(1, 1, 2, 0), kDebit), NewTransfer(2, 1, 2, 1), NewTransfer(3, 2, 1, 1),
        NewVoid(4, 1), NewTransfer(2, 1, 2, 1), NewTransfer(5, 1, 2, 1)},
       {"ok", "debit_account_already_closed", "credit_account_already_closed", "ok",
        "id_already_failed", "ok"},
       {{1, "1/0"}}},
      {"both at once, reopened by the void",
       {With(NewPending(1, 1, 2, 3), kDebit | kCredit)},
       {"ok"},
       {{1, "0+3/0 closed"}, {2, "0/0+3 closed"}}},
      {"both reopened",
       {With(NewPending(1, 1, 2, 3), kDebit | kCredit), NewVoid(2, 1)},
       {"ok", "ok"},
       {{1, "0/0"}, {2, "0/0"}}},
      {"a closing transfer cannot be posted",
       {With(NewPending(1, 1, 2, 3), kDebit), NewPost(2, 1), NewVoid(2, 1), NewVoid(3, 1)},
       {"ok", "debit_account_already_closed", "id_already_failed", "ok"},
       {{1, "0/0"}}},
      {"closing twice",
       {With(NewPending(1, 1, 2, 3), kDebit), With(NewPending(2, 1, 2, 3), kDebit)},
       {"ok", "debit_account_already_closed"},
       {{1, "0+3/0 closed"}}},
      {"pending ones of a closed account can be voided, not posted, and do not reopen it",
       {NewPending(1, 1, 2, 3), NewPending(2, 1, 2, 4), With(NewPending(3, 1, 2, 0), kDebit),
        NewPost(4, 1), NewVoid(5, 2)},
       {"ok", "ok", "ok", "debit_account_already_closed", "ok"},
       {{1, "0+3/0 closed"}}},
      {"a broken chain reopens",
       {With(NewPending(1, 1, 2, 0), kDebit | kLinked), NewTransfer(2, 2, 2, 1)},
       {"linked_event_failed", "accounts_must_be_different"},
       {{1, "0/0"}}},
      {"a broken chain closes again what its void opened",
       {With(NewPending(1, 1, 2, 0), kDebit), With(NewVoid(2, 1), kLinked),
        NewTransfer(3, 2, 2, 1)},
       {"ok", "linked_event_failed", "accounts_must_be_different"},
       {{1, "0/0 closed"}}},
  }));
  Check(row);
}

TEST_CASE("an account's creation is another one after it was closed", "[state_machine]") {
  Bench bench = WithAccounts();
  CHECK(bench.Create(With(NewPending(1, 1, 2, 0), Flags::kClosingDebit)) == "ok");
  CHECK(bench.Create(NewAccount(1)) == "exists_with_different_flags");
  CHECK(bench.Create(NewVoid(2, 1)) == "ok");
  CHECK(bench.Create(NewAccount(1)) == "exists");
  CHECK(bench.Create(NewAccount(6, AccountFlags::kClosed)) == "ok");  // For ever.
  CHECK(bench.Create(NewTransfer(3, 6, 2, 1)) == "debit_account_already_closed");
}

TEST_CASE("a pending transfer expires at its very nanosecond", "[state_machine]") {
  Bench bench = WithAccounts();
  CHECK(bench.Create(NewPending(1, 1, 2, 9, 1)) == "ok");
  const uint64_t expiry = 1'006 + kSecondNs;
  CHECK(bench.machine.next_expiry_ns() == expiry);
  const int posts = GENERATE(1, 0);
  const auto resolve = [&](uint64_t id) { return posts == 1 ? NewPost(id, 1) : NewVoid(id, 1); };

  SECTION("one nanosecond before it is open") {
    bench.time_ns = expiry - 2;
    CHECK(bench.Create(resolve(2)) == "ok");
    CHECK_FALSE(bench.machine.next_expiry_ns().has_value());
  }
  SECTION("at it, it is over, though its balances are still there") {
    bench.time_ns = expiry - 1;
    CHECK(bench.Create(resolve(2)) == "pending_transfer_expired");
    CHECK(bench.Balance(1) == "0+9/0");
    CHECK(bench.machine.next_expiry_ns() == expiry);
    CHECK(bench.Create(NewTransfer(3, 1, 2, 1)) == "ok");  // The next batch releases them first.
    CHECK(bench.Balance(1) == "1/0");
    CHECK_FALSE(bench.machine.next_expiry_ns().has_value());
    CHECK(bench.Create(resolve(2)) == "pending_transfer_expired");  // The id was left free.
  }
  SECTION("each event has its own time: in one batch the first is in time, the second is not") {
    CHECK(bench.Create(NewPending(4, 1, 2, 5, 1)) == "ok");  // Expires 1 ns later.
    bench.time_ns = expiry - 2;
    CHECK(bench.Create(std::vector<Transfer>{NewTransfer(9, 1, 2, 0), resolve(2), NewPost(3, 4)}) ==
          Names{"ok", "pending_transfer_expired", "pending_transfer_expired"});
  }
  SECTION("a batch releases by the time before its first event") {
    bench.Pulse(expiry - 1);
    CHECK(bench.Balance(1) == "0+9/0");
    bench.Pulse(expiry);
    CHECK(bench.Balance(1) == "0/0");
    CHECK(bench.Balance(2) == "0/0");
  }
  SECTION("accounts and limits let time pass, too") {
    bench.time_ns = expiry;
    CHECK((posts == 1 ? bench.Create(NewAccount(20)) : bench.Limit(1, 5)) == "ok");
    CHECK(bench.Balance(1) == "0/0");
  }
  SECTION("what is posted does not expire") {
    CHECK(bench.Create(NewPost(2, 1)) == "ok");
    bench.Pulse(expiry + 1);
    CHECK(bench.Balance(1) == "9/0");
    CHECK(bench.Create(NewVoid(3, 1)) == "pending_transfer_already_posted");
  }
}

TEST_CASE("expiry reopens what the transfer closed, and nothing else", "[state_machine]") {
  Bench bench = WithAccounts();
  Transfer closing = With(NewPending(1, 1, 2, 0, 1), Flags::kClosingDebit);
  CHECK(bench.Create(NewPending(2, 1, 2, 5, 1)) == "ok");
  CHECK(bench.Create(closing) == "ok");
  bench.Pulse(1'006 + kSecondNs);
  CHECK(bench.Balance(1) == "0/0 closed");
  bench.Pulse(1'007 + kSecondNs);
  CHECK(bench.Balance(1) == "0/0");
  CHECK(bench.machine.transfer_count() == 2);  // Expiry makes no transfer.
}

TEST_CASE("one record releases at most 8,190, the oldest expiries first", "[state_machine]") {
  Bench bench = WithAccounts();
  std::vector<Transfer> pendings;
  for (uint64_t i = 0; i < 8'190; ++i) pendings.push_back(NewPending(100 + i, 1, 2, 1, 2));
  CHECK(bench.Create(pendings) == Names(8'190, "ok"));
  CHECK(bench.Create(NewPending(1, 1, 2, 5, 1)) == "ok");
  CHECK(bench.Create(NewPending(2, 1, 2, 7, 3)) == "ok");
  bench.Pulse(10 * kSecondNs);  // The 5 first, then all but one of the 1s.
  CHECK(bench.Balance(1) == "0+8/0");
  CHECK(bench.Create(NewVoid(3, 8'289)) == "pending_transfer_expired");
  CHECK(bench.Balance(1) == "0/0");
}

TEST_CASE("a timeout may not go beyond the end of time", "[state_machine]") {
  Bench bench = WithAccounts();
  bench.time_ns = kTimestampMaxNs - kSecondNs - 1;
  CHECK(bench.Create(NewPending(1, 1, 2, 5, 1)) == "ok");
  CHECK(bench.machine.next_expiry_ns() == kTimestampMaxNs);
  CHECK(bench.Create(NewPending(2, 1, 2, 5, 1)) == "overflows_timeout");
  CHECK(bench.Create(NewPending(2, 1, 2, 5, 0)) == "ok");
}

TEST_CASE("a largest balance stops what would go beyond it", "[state_machine]") {
  Bench bench = WithAccounts();
  CHECK(bench.Limit(99, 5) == "account_not_found");
  CHECK(bench.Limit(2, 10) == "ok");
  CHECK(bench.machine.FindAccount({0, 2})->balance_max == 10);
  CHECK(bench.Create(NewAccount(2)) == "exists");  // A limit is not compared.
  CHECK(bench.Create(NewTransfer(1, 1, 2, 11)) == "exceeds_credit_account_balance_max");
  CHECK(bench.Create(NewTransfer(1, 1, 2, 1)) == "id_already_failed");
  CHECK(bench.Create(NewPending(2, 1, 2, 6)) == "ok");
  CHECK(bench.Create(NewTransfer(3, 1, 2, 5)) == "exceeds_credit_account_balance_max");
  CHECK(bench.Create(NewTransfer(4, 1, 2, 4)) == "ok");  // Just full, pendings counted in.
  CHECK(bench.Create(NewPost(5, 2)) == "ok");
  CHECK(bench.Create(NewTransfer(6, 2, 1, 3)) == "ok");  // Going down is always possible,
  CHECK(bench.Create(NewPending(7, 2, 1, 3)) == "ok");   // but counts only once it is posted.
  CHECK(bench.Create(NewTransfer(8, 1, 2, 4)) == "exceeds_credit_account_balance_max");
  CHECK(bench.Create(NewTransfer(9, 1, 2, 3)) == "ok");
  CHECK(bench.Limit(2, 1) == "ok");  // Below the balance: only growth stops.
  CHECK(bench.Create(NewTransfer(10, 1, 2, 1)) == "exceeds_credit_account_balance_max");
  CHECK(bench.Create(NewTransfer(11, 1, 2, 0)) == "ok");
  CHECK(bench.Limit(2, 0) == "ok");
  CHECK(bench.Create(NewTransfer(12, 1, 2, 1'000)) == "ok");

  // An account whose credits are limited has its balance on the other side.
  CHECK(bench.Limit(5, 10) == "ok");
  CHECK(bench.Create(NewTransfer(13, 5, 1, 11)) == "exceeds_debit_account_balance_max");
  CHECK(bench.Create(NewTransfer(14, 5, 1, 10)) == "ok");
  CHECK(bench.Create(NewTransfer(15, 1, 5, 10)) == "ok");
}

}  // namespace
}  // namespace ledger
