// The statuses of single-phase and pending transfers, two at a time.
#include <algorithm>

#include "tests/ledger/core/ledger_rows.h"
#include "tests/ledger/core/precedence.h"

namespace ledger {
namespace {

using Flags = TransferFlags;
using Needs = std::map<std::string, std::string>;

constexpr uint64_t kMax = UINT64_MAX;
constexpr uint64_t kDebit = 11;
constexpr uint64_t kCredit = 12;

enum class Time { kGiven, kOld, kGap, kBatch };

// An account of the event, and what happens to it before.
struct Side {
  uint16_t flags = 0;
  uint32_t ledger = 1;
  bool is_missing = false;
  bool is_late = false;  // Created after every transfer.
  bool is_closed = false;
  uint64_t pending = 0;  // On the event's side: debits of the debit account.
  uint64_t posted = 0;
  uint64_t balance_max = 0;
};

struct Scenario {
  Transfer event = NewTransfer(50, kDebit, kCredit, 10);
  Transfer stored = NewTransfer(50, kDebit, kCredit, 10);
  bool is_stored = false;
  bool is_burnt = false;
  bool chain_is_broken = false;
  bool first_is_imported = false;
  bool first_is_plain = false;
  bool is_at_end_of_time = false;
  Time time = Time::kGiven;
  Side debit;
  Side credit;
};

class Stage {
 public:
  std::string Run(const Scenario& s) {
    CHECK(bench_.Create(NewTransfer(1, 1, 2, 1)) == "ok");
    CHECK(bench_.Create(NewAccount(31)) == "ok");
    if (!s.debit.is_late) Open(kDebit, s.debit);
    if (!s.credit.is_late) Open(kCredit, s.credit);
    if (s.is_burnt) CHECK(bench_.Create(NewTransfer(50, 999, 2, 1)) == "debit_account_not_found");
    if (s.is_stored) Store(s);
    Fund(s);
    bench_.time_ns += 100;  // Where an imported transfer fits in.
    if (s.debit.is_late) Open(kDebit, s.debit);
    if (s.credit.is_late) Open(kCredit, s.credit);
    Close(kDebit, s.debit);
    Close(kCredit, s.credit);
    if (s.debit.balance_max != 0) CHECK(bench_.Limit(kDebit, s.debit.balance_max) == "ok");
    if (s.credit.balance_max != 0) CHECK(bench_.Limit(kCredit, s.credit.balance_max) == "ok");
    if (s.is_at_end_of_time) bench_.time_ns = kTimestampMaxNs - 500'000'000;
    return RunBatch(s);
  }

 private:
  // Created closed where no transfer must come after it.
  void Open(uint64_t id, const Side& side) {
    if (side.is_missing) return;
    Account account = NewAccount(id, side.flags, side.ledger);
    if (side.is_closed && side.is_late) account.flags |= AccountFlags::kClosed;
    CHECK(bench_.Create(account) == "ok");
  }

  void Close(uint64_t id, const Side& side) {
    if (!side.is_closed || side.is_late) return;
    const uint64_t helper = Helper(side.ledger);
    Transfer closing = NewPending(++newest_, id, helper, 0);
    closing.ledger = side.ledger;
    closing.flags |= Flags::kClosingDebit;
    CHECK(bench_.Create(closing) == "ok");
  }

  uint64_t Helper(uint32_t ledger) {
    CHECK(bench_.Create(NewAccount(++newest_, 0, ledger)) == "ok");
    return newest_;
  }

  // Moves money, first giving limited accounts the room for it.
  void Move(uint64_t debit, uint64_t credit, uint64_t amount, bool is_pending, uint32_t ledger) {
    Transfer transfer = NewTransfer(++newest_, debit, credit, amount);
    if (is_pending) transfer.flags |= Flags::kPending;
    transfer.ledger = ledger;
    CHECK(bench_.Create(transfer) == "ok");
  }
  void MakeRoom(uint64_t amount, const Scenario& s) {
    if ((s.debit.flags & AccountFlags::kDebitsMustNotExceedCredits) != 0) {
      Move(Helper(s.debit.ledger), kDebit, amount, false, s.debit.ledger);
    }
    if ((s.credit.flags & AccountFlags::kCreditsMustNotExceedDebits) != 0) {
      Move(kCredit, Helper(s.credit.ledger), amount, false, s.credit.ledger);
    }
  }

