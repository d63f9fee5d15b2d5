#include "lab/load/workload.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace lab {
namespace {

constexpr uint64_t kUnitsMax = 1'000'000'000'000;  // Sums stay far from 64 bits.

constexpr std::array<absl::string_view, kColumns> kColumnNames = {"send", "withdraw", "pay_bill",
                                                                  "business"};

struct KindName {
  Kind kind = Kind::kSend;
  absl::string_view name;
};
constexpr std::array<KindName, 9> kKindNames = {{{Kind::kFloatIssue, "float_issue"},
                                                 {Kind::kDeposit, "deposit"},
                                                 {Kind::kWithdraw, "withdraw"},
                                                 {Kind::kSend, "send"},
                                                 {Kind::kBuyGoods, "buy_goods"},
                                                 {Kind::kAirtime, "airtime"},
                                                 {Kind::kB2c, "b2c"},
                                                 {Kind::kB2b, "b2b"},
                                                 {Kind::kReversal, "reversal"}}};

struct Key {
  absl::string_view name;
  bool required = true;
};

// Reads YAML strictly and collects everything that is wrong.
class Reader {
 public:
  explicit Reader(absl::string_view path) : path_(path) {}

  void Problem(const YAML::Mark& mark, absl::string_view message) {
    const int line = mark.is_null() ? 1 : mark.line + 1;
    const int column = mark.is_null() ? 1 : mark.column + 1;
    problems_.push_back(absl::StrCat(path_, ":", line, ":", column, ": ", message));
  }

  // Whether `node` is a map with all required keys; any other key is a problem.
  bool Keys(const YAML::Node& node, absl::string_view what, std::initializer_list<Key> keys) {
    if (!node.IsMap()) {
      Problem(node.Mark(), absl::StrCat(what, " must be a map; write `key: value` pairs"));
      return false;
    }
    std::set<std::string> seen;
    for (const auto& entry : node) {
      const std::string name = entry.first.Scalar();
      const bool known =
          std::any_of(keys.begin(), keys.end(), [&](const Key& key) { return key.name == name; });
      if (!known) {
        const auto names = absl::StrJoin(
            keys, ", ", [](std::string* out, const Key& key) { absl::StrAppend(out, key.name); });
        Problem(entry.first.Mark(),
                absl::StrCat("unknown key '", name, "' in ", what, "; known are ", names));
      }
      if (!seen.insert(name).second) {
        Problem(entry.first.Mark(), absl::StrCat("'", name, "' is there twice; remove one"));
      }
    }
    bool complete = true;
    for (const Key& key : keys) {
      if (!key.required || seen.contains(std::string(key.name))) continue;
      Problem(node.Mark(), absl::StrCat(what, " lacks '", key.name, "'; add it"));
      complete = false;
    }
    return complete;
  }

  bool List(const YAML::Node& node, absl::string_view what) {
    if (node.IsSequence() && node.size() > 0) return true;
    Problem(node.Mark(), absl::StrCat(what, " must be a list of at least one entry"));
    return false;
  }

  uint64_t Whole(const YAML::Node& node, absl::string_view what, uint64_t min, uint64_t max) {
    uint64_t value = 0;
    if (node.IsScalar() && absl::SimpleAtoi(node.Scalar(), &value) && value >= min &&
        value <= max) {
      return value;
    }
    Problem(node.Mark(), absl::StrCat(what, " must be a whole number from ", min, " to ", max));
    return min;
  }

  double Number(const YAML::Node& node, absl::string_view what, double max) {
    double value = 0;
    if (node.IsScalar() && absl::SimpleAtod(node.Scalar(), &value) && std::isfinite(value) &&
        value >= 0 && value <= max) {
      return value;
    }
    Problem(node.Mark(), absl::StrCat(what, " must be a number from 0 to ", max));
    return 0;
  }

  void Text(const YAML::Node& node, absl::string_view what, absl::string_view expected) {
    if (node.IsScalar() && node.Scalar() == expected) return;
    Problem(node.Mark(), absl::StrCat(what, " must be '", expected, "'"));
  }

  absl::Status status() const {
    if (problems_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrJoin(problems_, "\n"));
  }
  bool ok() const { return problems_.empty(); }

