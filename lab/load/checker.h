// The proof that nothing acknowledged was lost and nothing happened twice: what a run wrote down
// against what the ledger has. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "lab/load/accounts.h"
#include "lab/load/histogram.h"
#include "lab/load/outcome.h"

namespace lab {

// The posted side of an account. Minor units.
struct Balance {
  uint64_t debits = 0;
  uint64_t credits = 0;
  friend bool operator==(const Balance&, const Balance&) = default;
};

// Transactions by outcome; repeats are none of the first three.
struct KindCounts {
  uint64_t acknowledged = 0;
  uint64_t refused = 0;
  uint64_t unanswered = 0;
  uint64_t repeats = 0;
};

struct Verdict {
  uint64_t acknowledged = 0;
  uint64_t refused = 0;
  uint64_t unanswered = 0;
  uint64_t repeats = 0;
  uint64_t lost = 0;            // Acknowledged transfers that are not there as acknowledged.
  uint64_t duplicated = 0;      // Movements of money that no transfer of the run explains.
  uint64_t wrong_balances = 0;  // Accounts.
  uint64_t refused_found = 0;   // Refused transfers that are there.
  uint64_t partial = 0;         // Unanswered transactions of which only some legs are there.
  uint64_t client_errors = 0;   // Transactions without an answer, or with one nobody expects.
  uint64_t attempts_failed = 0;
  uint64_t longest_gap_us = 0;  // Without any acknowledgement.
  Histogram latency_us;         // Of acknowledged transactions, from their scheduled time.
  std::map<Kind, KindCounts> kinds;
  std::vector<std::string> findings;  // The first few, in words.

  // Promise 2 held.
  bool Holds() const {
    return lost == 0 && duplicated == 0 && wrong_balances == 0 && refused_found == 0 &&
           partial == 0;
  }
};

// Takes rows, then balances and histories. Not thread-safe.
class Checker {
 public:
  // `opening`: the balances before the run, by ordinal.
  Checker(const AccountSpace& space, std::vector<Balance> opening);

  // A row with what the ledger has for each of its legs (as many; none where it has nothing).
  void Judge(const OutcomeRow& row, absl::Span<const std::optional<Leg>> found);

  // After all rows: what the ledger says of an account; none where it is not there.
  void JudgeBalance(uint64_t ordinal, const std::optional<Balance>& found);

  // All transfers of an account, in the ledger's order, against the balance it has.
  void JudgeHistory(uint64_t ordinal, absl::Span<const Leg> transfers, const Balance& found);

  Verdict TakeVerdict();

 private:
  void JudgeAcknowledged(const OutcomeRow& row, absl::Span<const std::optional<Leg>> found);
  void Count(const OutcomeRow& row);
  void Expect(const Leg& leg);
  void Find(std::string finding);

  AccountSpace space_;
  std::vector<Balance> expected_;  // By ordinal.
  Verdict verdict_;
  uint64_t debits_above_ = 0;  // Accounts.
  uint64_t credits_above_ = 0;
  uint64_t twice_in_history_ = 0;
  std::optional<uint64_t> last_acknowledged_us_;
};

}  // namespace lab
