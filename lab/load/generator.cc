#include "lab/load/generator.h"

#include <algorithm>
#include <cmath>

#include "base/invariant.h"
#include "ledger/core/status.h"

namespace lab {
namespace {

constexpr size_t kRemembered = 4'096;
constexpr uint64_t kGapStream = uint64_t{1} << 63;
constexpr int kLegBits = 3;                                // Up to eight legs.
constexpr uint64_t kOverdraftUnits = 100'000'000'000'000;  // More than anyone has.

std::vector<double> ZipfShares(uint32_t count, double exponent) {
  std::vector<double> cumulative(count);
  double sum = 0;
  for (uint32_t i = 0; i < count; ++i) {
    sum += std::pow(static_cast<double>(i) + 1, -exponent);
    cumulative[i] = sum;
  }
  for (double& share : cumulative) share /= sum;
  return cumulative;
}

uint32_t PickFrom(const std::vector<double>& cumulative, Random& random) {
  const auto found = std::upper_bound(cumulative.begin(), cumulative.end(), random.Unit());
  const auto index = static_cast<size_t>(found - cumulative.begin());
  return static_cast<uint32_t>(std::min(index, cumulative.size() - 1));
}

uint32_t Code(ledger::TransferStatus status) { return static_cast<uint32_t>(status); }

}  // namespace

std::vector<Leg> MakeChain(const ChainParts& parts) {
  const uint64_t excise = Excise(parts.fee, parts.excise_percent);
  const std::array<Leg, 3> legs = {
      {{.id = {}, .debit = parts.payer, .credit = parts.receiver, .amount = parts.net},
       {.id = {}, .debit = parts.payer, .credit = parts.fee_account, .amount = parts.fee - excise},
       {.id = {}, .debit = parts.payer, .credit = parts.excise_account, .amount = excise}}};
  std::vector<Leg> chain;
  for (const Leg& leg : legs) {
    if (leg.amount > 0) chain.push_back(leg);
  }
  return chain;
}

Generator::Generator(const Workload* workload, const AccountSpace& space, uint64_t seed)
    : workload_(workload),
      space_(space),
      seed_(seed),
      hot_tills_(ZipfShares(space.Count(AccountKind::kTill), workload->accounts.hot_exponent)),
      hot_paybills_(
          ZipfShares(space.Count(AccountKind::kPaybill), workload->accounts.hot_exponent)) {}

Transaction Generator::Next() {
  Transaction transaction;
  transaction.number = next_number_++;
  Random random(seed_, transaction.number);
  const double lot = random.Unit() * 100;
  if (lot < workload_->repeated_percent && MakeRepeat(transaction, random)) return transaction;

  transaction.shard = static_cast<uint32_t>(random.Below(space_.shape().shards));
  transaction.kind = PickKind(random);
  const bool spoil = lot >= workload_->repeated_percent &&
                     lot < workload_->repeated_percent + workload_->rejected_percent;
  if (spoil) {
    transaction.kind = Kind::kSend;
  } else if (transaction.kind == Kind::kReversal) {
    if (MakeReversal(transaction, random)) return transaction;
    transaction.kind = Kind::kSend;  // Nothing to reverse yet.
  }
  PickParties(transaction, random);
  Price(transaction, PickAmount(workload_->kinds.at(transaction.kind), random));
  if (spoil) Spoil(transaction, random);
  SetIds(transaction);
  return transaction;
}

void Generator::Acknowledged(const Transaction& transaction) {
  if (transaction.repeat || transaction.expected_code != 0) return;
  if (acknowledged_.size() < kRemembered) {
    acknowledged_.push_back(transaction);
    return;
  }
  acknowledged_[oldest_] = transaction;
  oldest_ = (oldest_ + 1) % kRemembered;
}

double Generator::Gap() {
  if (!workload_->poisson) return 1;
  Random random(seed_, kGapStream | gaps_++);
  return -std::log1p(-random.Unit());
}

Kind Generator::PickKind(Random& random) const {
  double sum = 0;
  for (const auto& [kind, rule] : workload_->kinds) sum += rule.weight;
  double lot = random.Unit() * sum;
  for (const auto& [kind, rule] : workload_->kinds) {
    if (lot < rule.weight) return kind;
    lot -= rule.weight;
  }
  return Kind::kSend;  // The last sliver of rounding.
}

uint64_t Generator::PickAmount(const KindRule& rule, Random& random) const {
  double sum = 0;
  for (const AmountBand& band : workload_->amounts) sum += band.weight;
  double lot = random.Unit() * sum;
  const AmountBand* chosen = &workload_->amounts.back();
  for (const AmountBand& band : workload_->amounts) {
    if (lot < band.weight) {
      chosen = &band;
      break;
    }
    lot -= band.weight;
  }
  return std::max(rule.minimum, chosen->from + random.Below(chosen->to - chosen->from + 1));
}

base::Id128 Generator::Pick(uint32_t shard, AccountKind kind, Random& random) const {
  if (kind == AccountKind::kTill) return space_.Id(shard, kind, PickFrom(hot_tills_, random));
  if (kind == AccountKind::kPaybill) {
    return space_.Id(shard, kind, PickFrom(hot_paybills_, random));
  }
  return space_.Id(shard, kind, static_cast<uint32_t>(random.Below(space_.Count(kind))));
}

base::Id128 Generator::PickOther(uint32_t shard, AccountKind kind, const base::Id128& taken,
                                 Random& random) const {
  const base::Id128 id = Pick(shard, kind, random);
  if (id != taken) return id;
  return space_.Id(shard, kind, static_cast<uint32_t>(id.low % space_.Count(kind)));  // The next.
}

void Generator::PickParties(Transaction& transaction, Random& random) const {
  const uint32_t shard = transaction.shard;
  const auto pick = [&](AccountKind kind) { return Pick(shard, kind, random); };
  const auto business = [&] {
    return random.Below(2) == 0 ? AccountKind::kTill : AccountKind::kPaybill;
  };
  switch (transaction.kind) {
    case Kind::kDeposit:
      transaction.payer = pick(AccountKind::kAgent);
      transaction.receiver = pick(AccountKind::kCustomer);
      return;
    case Kind::kWithdraw:
      transaction.payer = pick(AccountKind::kCustomer);
      transaction.receiver = pick(AccountKind::kAgent);
      return;
    case Kind::kSend:
      transaction.payer = pick(AccountKind::kCustomer);
      transaction.receiver = PickOther(shard, AccountKind::kCustomer, transaction.payer, random);
      return;
    case Kind::kBuyGoods:
      transaction.payer = pick(AccountKind::kCustomer);
      transaction.receiver = pick(AccountKind::kTill);
      return;
    case Kind::kAirtime:
      transaction.payer = pick(AccountKind::kCustomer);
      transaction.receiver = pick(AccountKind::kAirtime);
      return;
    case Kind::kB2c:
      transaction.payer = pick(AccountKind::kB2cUtility);
      transaction.receiver = pick(AccountKind::kCustomer);
      return;
    case Kind::kB2b:
      transaction.payer = pick(business());
      transaction.receiver = PickOther(shard, business(), transaction.payer, random);
      return;
    case Kind::kFloatIssue:
    case Kind::kReversal: break;
  }
  UNREACHABLE();
}

void Generator::Price(Transaction& transaction, uint64_t units) const {
  const KindRule& rule = workload_->kinds.at(transaction.kind);
  const auto fee_of = [&](const std::optional<Column>& column) {
    return column ? Fee(*workload_, *column, units).value_or(0) * workload_->minor_units : 0;
  };
  transaction.amount = units * workload_->minor_units;
  const uint64_t merchant_fee = std::min(fee_of(rule.merchant_fee), transaction.amount);
  transaction.legs =
      MakeChain({.payer = transaction.payer,
                 .receiver = transaction.receiver,
                 .fee_account = space_.Id(transaction.shard, AccountKind::kFee, 0),
                 .excise_account = space_.Id(transaction.shard, AccountKind::kExcise, 0),
                 .net = transaction.amount - merchant_fee,
                 .fee = fee_of(rule.fee) + merchant_fee,
                 .excise_percent = transaction.kind == Kind::kB2b ? 0 : workload_->excise_percent});
}

// Makes a good transaction one that must be refused. Where a later leg is at fault, the ones
// before it must not stay.
void Generator::Spoil(Transaction& transaction, Random& random) const {
  const base::Id128 unknown =
      AccountSpace::UnknownId(transaction.shard, static_cast<uint32_t>(random.Next()));
  switch (random.Below(4)) {
    case 0:
      transaction.legs[0].amount = kOverdraftUnits * workload_->minor_units;
      transaction.expected_code = Code(ledger::TransferStatus::kExceedsCredits);
      return;
    case 1:
      for (Leg& leg : transaction.legs) leg.debit = unknown;
      transaction.expected_code = Code(ledger::TransferStatus::kDebitAccountNotFound);
      return;
    case 2:
      transaction.legs[0].credit = unknown;
      transaction.expected_code = Code(ledger::TransferStatus::kCreditAccountNotFound);
      return;
    default:
      transaction.legs.push_back(
          {.id = {}, .debit = transaction.payer, .credit = unknown, .amount = 1});
      transaction.expected_code = Code(ledger::TransferStatus::kCreditAccountNotFound);
      return;
  }
}

bool Generator::MakeRepeat(Transaction& transaction, Random& random) const {
  if (acknowledged_.empty()) return false;
  const uint64_t number = transaction.number;
  transaction = acknowledged_[random.Below(acknowledged_.size())];
  transaction.repeat = true;
  transaction.reference = transaction.number;
  transaction.number = number;
  return true;
}

// Each is reversed at most once: it leaves the memory. (A repeat of it may come later all the
// same.)
bool Generator::MakeReversal(Transaction& transaction, Random& random) {
  if (acknowledged_.empty()) return false;
  const size_t index = random.Below(acknowledged_.size());
  const Transaction original = acknowledged_[index];
  if (original.kind != Kind::kSend && original.kind != Kind::kBuyGoods &&
      original.kind != Kind::kAirtime) {
    return false;
  }
  std::swap(acknowledged_[index], acknowledged_.back());
  acknowledged_.pop_back();
  oldest_ = 0;
  transaction.kind = Kind::kReversal;
  transaction.shard = original.shard;
  transaction.reference = original.number;
  transaction.reverses = original.legs[0].id;
  transaction.payer = original.receiver;
  transaction.receiver = original.payer;
  transaction.amount = original.amount;
  transaction.legs = {{.id = {},
                       .debit = transaction.payer,
                       .credit = transaction.receiver,
                       .amount = transaction.amount}};
  SetIds(transaction);
  return true;
}

void Generator::SetIds(Transaction& transaction) const {
  INVARIANT(transaction.legs.size() <= 1 << kLegBits);
  uint64_t low = transaction.number << kLegBits;
  for (Leg& leg : transaction.legs) leg.id = {Mix(seed_) | 1, low++};
}

}  // namespace lab