 private:
  std::string path_;
  std::vector<std::string> problems_;
};

void ReadScalars(Reader& reader, const YAML::Node& root, Workload& workload) {
  reader.Text(root["apiVersion"], "apiVersion", "hamisha/v1");
  reader.Text(root["kind"], "kind", "Workload");
  if (reader.Keys(root["currency"], "currency", {{"ledger"}, {"minor_units"}})) {
    workload.currency = static_cast<uint32_t>(
        reader.Whole(root["currency"]["ledger"], "currency.ledger", 1, UINT32_MAX));
    workload.minor_units =
        reader.Whole(root["currency"]["minor_units"], "currency.minor_units", 1, 1'000);
  }
  const YAML::Node arrivals = root["arrivals"];
  workload.poisson = arrivals.IsScalar() && arrivals.Scalar() == "poisson";
  if (!workload.poisson && !(arrivals.IsScalar() && arrivals.Scalar() == "even")) {
    reader.Problem(arrivals.Mark(), "arrivals must be 'poisson' or 'even'");
  }
  workload.excise_percent = reader.Whole(root["excise_percent"], "excise_percent", 0, 100);
  workload.rejected_percent = reader.Number(root["rejected_percent"], "rejected_percent", 50);
  workload.repeated_percent = reader.Number(root["repeated_percent"], "repeated_percent", 50);
  if (reader.Keys(root["limits"], "limits", {{"transaction"}, {"balance"}})) {
    const YAML::Node limits = root["limits"];
    workload.transaction_max =
        reader.Whole(limits["transaction"], "limits.transaction", 1, kUnitsMax);
    workload.balance_max = reader.Whole(limits["balance"], "limits.balance", 1, kUnitsMax);
  }
}

void ReadTariff(Reader& reader, const YAML::Node& rows, Workload& workload) {
  if (!reader.List(rows, "tariff")) return;
  uint64_t next = 1;
  for (const YAML::Node& row : rows) {
    if (!reader.Keys(row, "a tariff row",
                     {{"from"}, {"to"}, {"send"}, {"withdraw"}, {"pay_bill"}, {"business"}})) {
      continue;
    }
    Band band;
    band.from = reader.Whole(row["from"], "from", 1, kUnitsMax);
    band.to = reader.Whole(row["to"], "to", band.from, kUnitsMax);
    if (band.from != next) {
      reader.Problem(row["from"].Mark(),
                     absl::StrCat("the row must begin where the one before ends; write ", next));
    }
    next = band.to + 1;
    for (size_t column = 0; column < kColumns; ++column) {
      const YAML::Node fee = row[std::string(kColumnNames[column])];
      if (fee.IsScalar() && fee.Scalar() == "n/a") continue;
      band.fees[column] = reader.Whole(fee, "a fee (n/a where not allowed)", 0, band.to);
    }
    workload.tariff.push_back(band);
  }
  if (reader.ok() && next != workload.transaction_max + 1) {
    reader.Problem(rows.Mark(), absl::StrCat("the tariff must end at limits.transaction, ",
                                             workload.transaction_max));
  }
}

std::optional<Column> ReadColumn(Reader& reader, const YAML::Node& node) {
  if (!node.IsDefined()) return std::nullopt;
  for (size_t column = 0; column < kColumns; ++column) {
    if (node.IsScalar() && node.Scalar() == kColumnNames[column]) {
      return static_cast<Column>(column);
    }
  }
  reader.Problem(node.Mark(), absl::StrCat("not a column of the tariff; write one of ",
                                           absl::StrJoin(kColumnNames, ", ")));
  return std::nullopt;
}

// Every amount that the kind may have must have a fee.
void CheckFees(Reader& reader, const YAML::Node& at, const KindRule& rule,
               const Workload& workload) {
  for (const std::optional<Column> column : {rule.fee, rule.merchant_fee}) {
    if (!column) continue;
    for (const Band& band : workload.tariff) {
      if (band.to < rule.minimum || band.fees[static_cast<size_t>(*column)]) continue;
      reader.Problem(at.Mark(),
                     absl::StrCat("column ", kColumnNames[static_cast<size_t>(*column)],
                                  " has no fee for ", band.from, "-", band.to,
                                  "; write a minimum of ", band.to + 1, " or give the fee"));
    }
  }
}

void ReadKinds(Reader& reader, const YAML::Node& node, Workload& workload) {
  if (!reader.Keys(node, "kinds",
                   {{"send"},
                    {"buy_goods"},
                    {"airtime"},
                    {"withdraw"},
                    {"deposit"},
                    {"b2c"},
                    {"b2b"},
                    {"reversal"}})) {
    return;
  }
  double sum = 0;
  for (const KindName& entry : kKindNames) {
    const YAML::Node kind = node[std::string(entry.name)];
    if (!kind.IsDefined()) continue;
    if (!reader.Keys(kind, entry.name,
                     {{"weight"}, {"fee", false}, {"merchant_fee", false}, {"minimum", false}})) {
      continue;
    }
    KindRule rule;
    rule.weight = reader.Number(kind["weight"], "weight", 1e6);
    rule.fee = ReadColumn(reader, kind["fee"]);
    rule.merchant_fee = ReadColumn(reader, kind["merchant_fee"]);
    if (kind["minimum"].IsDefined()) {
      rule.minimum = reader.Whole(kind["minimum"], "minimum", 1,
                                  std::max<uint64_t>(workload.transaction_max, 1));
    }
    CheckFees(reader, kind, rule, workload);
    sum += rule.weight;
    workload.kinds[entry.kind] = rule;
  }
  if (reader.ok() && sum <= 0) reader.Problem(node.Mark(), "all weights are 0; give one");
}

void ReadAmounts(Reader& reader, const YAML::Node& rows, Workload& workload) {
  if (!reader.List(rows, "amounts")) return;
  double sum = 0;
  for (const YAML::Node& row : rows) {
    if (!reader.Keys(row, "an amounts row", {{"from"}, {"to"}, {"weight"}})) continue;
    AmountBand band;
    band.from = reader.Whole(row["from"], "from", 1, kUnitsMax);
    band.to = reader.Whole(row["to"], "to", band.from,
                           std::max<uint64_t>(workload.transaction_max, band.from));
    band.weight = reader.Number(row["weight"], "weight", 1e6);
    sum += band.weight;
    workload.amounts.push_back(band);
  }
  if (reader.ok() && sum <= 0) reader.Problem(rows.Mark(), "all weights are 0; give one");
}

void ReadAccounts(Reader& reader, const YAML::Node& root, Workload& workload) {
  const YAML::Node accounts = root["accounts"];
  if (reader.Keys(accounts, "accounts", {{"agents"}, {"tills"}, {"paybills"}, {"hot_exponent"}})) {
    workload.accounts.agents = reader.Whole(accounts["agents"], "agents", 0, 300);
    workload.accounts.tills = reader.Whole(accounts["tills"], "tills", 0, 300);
    workload.accounts.paybills = reader.Whole(accounts["paybills"], "paybills", 0, 300);
    workload.accounts.hot_exponent = reader.Number(accounts["hot_exponent"], "hot_exponent", 5);
  }
  const YAML::Node opening = root["opening"];
  if (reader.Keys(opening, "opening",
                  {{"customer"}, {"agent"}, {"till"}, {"paybill"}, {"b2c_utility"}})) {
    workload.opening.customer = reader.Whole(opening["customer"], "customer", 0,
                                             std::max<uint64_t>(workload.balance_max, 1));
    workload.opening.agent = reader.Whole(opening["agent"], "agent", 0, kUnitsMax);
    workload.opening.till = reader.Whole(opening["till"], "till", 0, kUnitsMax);
    workload.opening.paybill = reader.Whole(opening["paybill"], "paybill", 0, kUnitsMax);
    workload.opening.b2c_utility =
        reader.Whole(opening["b2c_utility"], "b2c_utility", 0, kUnitsMax);
  }
}

}  // namespace

absl::string_view ToString(Kind kind) {
  for (const KindName& entry : kKindNames) {
    if (entry.kind == kind) return entry.name;
  }
  return "unknown";
}

absl::StatusOr<Workload> ParseWorkload(absl::string_view path, const std::string& yaml) {
  Reader reader(path);
  Workload workload;
  try {
    const YAML::Node root = YAML::Load(yaml);
    if (reader.Keys(root, "the workload",
                    {{"apiVersion"},
                     {"kind"},
                     {"currency"},
                     {"arrivals"},
                     {"excise_percent"},
                     {"rejected_percent"},
                     {"repeated_percent"},
                     {"limits"},
                     {"tariff"},
                     {"kinds"},
                     {"amounts"},
                     {"accounts"},
                     {"opening"}})) {
      ReadScalars(reader, root, workload);
      ReadTariff(reader, root["tariff"], workload);
      ReadKinds(reader, root["kinds"], workload);
      ReadAmounts(reader, root["amounts"], workload);
      ReadAccounts(reader, root, workload);
    }
  } catch (const YAML::Exception& error) {
    reader.Problem(error.mark, error.msg);
  }
  if (!reader.ok()) return reader.status();
  return workload;
}

std::optional<uint64_t> Fee(const Workload& workload, Column column, uint64_t amount) {
  const auto band =
      std::lower_bound(workload.tariff.begin(), workload.tariff.end(), amount,
                       [](const Band& row, uint64_t value) { return row.to < value; });
  if (band == workload.tariff.end() || amount < band->from) return std::nullopt;
  return band->fees[static_cast<size_t>(column)];
}

uint64_t Excise(uint64_t fee, uint64_t percent) { return fee * percent / (100 + percent); }

}  // namespace lab