  void Store(const Scenario& s) {
    MakeRoom(s.stored.amount, s);
    CHECK(bench_.Create(s.stored) == "ok");
  }

  void Fund(const Scenario& s) {
    const uint64_t most =
        std::max(s.debit.pending + s.debit.posted, s.credit.pending + s.credit.posted);
    if (most == 0) return;
    MakeRoom(most, s);
    const uint32_t debit_ledger = s.debit.ledger;
    const uint32_t credit_ledger = s.credit.ledger;
    if (s.debit.pending > 0)
      Move(kDebit, Helper(debit_ledger), s.debit.pending, true, debit_ledger);
    if (s.debit.posted > 0) Move(kDebit, Helper(debit_ledger), s.debit.posted, false, debit_ledger);
    if (s.credit.pending > 0) {
      Move(Helper(credit_ledger), kCredit, s.credit.pending, true, credit_ledger);
    }
    if (s.credit.posted > 0) {
      Move(Helper(credit_ledger), kCredit, s.credit.posted, false, credit_ledger);
    }
  }

  std::string RunBatch(const Scenario& s) {
    std::vector<Transfer> batch;
    const bool is_imported = (s.event.flags & Flags::kImported) != 0;
    if (s.first_is_imported) batch.push_back(NewTransfer(60, 1, 2, 1, Flags::kImported));
    if (s.first_is_plain) batch.push_back(NewTransfer(60, 1, 2, 1));
    if (s.chain_is_broken) {
      batch.push_back(NewTransfer(61, 1, 1, 1, Flags::kLinked));
      if (is_imported) batch.back().flags |= Flags::kImported;
      if (is_imported) batch.back().timestamp_ns = 1;
    }
    Transfer event = s.event;
    const uint64_t newest_ns = bench_.time_ns;
    if (s.time == Time::kOld) event.timestamp_ns = 1;
    if (s.time == Time::kGap) event.timestamp_ns = newest_ns - 50;
    if (s.time == Time::kBatch) event.timestamp_ns = newest_ns + batch.size() + 1;
    batch.push_back(event);
    return bench_.Create(batch).back();
  }

