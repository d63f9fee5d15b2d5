#include "lab/load/generator.h"

#include <catch2/catch.hpp>

#include <map>
#include <set>

#include "ledger/core/types.h"

namespace lab {
namespace {

const Workload& Default() {
  static const Workload workload = *ParseWorkload("workload.yaml", DefaultWorkloadYaml());
  return workload;
}

AccountSpace Space() { return AccountSpace(*MakeShape(Default(), 2, 1'000)); }

constexpr base::Id128 kPayer{1, 1};
constexpr base::Id128 kReceiver{1, 2};
constexpr base::Id128 kFeeAccount{1, 3};
constexpr base::Id128 kExciseAccount{1, 4};

std::vector<Leg> Chain(uint64_t net, uint64_t fee, uint64_t percent) {
  return MakeChain({.payer = kPayer,
                    .receiver = kReceiver,
                    .fee_account = kFeeAccount,
                    .excise_account = kExciseAccount,
                    .net = net,
                    .fee = fee,
                    .excise_percent = percent});
}

TEST_CASE("a chain pays the receiver, and splits the fee into revenue and excise", "[load]") {
  const std::vector<Leg> legs = Chain(100'000, 1'150, 15);
  REQUIRE(legs.size() == 3);
  CHECK(legs[0] == Leg{{}, kPayer, kReceiver, 100'000});
  CHECK(legs[1] == Leg{{}, kPayer, kFeeAccount, 1'000});
  CHECK(legs[2] == Leg{{}, kPayer, kExciseAccount, 150});
}

TEST_CASE("a chain has no leg that moves nothing", "[load]") {
  CHECK(Chain(100, 0, 15).size() == 1);
  CHECK(Chain(100, 50, 0).size() == 2);
}

TEST_CASE("the same seed gives the same transactions", "[load]") {
  Generator one(&Default(), Space(), 7);
  Generator two(&Default(), Space(), 7);
  Generator other(&Default(), Space(), 8);
  int different = 0;
  for (int i = 0; i < 1'000; ++i) {
    const Transaction transaction = one.Next();
    REQUIRE(transaction == two.Next());
    REQUIRE(one.Gap() == two.Gap());
    if (!(transaction == other.Next())) ++different;
    if (i % 2 == 0) {
      one.Acknowledged(transaction);
      two.Acknowledged(transaction);
    }
  }
  CHECK(different == 1'000);
}

// What the payer is asked for beyond the amount, by kind, in units.
uint64_t FeeOnTop(const Transaction& transaction) {
  const KindRule& rule = Default().kinds.at(transaction.kind);
  const uint64_t units = transaction.amount / Default().minor_units;
  return rule.fee ? *Fee(Default(), *rule.fee, units) * Default().minor_units : 0;
}

TEST_CASE("the legs of every kind add up", "[load][property]") {
  const uint64_t seed = GENERATE(range(uint64_t{1}, uint64_t{4}));
  CAPTURE(seed);
  const AccountSpace space = Space();
  Generator generator(&Default(), space, seed);
  std::map<Kind, int> kinds;
  std::set<base::Id128> ids;
  for (int i = 0; i < 20'000; ++i) {
    const Transaction transaction = generator.Next();
    generator.Acknowledged(transaction);
    CAPTURE(transaction.number, ToString(transaction.kind));
    REQUIRE_FALSE(transaction.legs.empty());
    if (transaction.repeat) continue;
    ++kinds[transaction.kind];
    uint64_t debited = 0;
    uint64_t fee = 0;
    uint64_t excise = 0;
    for (const Leg& leg : transaction.legs) {
      REQUIRE(ids.insert(leg.id).second);
      REQUIRE(leg.debit != leg.credit);
      REQUIRE(leg.amount > 0);
      REQUIRE(ledger::ShardOfAccount(leg.debit) == transaction.shard);
      REQUIRE(ledger::ShardOfAccount(leg.credit) == transaction.shard);
      debited += leg.amount;
      if (leg.credit == space.Id(transaction.shard, AccountKind::kFee, 0)) fee += leg.amount;
      if (leg.credit == space.Id(transaction.shard, AccountKind::kExcise, 0)) excise += leg.amount;
    }
    if (transaction.expected_code != 0) continue;
    REQUIRE(debited == transaction.amount + FeeOnTop(transaction));
    REQUIRE(excise == (transaction.kind == Kind::kB2b ? 0 : (fee + excise) * 15 / 115));
    REQUIRE(transaction.legs[0].amount + fee + excise == debited);
    for (const Leg& leg : transaction.legs) {
      REQUIRE(space.OrdinalOf(leg.debit).has_value());
      REQUIRE(space.OrdinalOf(leg.credit).has_value());
      REQUIRE(leg.debit == transaction.payer);
    }
  }
  for (const auto& [kind, rule] : Default().kinds) {
    CAPTURE(ToString(kind));
    CHECK(kinds[kind] > 0);
  }
}

TEST_CASE("the mix has the workload's shares", "[load]") {
  Generator generator(&Default(), Space(), 1);
  std::map<Kind, double> share;
  double rejected = 0;
  double repeated = 0;
  constexpr int kCount = 50'000;
  for (int i = 0; i < kCount; ++i) {
    const Transaction transaction = generator.Next();
    generator.Acknowledged(transaction);
    if (transaction.repeat) {
      repeated += 100.0 / kCount;
    } else if (transaction.expected_code != 0) {
      rejected += 100.0 / kCount;
    } else {
      share[transaction.kind] += 100.0 / kCount;
    }
  }
  CHECK(repeated == Approx(1.5).margin(0.3));
  CHECK(rejected == Approx(4).margin(0.5));
  CHECK(share[Kind::kSend] == Approx(30 / 84.1 * 94.5).margin(1));
  CHECK(share[Kind::kBuyGoods] == Approx(25 / 84.1 * 94.5).margin(1));
  CHECK(share[Kind::kWithdraw] == Approx(7 / 84.1 * 94.5).margin(1));
}

TEST_CASE("a transaction is reversed at most once", "[load]") {
  Workload workload = Default();
  workload.kinds[Kind::kReversal].weight = 40;
  Generator generator(&workload, Space(), 3);
  std::set<uint64_t> reversed;
  for (int i = 0; i < 10'000; ++i) {
    const Transaction transaction = generator.Next();
    generator.Acknowledged(transaction);
    if (transaction.kind != Kind::kReversal || transaction.repeat) continue;
    REQUIRE(reversed.insert(transaction.reference).second);
  }
  CHECK(reversed.size() > 1'000);
}

TEST_CASE("tills are hot by Zipf's law", "[load]") {
  const AccountSpace space(*MakeShape(Default(), 1, 100'000));
  Generator generator(&Default(), space, 1);
  std::map<base::Id128, double> credits;
  double all = 0;
  for (int i = 0; i < 50'000; ++i) {
    const Transaction transaction = generator.Next();
    if (transaction.kind != Kind::kBuyGoods) continue;
    ++credits[transaction.receiver];
    ++all;
  }
  double hot = 0;
  for (uint32_t i = 0; i < 16; ++i) hot += credits[space.Id(0, AccountKind::kTill, i)];
  CHECK(hot / all == Approx(0.45).margin(0.03));
}

TEST_CASE("arrivals come at the mean rate", "[load]") {
  Generator generator(&Default(), Space(), 1);
  double sum = 0;
  for (int i = 0; i < 100'000; ++i) sum += generator.Gap();
  CHECK(sum / 100'000 == Approx(1).margin(0.02));
}

TEST_CASE("every account has an ordinal of its own, and back", "[load]") {
  const AccountSpace space = Space();
  std::set<base::Id128> ids;
  for (uint64_t ordinal = 0; ordinal < space.size(); ++ordinal) {
    const base::Id128 id = space.IdOf(ordinal);
    REQUIRE(ids.insert(id).second);
    REQUIRE(space.OrdinalOf(id) == ordinal);
    REQUIRE(ledger::ShardOfAccount(id) == ordinal / 1'000);
  }
  CHECK_FALSE(space.OrdinalOf(AccountSpace::UnknownId(0, 1)));
  CHECK_FALSE(space.OrdinalOf({space.IdOf(0).high, 2}));
  CHECK_FALSE(space.OrdinalOf({uint64_t{2} << 48 | space.IdOf(0).high, 1}));
}

TEST_CASE("a shard too small for all kinds of accounts is refused", "[load]") {
  CHECK_FALSE(MakeShape(Default(), 1, 15).ok());
  CHECK(MakeShape(Default(), 1, 16).ok());
  CHECK_FALSE(MakeShape(Default(), 0, 100).ok());
}

}  // namespace
}  // namespace lab
