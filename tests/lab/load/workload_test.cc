#include "lab/load/workload.h"

#include <catch2/catch.hpp>

#include "absl/strings/str_replace.h"

namespace lab {
namespace {

using Catch::Matchers::Contains;

Workload Default() {
  const auto workload = ParseWorkload("workload.yaml", DefaultWorkloadYaml());
  INFO(workload.status().message());
  REQUIRE(workload.ok());
  return *workload;
}

std::string ErrorOf(const std::string& from, const std::string& to) {
  const std::string yaml = absl::StrReplaceAll(DefaultWorkloadYaml(), {{from, to}});
  REQUIRE(yaml != DefaultWorkloadYaml());
  const auto workload = ParseWorkload("w.yaml", yaml);
  REQUIRE_FALSE(workload.ok());
  return std::string(workload.status().message());
}

TEST_CASE("the tariff's rows give the fee of an amount", "[load]") {
  const Workload workload = Default();
  using Row = std::tuple<uint64_t, int, int, int, int>;  // -1: not allowed.
  const auto [amount, send, withdraw, pay_bill, business] =
      GENERATE(values<Row>({{1, 0, -1, 0, 0},
                            {49, 0, -1, 0, 0},
                            {50, 0, 11, 0, 0},
                            {100, 0, 11, 0, 0},
                            {101, 7, 29, 5, 0},
                            {1'000, 13, 29, 10, 0},
                            {1'001, 23, 29, 10, 5},
                            {3'500, 53, 52, 16, 9},
                            {20'000, 105, 185, 19, 43},
                            {50'001, 108, 309, 24, 84},
                            {250'000, 108, 309, 24, 84}}));
  DYNAMIC_SECTION("amount " << amount) {
    const auto fee = [&, amount = amount](Column column) {
      const auto found = Fee(workload, column, amount);
      return found ? static_cast<int>(*found) : -1;
    };
    CHECK(fee(Column::kSend) == send);
    CHECK(fee(Column::kWithdraw) == withdraw);
    CHECK(fee(Column::kPayBill) == pay_bill);
    CHECK(fee(Column::kBusiness) == business);
  }
}

TEST_CASE("no fee is known outside the tariff", "[load]") {
  const Workload workload = Default();
  CHECK_FALSE(Fee(workload, Column::kSend, 0));
  CHECK_FALSE(Fee(workload, Column::kSend, 250'001));
}

TEST_CASE("excise is the part of the quoted fee that the rate gives, rounded down", "[load]") {
  CHECK(Excise(11'500, 15) == 1'500);
  CHECK(Excise(2'900, 15) == 378);
  CHECK(Excise(2'900, 0) == 0);
  CHECK(Excise(0, 15) == 0);
}

TEST_CASE("a mistake in a workload file is named with its place and what to write", "[load]") {
  struct Mistake {
    std::string from;
    std::string to;
    std::string message;
  };
  const auto mistake = GENERATE(values<Mistake>({
      {"arrivals: poisson", "arrivals: often ", "w.yaml:6:11: arrivals must be 'poisson' or"},
      {"excise_percent:", "excise_procent:", "w.yaml:7:1: unknown key 'excise_procent'"},
      {"excise_percent:", "excise_procent:", "the workload lacks 'excise_percent'"},
      {"{from: 50, to: 100, send: 0", "{from: 51, to: 100, send: 0", "write 50"},
      {"minimum: 50", "minimum: 49", "column withdraw has no fee for 1-49"},
      {"fee: send", "fee: sent", "not a column of the tariff; write one of send,"},
      {"{weight: 10}", "{weight: ten}", "weight must be a number"},
      {"customer: 100000", "customer: 600000", "customer must be a whole number from 0 to 500000"},
      {"limits: {transaction: 250000", "limits: {transaction: 260000", "must end at"},
      {"kind: Workload", "kind: Workload\nkind: Workload", "'kind' is there twice"},
      {"kind: Workload", "kind: [", "w.yaml:"},
  }));
  DYNAMIC_SECTION(mistake.from << " → " << mistake.to) {
    CHECK_THAT(ErrorOf(mistake.from, mistake.to), Contains(mistake.message));
  }
}

TEST_CASE("all mistakes are reported at once", "[load]") {
  const std::string yaml = absl::StrReplaceAll(
      DefaultWorkloadYaml(), {{"poisson", "often"}, {"minor_units: 100", "minor_units: 0"}});
  const auto workload = ParseWorkload("w.yaml", yaml);
  REQUIRE_FALSE(workload.ok());
  CHECK_THAT(std::string(workload.status().message()),
             Contains("arrivals must") && Contains("currency.minor_units must"));
}

}  // namespace
}  // namespace lab