  Bench bench_ = WithAccounts();
  uint64_t newest_ = 1'000;  // Ids of helpers and of their transfers.
};

Violation<Scenario> Field(const char* status, Needs needs, void (*change)(Transfer&)) {
  return {.status = status,
          .needs = std::move(needs),
          .apply = [change](Scenario& s) { change(s.event); },
          .fields_before = -1};
}

Violation<Scenario> State(const char* status, Needs needs, void (*change)(Scenario&)) {
  return {.status = status, .needs = std::move(needs), .apply = change, .fields_before = -1};
}

// What is stored differs from the event.
Violation<Scenario> Differs(const char* field, int fields_before, void (*change)(Scenario&)) {
  return {.status = absl::StrCat("exists", *field == 0 ? "" : "_with_different_", field),
          .needs = {{"id", "stored"},
                    {"debit", "there"},
                    {"credit", "there"},
                    {"one ledger", "yes"},
                    {"debit is late", "no"},
                    {"credit is late", "no"}},
          .apply =
              [change](Scenario& s) {
                s.is_stored = true;
                change(s);
              },
          .fields_before = fields_before};
}

Violation<Scenario> Imported(const char* status, const char* time, Needs needs,
                             void (*change)(Scenario&)) {
  needs.insert({{"flags:imported", "yes"}, {"timestamp", time}});
  return {.status = status,
          .needs = std::move(needs),
          .apply =
              [change](Scenario& s) {
                s.event.flags |= Flags::kImported;
                change(s);
              },
          .fields_before = -1};
}

std::vector<Violation<Scenario>> BeforeExists() {
  return {
      Field("linked_event_chain_open", {{"flags:linked", "yes"}},
            [](Transfer& t) { t.flags |= Flags::kLinked; }),
      State("linked_event_failed", {{"chain", "broken"}},
            [](Scenario& s) { s.chain_is_broken = true; }),
      State("imported_event_expected", {{"flags:imported", "no"}, {"first", "imported"}},
            [](Scenario& s) { s.first_is_imported = true; }),
      State("imported_event_not_expected", {{"flags:imported", "yes"}, {"first", "plain"}},
            [](Scenario& s) {
              s.first_is_plain = true;
              s.event.flags |= Flags::kImported;
            }),
      Field("timestamp_must_be_zero", {{"flags:imported", "no"}, {"timestamp", "1"}},
            [](Transfer& t) { t.timestamp_ns = 1; }),
      Imported("imported_event_timestamp_out_of_range", "0", {}, [](Scenario&) {}),
      Imported("imported_event_timestamp_out_of_range", "2^63", {},
               [](Scenario& s) { s.event.timestamp_ns = kTimestampMaxNs + 1; }),
      Imported("imported_event_timestamp_must_not_advance", "batch", {{"end of time", "no"}},
               [](Scenario& s) { s.time = Time::kBatch; }),
      Field("reserved_flag", {{"flags:unknown", "yes"}}, [](Transfer& t) { t.flags |= 1 << 9; }),
      Field("reserved_flag", {{"reserved", "1"}}, [](Transfer& t) { t.reserved = 1; }),
      Field("id_must_not_be_zero", {{"id", "0"}}, [](Transfer& t) { t.id = {}; }),
      Field("id_must_not_be_int_max", {{"id", "max"}}, [](Transfer& t) { t.id = kIdMax; }),
  };
}

std::vector<Violation<Scenario>> Exists() {
  Violation<Scenario> pending_id = Differs("pending_id", 1, [](Scenario& s) {
    s.event.pending_id = {0, 7};
  });
  pending_id.needs.emplace("pending_id", "7");
  Violation<Scenario> timeout = Differs("timeout", 2, [](Scenario& s) {
    s.stored.timeout_s = 5;
    s.stored.flags |= Flags::kPending;
    s.event.flags |= Flags::kPending;
  });
  timeout.needs.emplace("flags:pending", "yes");
  Violation<Scenario> ledger = Differs("ledger", 9, [](Scenario& s) { s.event.ledger = 2; });
  ledger.needs.emplace("ledger", "2");
  return {
      Differs("flags", 0, [](Scenario& s) { s.stored.flags |= Flags::kBalancingCredit; }),
      pending_id,
      timeout,
      Differs("debit_account_id", 3,
              [](Scenario& s) {
                s.stored.debit_account_id = {0, 31};
              }),
      Differs("credit_account_id", 4,
              [](Scenario& s) {
                s.stored.credit_account_id = {0, 2};
              }),
      Differs("amount", 5, [](Scenario& s) { s.stored.amount = 11; }),
      Differs("user_data_128", 6,
              [](Scenario& s) {
                s.stored.user_data_128 = {0, 1};
              }),
      Differs("user_data_64", 7, [](Scenario& s) { s.stored.user_data_64 = 1; }),
      Differs("user_data_32", 8, [](Scenario& s) { s.stored.user_data_32 = 1; }),
      ledger,
      Differs("code", 10, [](Scenario& s) { s.stored.code = 77; }),
      Differs("", 11, [](Scenario&) {}),
      State("id_already_failed", {{"id", "burnt"}}, [](Scenario& s) { s.is_burnt = true; }),
  };
}

std::vector<Violation<Scenario>> Fields() {
  return {
      Field("flags_are_mutually_exclusive", {{"flags:resolution", "both"}},
            [](Transfer& t) {
              t.flags |= Flags::kPostPendingTransfer | Flags::kVoidPendingTransfer;
            }),
      Field("debit_account_id_must_not_be_zero", {{"debit_account_id", "0"}, {"debit", "0"}},
            [](Transfer& t) { t.debit_account_id = {}; }),
      Field("debit_account_id_must_not_be_int_max", {{"debit_account_id", "max"}, {"debit", "max"}},
            [](Transfer& t) { t.debit_account_id = kIdMax; }),
      Field("credit_account_id_must_not_be_zero", {{"credit_account_id", "0"}, {"credit", "0"}},
            [](Transfer& t) { t.credit_account_id = {}; }),
      Field("credit_account_id_must_not_be_int_max",
            {{"credit_account_id", "max"}, {"credit", "max"}},
            [](Transfer& t) { t.credit_account_id = kIdMax; }),
      Field("accounts_must_be_different",
            {{"debit_account_id", "11"}, {"credit_account_id", "11"}, {"credit", "the other"}},
            [](Transfer& t) { t.credit_account_id = t.debit_account_id; }),
      Field("accounts_on_different_shards",
            {{"debit_account_id", "11"}, {"credit_account_id", "shard 3"}, {"credit", "far"}},
            [](Transfer& t) { t.credit_account_id = OnShard(3, kCredit); }),
      Field("account_of_another_shard",
            {{"debit_account_id", "shard 3"},
             {"credit_account_id", "shard 3"},
             {"debit", "far"},
             {"credit", "far, too"}},
            [](Transfer& t) {
              t.debit_account_id = OnShard(3, kDebit);
              t.credit_account_id = OnShard(3, kCredit);
            }),
      Field("pending_id_must_be_zero", {{"pending_id", "7"}},
            [](Transfer& t) {
              t.pending_id = {0, 7};
            }),
      Field("timeout_reserved_for_pending_transfer", {{"timeout", "1"}, {"flags:pending", "no"}},
            [](Transfer& t) { t.timeout_s = 1; }),
      Field("closing_transfer_must_be_pending", {{"flags:closing", "yes"}, {"flags:pending", "no"}},
            [](Transfer& t) { t.flags |= Flags::kClosingCredit; }),
      Field("ledger_must_not_be_zero", {{"ledger", "0"}}, [](Transfer& t) { t.ledger = 0; }),
      Field("code_must_not_be_zero", {{"code", "0"}}, [](Transfer& t) { t.code = 0; }),
  };
}

std::vector<Violation<Scenario>> Accounts() {
  return {
      State("debit_account_not_found", {{"debit", "missing"}},
            [](Scenario& s) { s.debit.is_missing = true; }),
      State("credit_account_not_found", {{"credit", "missing"}},
            [](Scenario& s) { s.credit.is_missing = true; }),
      State("accounts_must_have_the_same_ledger",
            {{"debit", "there"}, {"credit", "there"}, {"one ledger", "no"}},
            [](Scenario& s) { s.credit.ledger = 2; }),
      State("transfer_must_have_the_same_ledger_as_accounts",
            {{"debit", "there"}, {"credit", "there"}, {"ledger", "3"}},
            [](Scenario& s) { s.event.ledger = 3; }),
      Imported("imported_event_timestamp_must_not_regress", "1",
               {{"debit", "there"}, {"credit", "there"}}, [](Scenario& s) { s.time = Time::kOld; }),
      Imported("imported_event_timestamp_must_postdate_debit_account", "gap",
               {{"debit", "there"},
                {"credit", "there"},
                {"debit is late", "yes"},
                {"a closing transfer", "no"}},
               [](Scenario& s) {
                 s.time = Time::kGap;
                 s.debit.is_late = true;
               }),
      Imported("imported_event_timestamp_must_postdate_credit_account", "gap",
               {{"debit", "there"},
                {"credit", "there"},
                {"credit is late", "yes"},
                {"a closing transfer", "no"}},
               [](Scenario& s) {
                 s.time = Time::kGap;
                 s.credit.is_late = true;
               }),
      State("debit_account_already_closed",
            {{"debit", "there"}, {"credit", "there"}, {"a closing transfer", "yes"}},
            [](Scenario& s) { s.debit.is_closed = true; }),
      State("credit_account_already_closed",
            {{"debit", "there"}, {"credit", "there"}, {"a closing transfer", "yes"}},
            [](Scenario& s) { s.credit.is_closed = true; }),
  };
}

std::vector<Violation<Scenario>> Money() {
  const auto overflows = [](const char* status, bool is_pending, bool is_debit,
                            void (*change)(Scenario&)) {
    return Violation<Scenario>{.status = status,
                               .needs = {{"debit", "there"},
                                         {"credit", "there"},
                                         {"amount", "max"},
                                         {"flags:pending", is_pending ? "yes" : "no"},
                                         {is_debit ? "debit is late" : "credit is late", "no"}},
                               .apply =
                                   [change, is_pending](Scenario& s) {
                                     s.event.amount = kMax;
                                     if (is_pending) s.event.flags |= Flags::kPending;
                                     change(s);
                                   },
                               .fields_before = -1};
  };
  // Posted ones may be of a pending transfer too.
  const auto overflows_posted = [&](const char* status, bool is_debit, void (*change)(Scenario&)) {
    Violation<Scenario> violation = overflows(status, false, is_debit, change);
    violation.needs.erase("flags:pending");
    return violation;
  };
  return {
      overflows("overflows_debits_pending", true, true, [](Scenario& s) { s.debit.pending = 1; }),
      overflows("overflows_credits_pending", true, false,
                [](Scenario& s) { s.credit.pending = 1; }),
      overflows_posted("overflows_debits_posted", true, [](Scenario& s) { s.debit.posted = 1; }),
      overflows_posted("overflows_credits_posted", false, [](Scenario& s) { s.credit.posted = 1; }),
      overflows("overflows_debits", false, true, [](Scenario& s) { s.debit.pending = 1; }),
      overflows("overflows_credits", false, false, [](Scenario& s) { s.credit.pending = 1; }),
      State("overflows_timeout",
            {{"flags:pending", "yes"},
             {"flags:imported", "no"},
             {"timeout", "1"},
             {"end of time", "yes"},
             {"debit", "there"},
             {"credit", "there"}},
            [](Scenario& s) {
              s.event.flags |= Flags::kPending;
              s.event.timeout_s = 1;
              s.is_at_end_of_time = true;
            }),
      State("exceeds_credits",
            {{"debit", "there"}, {"credit", "there"}, {"debit's limit", "credits"}},
            [](Scenario& s) { s.debit.flags = AccountFlags::kDebitsMustNotExceedCredits; }),
      State("exceeds_debits",
            {{"debit", "there"}, {"credit", "there"}, {"credit's limit", "debits"}},
            [](Scenario& s) { s.credit.flags = AccountFlags::kCreditsMustNotExceedDebits; }),
      State("exceeds_debit_account_balance_max",
            {{"debit", "there"}, {"credit", "there"}, {"debit's limit", "debits"}},
            [](Scenario& s) {
              s.debit.flags = AccountFlags::kCreditsMustNotExceedDebits;
              s.debit.balance_max = 9;
            }),
      State("exceeds_credit_account_balance_max",
            {{"debit", "there"}, {"credit", "there"}, {"credit's limit", "none"}},
            [](Scenario& s) { s.credit.balance_max = 9; }),
  };
}

TEST_CASE("a transfer that deserves two statuses is told the one of higher precedence",
          "[state_machine][precedence]") {
  std::vector<Violation<Scenario>> all;
  for (const auto& part : {BeforeExists(), Exists(), Fields(), Accounts(), Money()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  const int met = CheckPrecedence<Scenario>(
      all,
      {"flags", "pending_id", "timeout", "debit_account_id", "credit_account_id", "amount",
       "user_data_128", "user_data_64", "user_data_32", "ledger", "code"},
      [] { return Scenario(); }, [](Scenario& s) { return Stage().Run(s); });
  CHECK(met > 900);
}

}  // namespace
}  // namespace ledger
