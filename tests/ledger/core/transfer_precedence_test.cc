// The statuses of single-phase and pending transfers, two at a time.
#include "tests/ledger/core/ledger_rows.h"
#include "tests/ledger/core/precedence.h"
#include "tests/ledger/core/transfer_stage.h"

namespace ledger {
namespace {

using Flags = TransferFlags;
using Needs = std::map<std::string, std::string>;

using Scenario = TransferScenario;

constexpr uint64_t kMax = UINT64_MAX;

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
