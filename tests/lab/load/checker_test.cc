#include "lab/load/checker.h"

#include <catch2/catch.hpp>

namespace lab {
namespace {

// A platform of one shard, and a run of three sends: one acknowledged, one refused, one without an
// answer. Each scenario then plants one fault.
class Run {
 public:
  Run() : space_({.shards = 1, .accounts_per_shard = 16, .agents = 2, .tills = 2, .paybills = 2}) {
    opening_.resize(space_.size(), {.debits = 0, .credits = 10'000});
    now_ = opening_;
  }

  OutcomeRow Send(uint64_t number, Outcome outcome) const {
    OutcomeRow row;
    row.number = number;
    row.scheduled_us = number * 1'000;
    row.latency_us = 100 * number;
    row.answer.outcome = outcome;
    row.legs = {{{7, number * 8}, Customer(0), Customer(1), 500},
                {{7, number * 8 + 1}, Customer(0), space_.IdOf(1), 25}};
    return row;
  }

  std::vector<std::optional<Leg>> Happened(const OutcomeRow& row) {
    std::vector<std::optional<Leg>> found;
    for (const Leg& leg : row.legs) {
      Move(leg);
      found.emplace_back(leg);
    }
    return found;
  }

  void Move(const Leg& leg) {
    now_[*space_.OrdinalOf(leg.debit)].debits += leg.amount;
    now_[*space_.OrdinalOf(leg.credit)].credits += leg.amount;
  }

  Verdict Judge(const std::vector<std::pair<OutcomeRow, std::vector<std::optional<Leg>>>>& rows) {
    Checker checker(space_, opening_);
    for (const auto& [row, found] : rows) checker.Judge(row, found);
    for (uint64_t ordinal = 0; ordinal < space_.size(); ++ordinal) {
      checker.JudgeBalance(ordinal, now_[ordinal]);
    }
    return checker.TakeVerdict();
  }

  base::Id128 Customer(uint32_t index) const { return space_.Id(0, AccountKind::kCustomer, index); }
  const AccountSpace& space() const { return space_; }
  std::vector<Balance>& now() { return now_; }
  const std::vector<Balance>& opening() const { return opening_; }

 private:
  AccountSpace space_;
  std::vector<Balance> opening_;
  std::vector<Balance> now_;
};

std::vector<std::optional<Leg>> Nothing() { return std::vector<std::optional<Leg>>(2); }

SCENARIO("the checker tells a good run from every bad one", "[load]") {
  Run run;
  const OutcomeRow acknowledged = run.Send(1, Outcome::kAcknowledged);
  const OutcomeRow refused = run.Send(2, Outcome::kRefused);
  const OutcomeRow unanswered = run.Send(3, Outcome::kUnanswered);

  WHEN("all is as it was answered") {
    const auto found = run.Happened(acknowledged);
    const Verdict verdict = run.Judge({{acknowledged, found}, {refused, Nothing()}});
    THEN("the promise held") {
      CHECK(verdict.Holds());
      CHECK(verdict.acknowledged == 1);
      CHECK(verdict.refused == 1);
      CHECK(verdict.client_errors == 0);
      CHECK(verdict.findings.empty());
    }
  }
  WHEN("an unanswered transaction happened, or did not") {
    const bool happened = GENERATE(true, false);
    CAPTURE(happened);
    const auto found = happened ? run.Happened(unanswered) : Nothing();
    const Verdict verdict = run.Judge({{unanswered, found}});
    THEN("either is fine, and a user saw an error") {
      CHECK(verdict.Holds());
      CHECK(verdict.unanswered == 1);
      CHECK(verdict.client_errors == 1);
    }
  }
  WHEN("half of an unanswered transaction happened") {
    run.Move(unanswered.legs[0]);
    const Verdict verdict = run.Judge({{unanswered, {unanswered.legs[0], std::nullopt}}});
    THEN("it is partial") {
      CHECK(verdict.partial == 1);
      CHECK_FALSE(verdict.Holds());
    }
  }
  WHEN("an acknowledged transfer is not there") {
    run.Move(acknowledged.legs[0]);
    const Verdict verdict = run.Judge({{acknowledged, {acknowledged.legs[0], std::nullopt}}});
    THEN("it is lost") {
      CHECK(verdict.lost == 1);
      CHECK(verdict.wrong_balances == 0);
      CHECK_FALSE(verdict.Holds());
      REQUIRE(verdict.findings.size() == 1);
    }
  }
  WHEN("an acknowledged transfer is there with another amount") {
    auto found = run.Happened(acknowledged);
    ++found[0]->amount;
    const Verdict verdict = run.Judge({{acknowledged, found}});
    THEN("it is lost") {
      CHECK(verdict.lost == 1);
      CHECK_FALSE(verdict.Holds());
    }
  }
  WHEN("the money of an acknowledged transfer moved twice") {
    const auto found = run.Happened(acknowledged);
    run.Move(acknowledged.legs[0]);
    const Verdict verdict = run.Judge({{acknowledged, found}});
    THEN("it is duplicated") {
      CHECK(verdict.duplicated == 1);
      CHECK(verdict.lost == 0);
      CHECK(verdict.wrong_balances == 2);
      CHECK_FALSE(verdict.Holds());
    }
  }
  WHEN("a refused transaction is there") {
    const auto found = run.Happened(refused);
    const Verdict verdict = run.Judge({{refused, found}});
    THEN("it is found") {
      CHECK(verdict.refused_found == 2);
      CHECK(verdict.wrong_balances == 0);
      CHECK_FALSE(verdict.Holds());
    }
  }
  WHEN("one bit of a balance is wrong") {
    const auto found = run.Happened(acknowledged);
    run.now()[*run.space().OrdinalOf(run.Customer(1))].credits ^= 1;
    const Verdict verdict = run.Judge({{acknowledged, found}});
    THEN("the balance is wrong") {
      CHECK(verdict.wrong_balances == 1);
      CHECK_FALSE(verdict.Holds());
    }
  }
}

TEST_CASE("a transfer twice in a history is a duplicate", "[load]") {
  Run run;
  const OutcomeRow row = run.Send(1, Outcome::kAcknowledged);
  const Leg leg = row.legs[0];
  const uint64_t customer = *run.space().OrdinalOf(leg.debit);
  Checker checker(run.space(), run.opening());
  const std::vector<Leg> once = {leg};
  checker.JudgeHistory(customer, once, {.debits = 500, .credits = 0});
  const std::vector<Leg> twice = {leg, leg};
  checker.JudgeHistory(customer, twice, {.debits = 1'000, .credits = 0});
  const Verdict verdict = checker.TakeVerdict();
  CHECK(verdict.duplicated == 1);
  CHECK(verdict.wrong_balances == 0);
}

TEST_CASE("a history that does not add up to the balance is a wrong balance", "[load]") {
  Run run;
  Checker checker(run.space(), run.opening());
  checker.JudgeHistory(0, {}, {.debits = 1, .credits = 0});
  CHECK(checker.TakeVerdict().wrong_balances == 1);
}

TEST_CASE("an account that is not there is a wrong balance", "[load]") {
  Run run;
  Checker checker(run.space(), run.opening());
  checker.JudgeBalance(3, std::nullopt);
  CHECK(checker.TakeVerdict().wrong_balances == 1);
}

TEST_CASE("latency and the longest gap are those of acknowledged transactions", "[load]") {
  Run run;
  Checker checker(run.space(), run.opening());
  // Answered at 1.1, 2.2, 3.3 and 10.0 ms.
  for (uint64_t number = 1; number <= 3; ++number) {
    const OutcomeRow row = run.Send(number, Outcome::kAcknowledged);
    checker.Judge(row, run.Happened(row));
  }
  OutcomeRow late = run.Send(4, Outcome::kAcknowledged);
  late.latency_us = 6'000;
  checker.Judge(late, run.Happened(late));
  OutcomeRow refused = run.Send(5, Outcome::kRefused);
  refused.latency_us = 90'000;
  refused.attempts_failed = 3;
  checker.Judge(refused, Nothing());
  const Verdict verdict = checker.TakeVerdict();
  CHECK(verdict.latency_us.max() == 6'000);
  CHECK(verdict.longest_gap_us == 6'700);
  CHECK(verdict.attempts_failed == 3);
}

TEST_CASE("a repeat is counted by itself and moves nothing", "[load]") {
  Run run;
  OutcomeRow repeat = run.Send(1, Outcome::kAcknowledged);
  repeat.repeat = true;
  repeat.legs.clear();
  const Verdict verdict = run.Judge({{repeat, {}}});
  CHECK(verdict.repeats == 1);
  CHECK(verdict.acknowledged == 0);
  CHECK(verdict.Holds());
}

}  // namespace
}  // namespace lab
