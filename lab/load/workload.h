// What the load does, read from a workload file: every number of it is a parameter.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lab {

// Kinds of transactions; the number is the `code` of their transfers.
enum class Kind : uint8_t {
  kFloatIssue = 1,
  kDeposit = 2,
  kWithdraw = 3,
  kSend = 4,
  kBuyGoods = 5,
  kAirtime = 6,
  kB2c = 7,
  kB2b = 8,
  kReversal = 9,
};
absl::string_view ToString(Kind kind);  // "buy_goods"

// Who pays by which column of the tariff.
enum class Column : uint8_t { kSend = 0, kWithdraw = 1, kPayBill = 2, kBusiness = 3 };
inline constexpr size_t kColumns = 4;

// One row of the tariff, in whole units; no fee: not allowed in this band.
struct Band {
  uint64_t from = 0;
  uint64_t to = 0;  // Inclusive.
  std::array<std::optional<uint64_t>, kColumns> fees;
};

struct KindRule {
  double weight = 0;
  std::optional<Column> fee;           // The payer's, on top of the amount.
  std::optional<Column> merchant_fee;  // The receiver's, out of the amount.
  uint64_t minimum = 1;                // Whole units.
};

struct AmountBand {
  uint64_t from = 0;
  uint64_t to = 0;
  double weight = 0;
};

struct AccountShares {  // Per thousand.
  uint64_t agents = 0;
  uint64_t tills = 0;
  uint64_t paybills = 0;
  double hot_exponent = 0;
};

struct OpeningBalances {  // Whole units.
  uint64_t customer = 0;
  uint64_t agent = 0;
  uint64_t till = 0;
  uint64_t paybill = 0;
  uint64_t b2c_utility = 0;
};

struct Workload {
  uint32_t currency = 0;  // `ledger` of accounts and transfers.
  uint64_t minor_units = 1;
  bool poisson = true;  // Arrivals; else evenly spaced.
  uint64_t excise_percent = 0;
  double rejected_percent = 0;
  double repeated_percent = 0;
  uint64_t transaction_max = 0;
  uint64_t balance_max = 0;
  std::vector<Band> tariff;  // Contiguous from 1 to transaction_max.
  std::map<Kind, KindRule> kinds;
  std::vector<AmountBand> amounts;
  AccountShares accounts;
  OpeningBalances opening;
};

// The file that is compiled in.
std::string DefaultWorkloadYaml();

// Reads a workload file. INVALID_ARGUMENT has all that is wrong, one `path:line:column: …` a line.
absl::StatusOr<Workload> ParseWorkload(absl::string_view path, const std::string& yaml);

// The fee for `amount`, both in whole units; none where the tariff does not allow it.
std::optional<uint64_t> Fee(const Workload& workload, Column column, uint64_t amount);

// The part of a fee that is excise, rounded down, in the unit of `fee`.
uint64_t Excise(uint64_t fee, uint64_t percent);

}  // namespace lab
