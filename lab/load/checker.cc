#include "lab/load/checker.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/invariant.h"

namespace lab {
namespace {

constexpr size_t kFindingsMax = 20;

}  // namespace

Checker::Checker(const AccountSpace& space, std::vector<Balance> opening)
    : space_(space), expected_(std::move(opening)) {
  INVARIANT(expected_.size() == space_.size());
}

void Checker::Find(std::string finding) {
  if (verdict_.findings.size() < kFindingsMax) verdict_.findings.push_back(std::move(finding));
}

void Checker::Expect(const Leg& leg) {
  if (const auto debit = space_.OrdinalOf(leg.debit)) expected_[*debit].debits += leg.amount;
  if (const auto credit = space_.OrdinalOf(leg.credit)) expected_[*credit].credits += leg.amount;
}

void Checker::Count(const OutcomeRow& row) {
  verdict_.attempts_failed += row.attempts_failed;
  if (row.answer.unexpected || row.answer.outcome == Outcome::kUnanswered) {
    ++verdict_.client_errors;
    Find(absl::StrCat(
        "transaction ", row.number, " (", ToString(row.kind), row.repeat ? ", repeated" : "",
        "): ", row.answer.outcome == Outcome::kUnanswered ? "no answer" : "unexpected", ", code ",
        row.answer.code));
  }
  KindCounts& counts = verdict_.kinds[row.kind];
  if (row.repeat) {
    ++verdict_.repeats;
    ++counts.repeats;
    return;
  }
  switch (row.answer.outcome) {
    case Outcome::kAcknowledged: {
      ++verdict_.acknowledged;
      ++counts.acknowledged;
      verdict_.latency_us.Add(row.latency_us);
      const uint64_t at = row.scheduled_us + row.latency_us;
      if (last_acknowledged_us_ && at > *last_acknowledged_us_) {
        verdict_.longest_gap_us = std::max(verdict_.longest_gap_us, at - *last_acknowledged_us_);
      }
      last_acknowledged_us_ = std::max(last_acknowledged_us_.value_or(0), at);
      return;
    }
    case Outcome::kRefused:
      ++verdict_.refused;
      ++counts.refused;
      return;
    case Outcome::kUnanswered:
      ++verdict_.unanswered;
      ++counts.unanswered;
      return;
  }
}

void Checker::JudgeAcknowledged(const OutcomeRow& row, absl::Span<const std::optional<Leg>> found) {
  for (size_t i = 0; i < row.legs.size(); ++i) {
    if (found[i] == row.legs[i]) {
      Expect(*found[i]);
      continue;
    }
    ++verdict_.lost;
    if (found[i]) Expect(*found[i]);
    Find(absl::StrCat("transfer ", base::ToString(row.legs[i].id), " of transaction ", row.number,
                      " was acknowledged and ",
                      found[i] ? "is there with another content" : "is not there"));
  }
}

void Checker::Judge(const OutcomeRow& row, absl::Span<const std::optional<Leg>> found) {
  INVARIANT(found.size() == row.legs.size());
  Count(row);
  const auto there = static_cast<size_t>(
      std::count_if(found.begin(), found.end(), [](const auto& leg) { return leg.has_value(); }));
  switch (row.answer.outcome) {
    case Outcome::kAcknowledged: JudgeAcknowledged(row, found); return;
    case Outcome::kRefused:
      verdict_.refused_found += there;
      if (there > 0) {
        Find(absl::StrCat("transaction ", row.number, " was refused with code ", row.answer.code,
                          " and ", there, " of its transfers are there"));
      }
      break;
    case Outcome::kUnanswered:
      if (there != 0 && there != found.size()) {
        ++verdict_.partial;
        Find(absl::StrCat("of transaction ", row.number, " only ", there, " of ", found.size(),
                          " transfers are there"));
      }
      break;
  }
  for (const std::optional<Leg>& leg : found) {
    if (leg) Expect(*leg);
  }
}

void Checker::JudgeBalance(uint64_t ordinal, const std::optional<Balance>& found) {
  const Balance& expected = expected_[ordinal];
  if (found == expected) return;
  ++verdict_.wrong_balances;
  const std::string id = base::ToString(space_.IdOf(ordinal));
  if (!found) {
    Find(absl::StrCat("account ", id, " is not there"));
    return;
  }
  if (found->debits > expected.debits) ++debits_above_;
  if (found->credits > expected.credits) ++credits_above_;
  Find(absl::StrCat("account ", id, " has debits ", found->debits, " and credits ", found->credits,
                    " instead of ", expected.debits, " and ", expected.credits));
}

void Checker::JudgeHistory(uint64_t ordinal, absl::Span<const Leg> transfers,
                           const Balance& found) {
  const base::Id128 account = space_.IdOf(ordinal);
  absl::flat_hash_set<base::Id128> seen;
  seen.reserve(transfers.size());
  Balance sum;
  for (const Leg& leg : transfers) {
    (leg.debit == account ? sum.debits : sum.credits) += leg.amount;
    if (seen.insert(leg.id).second) continue;
    ++twice_in_history_;
    Find(absl::StrCat("transfer ", base::ToString(leg.id), " is twice in the history of account ",
                      base::ToString(account)));
  }
  if (sum == found) return;
  ++verdict_.wrong_balances;
  Find(absl::StrCat("the history of account ", base::ToString(account), " adds up to debits ",
                    sum.debits, " and credits ", sum.credits, "; it has ", found.debits, " and ",
                    found.credits));
}

// A movement that nothing explains leaves one debit and one credit too many, or shows twice.
Verdict Checker::TakeVerdict() {
  verdict_.duplicated = std::max({debits_above_, credits_above_, twice_in_history_});
  return std::move(verdict_);
}

}  // namespace lab
