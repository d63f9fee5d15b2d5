// The statuses of accounts, two at a time.
#include "tests/ledger/core/ledger_rows.h"
#include "tests/ledger/core/precedence.h"

namespace ledger {
namespace {

using Flags = AccountFlags;

enum class Time { kNone, kGiven, kBatch, kNewestAccount, kTransfer };

struct Scenario {
  Account event = NewAccount(50);
  Account stored = NewAccount(50);
  bool is_stored = false;
  bool chain_is_broken = false;
  bool first_is_imported = false;
  bool first_is_plain = false;
  Time time = Time::kNone;
};

std::string Run(Scenario& scenario) {
  Bench bench = WithAccounts();
  CHECK(bench.Create(NewTransfer(1, 1, 2, 1)) == "ok");
  if (scenario.is_stored) CHECK(bench.Create(scenario.stored) == "ok");
  std::vector<Account> batch;
  if (scenario.first_is_imported) batch.push_back(NewAccount(60, Flags::kImported));
  if (scenario.first_is_plain) batch.push_back(NewAccount(60));
  if (scenario.chain_is_broken) {  // By an account without a code, imported as the batch is.
    const bool is_imported = (scenario.event.flags & Flags::kImported) != 0;
    batch.push_back(NewAccount(61, Flags::kLinked | (is_imported ? Flags::kImported : 0)));
    batch.back().code = 0;
    batch.back().timestamp_ns = is_imported ? 1 : 0;
  }
  Account event = scenario.event;
  const uint64_t batch_ns = bench.time_ns + batch.size() + 1;
  if (scenario.time == Time::kBatch) event.timestamp_ns = batch_ns;
  if (scenario.time == Time::kNewestAccount) event.timestamp_ns = 1'005;
  if (scenario.time == Time::kTransfer) event.timestamp_ns = 1'006;
  batch.push_back(event);
  return bench.Create(batch).back();
}

Violation<Scenario> Differs(const char* field, int fields_before, void (*change)(Account&)) {
  return {.status = absl::StrCat("exists", *field == 0 ? "" : "_with_different_", field),
          .needs = {{"id", "stored"}},
          .apply =
              [change](Scenario& s) {
                s.is_stored = true;
                change(s.stored);
              },
          .fields_before = fields_before};
}

Violation<Scenario> Field(const char* status, std::map<std::string, std::string> needs,
                          void (*change)(Account&)) {
  return {.status = status,
          .needs = std::move(needs),
          .apply = [change](Scenario& s) { change(s.event); },
          .fields_before = -1};
}

Violation<Scenario> Imported(const char* status, const char* time, void (*change)(Scenario&)) {
  return {.status = status,
          .needs = {{"flags:imported", "yes"}, {"timestamp", time}},
          .apply =
              [change](Scenario& s) {
                s.event.flags |= Flags::kImported;
                change(s);
              },
          .fields_before = -1};
}

std::vector<Violation<Scenario>> Violations() {
  return {
      Field("linked_event_chain_open", {{"flags:linked", "yes"}},
            [](Account& a) { a.flags |= Flags::kLinked; }),
      {.status = "linked_event_failed",
       .needs = {{"chain", "broken"}},
       .apply = [](Scenario& s) { s.chain_is_broken = true; },
       .fields_before = -1},
      {.status = "imported_event_expected",
       .needs = {{"flags:imported", "no"}, {"first", "imported"}},
       .apply = [](Scenario& s) { s.first_is_imported = true; },
       .fields_before = -1},
      {.status = "imported_event_not_expected",
       .needs = {{"flags:imported", "yes"}, {"first", "plain"}},
       .apply =
           [](Scenario& s) {
             s.first_is_plain = true;
             s.event.flags |= Flags::kImported;
           },
       .fields_before = -1},
      Field("timestamp_must_be_zero", {{"flags:imported", "no"}, {"timestamp", "1"}},
            [](Account& a) { a.timestamp_ns = 1; }),
      Imported("imported_event_timestamp_out_of_range", "0", [](Scenario&) {}),
      Imported("imported_event_timestamp_out_of_range", "2^63",
               [](Scenario& s) { s.event.timestamp_ns = kTimestampMaxNs + 1; }),
      Imported("imported_event_timestamp_must_not_advance", "batch",
               [](Scenario& s) { s.time = Time::kBatch; }),
      Field("reserved_field", {{"reserved", "1"}}, [](Account& a) { a.reserved = 1; }),
      Field("reserved_flag", {{"flags:unknown", "yes"}}, [](Account& a) { a.flags |= 1 << 6; }),
      Field("reserved_flag", {{"flags:unknown", "yes"}}, [](Account& a) { a.flags |= 1 << 15; }),
      Field("id_must_not_be_zero", {{"id", "0"}}, [](Account& a) { a.id = {}; }),
      Field("id_must_not_be_int_max", {{"id", "max"}}, [](Account& a) { a.id = kIdMax; }),
      Field("account_of_another_shard", {{"id", "shard 5"}},
            [](Account& a) { a.id = OnShard(5, 50); }),
      Differs("flags", 0, [](Account& a) { a.flags = Flags::kHistory; }),
      Differs("user_data_128", 1,
              [](Account& a) {
                a.user_data_128 = {0, 1};
              }),
      Differs("user_data_64", 2, [](Account& a) { a.user_data_64 = 1; }),
      Differs("user_data_32", 3, [](Account& a) { a.user_data_32 = 1; }),
      Differs("ledger", 4, [](Account& a) { a.ledger = 9; }),
      Differs("code", 5, [](Account& a) { a.code = 9; }),
      Differs("", 6, [](Account& a) { a.balance_max = 9; }),  // Not compared.
      Field("flags_are_mutually_exclusive", {{"flags:limits", "both"}},
            [](Account& a) {
              a.flags |= Flags::kDebitsMustNotExceedCredits | Flags::kCreditsMustNotExceedDebits;
            }),
      Field("debits_pending_must_be_zero", {}, [](Account& a) { a.debits_pending = 1; }),
      Field("debits_posted_must_be_zero", {}, [](Account& a) { a.debits_posted = 1; }),
      Field("credits_pending_must_be_zero", {}, [](Account& a) { a.credits_pending = 1; }),
      Field("credits_posted_must_be_zero", {}, [](Account& a) { a.credits_posted = 1; }),
      Field("ledger_must_not_be_zero", {{"ledger", "0"}}, [](Account& a) { a.ledger = 0; }),
      Field("code_must_not_be_zero", {{"code", "0"}}, [](Account& a) { a.code = 0; }),
      Imported("imported_event_timestamp_must_not_regress", "the newest account's",
               [](Scenario& s) { s.time = Time::kNewestAccount; }),
      Imported("imported_event_timestamp_must_not_regress", "a transfer's",
               [](Scenario& s) { s.time = Time::kTransfer; }),
  };
}

TEST_CASE("an account that deserves two statuses is told the one of higher precedence",
          "[state_machine][precedence]") {
  const int met = CheckPrecedence<Scenario>(
      Violations(), {"flags", "user_data_128", "user_data_64", "user_data_32", "ledger", "code"},
      [] { return Scenario(); }, Run);
  CHECK(met > 280);
}

}  // namespace
}  // namespace ledger
