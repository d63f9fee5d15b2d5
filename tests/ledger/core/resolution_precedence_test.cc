// The statuses of posts and voids, two at a time.
#include "tests/ledger/core/ledger_rows.h"
#include "tests/ledger/core/precedence.h"

namespace ledger {
namespace {

using Flags = TransferFlags;
using Needs = std::map<std::string, std::string>;

enum class Time { kGiven, kOld, kBatch };
enum class Fate { kOpen, kPosted, kVoided, kExpired };

// Pending transfers 40 and 42 and the plain one 41, all between accounts 1 and 2; the event posts
// all of 40.
struct Scenario {
  Transfer event = NewPost(50, 40);
  Transfer stored = NewPost(50, 40);
  bool is_stored = false;
  bool is_burnt = false;
  bool chain_is_broken = false;
  bool first_is_imported = false;
  bool first_is_plain = false;
  Time time = Time::kGiven;
  Fate fate = Fate::kOpen;
  bool debit_is_closed = false;
  bool credit_is_closed = false;
};

void Prepare(const Scenario& s, Bench& bench) {
  const uint32_t timeout_s = s.fate == Fate::kExpired ? 1 : 0;
  CHECK(bench.Create(NewPending(40, 1, 2, 10, timeout_s)) == "ok");
  CHECK(bench.Create(NewTransfer(41, 1, 2, 10)) == "ok");
  CHECK(bench.Create(NewPending(42, 1, 2, 10)) == "ok");
  if (s.is_burnt) CHECK(bench.Create(NewTransfer(50, 999, 2, 1)) == "debit_account_not_found");
  if (s.is_stored) CHECK(bench.Create(s.stored) == "ok");
  if (s.fate == Fate::kPosted) CHECK(bench.Create(NewPost(43, 40)) == "ok");
  if (s.fate == Fate::kVoided) CHECK(bench.Create(NewVoid(43, 40)) == "ok");
  if (s.fate == Fate::kExpired) bench.time_ns += 2'000'000'000;
  Transfer closing = NewPending(44, 1, 4, 0);
  closing.flags |= Flags::kClosingDebit;
  if (s.debit_is_closed) CHECK(bench.Create(closing) == "ok");
  closing = NewPending(45, 4, 2, 0);
  closing.flags |= Flags::kClosingCredit;
  if (s.credit_is_closed) CHECK(bench.Create(closing) == "ok");
}

std::string Run(Scenario& s) {
  Bench bench = WithAccounts();
  Prepare(s, bench);
  std::vector<Transfer> batch;
  const bool is_imported = (s.event.flags & Flags::kImported) != 0;
  if (s.first_is_imported) batch.push_back(NewTransfer(60, 1, 2, 1, Flags::kImported));
  if (s.first_is_plain) batch.push_back(NewTransfer(60, 1, 1, 1));
  if (s.chain_is_broken) {
    batch.push_back(NewTransfer(61, 1, 1, 1, Flags::kLinked));
    if (is_imported) batch.back().flags |= Flags::kImported;
    if (is_imported) batch.back().timestamp_ns = 1;
  }
  Transfer event = s.event;
  if (s.time == Time::kOld) event.timestamp_ns = 1;
  if (s.time == Time::kBatch) event.timestamp_ns = bench.time_ns + batch.size() + 1;
  batch.push_back(event);
  return bench.Create(batch).back();
}

Violation<Scenario> Field(const char* status, Needs needs, void (*change)(Transfer&)) {
  return {.status = status,
          .needs = std::move(needs),
          .apply = [change](Scenario& s) { change(s.event); },
          .fields_before = -1};
}

Violation<Scenario> State(const char* status, Needs needs, void (*change)(Scenario&)) {
  return {.status = status, .needs = std::move(needs), .apply = change, .fields_before = -1};
}

Violation<Scenario> Differs(const char* field, int fields_before, Needs needs,
                            void (*change)(Scenario&)) {
  needs.insert({{"id", "stored"}, {"fate", "posted by the stored one"}});
  return {.status = absl::StrCat("exists", *field == 0 ? "" : "_with_different_", field),
          .needs = std::move(needs),
          .apply =
              [change](Scenario& s) {
                s.is_stored = true;
                change(s);
              },
          .fields_before = fields_before};
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
      Imported("imported_event_timestamp_out_of_range", "0", [](Scenario&) {}),
      Imported("imported_event_timestamp_must_not_advance", "batch",
               [](Scenario& s) { s.time = Time::kBatch; }),
      Field("reserved_flag", {{"flags:unknown", "yes"}}, [](Transfer& t) { t.flags |= 1 << 15; }),
      Field("id_must_not_be_zero", {{"id", "0"}}, [](Transfer& t) { t.id = {}; }),
      Field("id_must_not_be_int_max", {{"id", "max"}}, [](Transfer& t) { t.id = kIdMax; }),
  };
}

std::vector<Violation<Scenario>> Exists() {
  return {
      Differs("flags", 0, {{"flags:post", "yes"}}, [](Scenario& s) { s.stored = NewVoid(50, 40); }),
      Differs("pending_id", 1, {{"pending_id", "40"}},
              [](Scenario& s) {
                s.stored.pending_id = {0, 42};
              }),
      Differs("timeout", 2, {{"timeout", "1"}}, [](Scenario& s) { s.event.timeout_s = 1; }),
      Differs("debit_account_id", 3, {{"debit_account_id", "5"}},
              [](Scenario& s) {
                s.event.debit_account_id = {0, 5};
              }),
      Differs("credit_account_id", 4, {{"credit_account_id", "5"}},
              [](Scenario& s) {
                s.event.credit_account_id = {0, 5};
              }),
      Differs("amount", 5, {}, [](Scenario& s) { s.stored.amount = 7; }),
      Differs("user_data_128", 6, {},
              [](Scenario& s) {
                s.stored.user_data_128 = {0, 1};
              }),
      Differs("user_data_64", 7, {}, [](Scenario& s) { s.stored.user_data_64 = 1; }),
      Differs("user_data_32", 8, {}, [](Scenario& s) { s.stored.user_data_32 = 1; }),
      Differs("ledger", 9, {{"ledger", "9"}}, [](Scenario& s) { s.event.ledger = 9; }),
      Differs("code", 10, {{"code", "9"}}, [](Scenario& s) { s.event.code = 9; }),
      Differs("", 11, {}, [](Scenario&) {}),
      State("id_already_failed", {{"id", "burnt"}}, [](Scenario& s) { s.is_burnt = true; }),
  };
}

std::vector<Violation<Scenario>> Fields() {
  std::vector<Violation<Scenario>> all;
  for (const uint16_t flag :
       {Flags::kPending, Flags::kBalancingDebit, Flags::kBalancingCredit, Flags::kClosingDebit,
        Flags::kClosingCredit, Flags::kVoidPendingTransfer}) {
    all.push_back({.status = "flags_are_mutually_exclusive",
                   .needs = {{"flags:exclusive", std::to_string(flag)}, {"flags:post", "yes"}},
                   .apply = [flag](Scenario& s) { s.event.flags |= flag; },
                   .fields_before = -1});
  }
  const std::vector<Violation<Scenario>> rest = {
      Field("pending_id_must_not_be_zero", {{"pending_id", "0"}, {"pending", "none"}},
            [](Transfer& t) { t.pending_id = {}; }),
      Field("pending_id_must_not_be_int_max", {{"pending_id", "max"}, {"pending", "none"}},
            [](Transfer& t) { t.pending_id = kIdMax; }),
      Field("pending_id_must_be_different",
            {{"pending_id", "own"}, {"id", "50"}, {"pending", "none"}},
            [](Transfer& t) { t.pending_id = t.id; }),
      Field("timeout_reserved_for_pending_transfer", {{"timeout", "1"}},
            [](Transfer& t) { t.timeout_s = 1; }),
      Field("pending_transfer_not_found", {{"pending_id", "99"}, {"pending", "none"}},
            [](Transfer& t) {
              t.pending_id = {0, 99};
            }),
      Field("pending_transfer_not_pending", {{"pending_id", "41"}, {"fate", "never open"}},
            [](Transfer& t) {
              t.pending_id = {0, 41};
            }),
      Field("pending_transfer_has_different_debit_account_id",
            {{"pending", "there"}, {"debit_account_id", "5"}},
            [](Transfer& t) {
              t.debit_account_id = {0, 5};
            }),
      Field("pending_transfer_has_different_credit_account_id",
            {{"pending", "there"}, {"credit_account_id", "5"}},
            [](Transfer& t) {
              t.credit_account_id = {0, 5};
            }),
      Field("pending_transfer_has_different_ledger", {{"pending", "there"}, {"ledger", "9"}},
            [](Transfer& t) { t.ledger = 9; }),
      Field("pending_transfer_has_different_code", {{"pending", "there"}, {"code", "9"}},
            [](Transfer& t) { t.code = 9; }),
      Field("exceeds_pending_transfer_amount", {{"pending", "there"}, {"amount", "11"}},
            [](Transfer& t) { t.amount = 11; }),
      Field("pending_transfer_has_different_amount",
            {{"pending", "there"}, {"amount", "9"}, {"flags:post", "no"}},
            [](Transfer& t) {
              t.flags = static_cast<uint16_t>((t.flags & ~Flags::kPostPendingTransfer) |
                                              Flags::kVoidPendingTransfer);
              t.amount = 9;
            }),
  };
  all.insert(all.end(), rest.begin(), rest.end());
  return all;
}

std::vector<Violation<Scenario>> States() {
  return {
      State("pending_transfer_already_posted", {{"pending", "there"}, {"fate", "posted"}},
            [](Scenario& s) { s.fate = Fate::kPosted; }),
      State("pending_transfer_already_voided", {{"pending", "there"}, {"fate", "voided"}},
            [](Scenario& s) { s.fate = Fate::kVoided; }),
      State("pending_transfer_expired", {{"pending", "there"}, {"fate", "expired"}},
            [](Scenario& s) { s.fate = Fate::kExpired; }),
      Imported("imported_event_timestamp_must_not_regress", "1",
               [](Scenario& s) { s.time = Time::kOld; }),
      State("debit_account_already_closed", {{"pending", "there"}, {"flags:post", "yes"}},
            [](Scenario& s) { s.debit_is_closed = true; }),
      State("credit_account_already_closed", {{"pending", "there"}, {"flags:post", "yes"}},
            [](Scenario& s) { s.credit_is_closed = true; }),
  };
}

TEST_CASE("a post or void that deserves two statuses is told the one of higher precedence",
          "[state_machine][precedence]") {
  std::vector<Violation<Scenario>> all;
  for (const auto& part : {BeforeExists(), Exists(), Fields(), States()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  const int met = CheckPrecedence<Scenario>(
      all,
      {"flags", "pending_id", "timeout", "debit_account_id", "credit_account_id", "amount",
       "user_data_128", "user_data_64", "user_data_32", "ledger", "code"},
      [] { return Scenario(); }, Run);
  CHECK(met > 500);
}

}  // namespace
}  // namespace ledger
