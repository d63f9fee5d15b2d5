#include "lab/load/accounts.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"

namespace lab {
namespace {

// Ids: shard (16 bits), this mark (16), kind (32) | index + 1. The mark keeps them apart from what
// others create on the same platform.
constexpr uint64_t kMark = 0x10AD;
constexpr uint64_t kUnknownBit = uint64_t{1} << 48;
constexpr uint32_t kShardsMax = 1 << 16;

uint64_t High(uint32_t shard, AccountKind kind) {
  return uint64_t{shard} << 48 | kMark << 32 | static_cast<uint64_t>(kind);
}

uint32_t Share(uint32_t accounts, uint64_t per_thousand) {
  return std::max<uint32_t>(2, static_cast<uint32_t>(accounts * per_thousand / 1000));
}

}  // namespace

absl::StatusOr<Shape> MakeShape(const Workload& workload, uint32_t shards,
                                uint32_t accounts_per_shard) {
  Shape shape{.shards = shards,
              .accounts_per_shard = accounts_per_shard,
              .agents = Share(accounts_per_shard, workload.accounts.agents),
              .tills = Share(accounts_per_shard, workload.accounts.tills),
              .paybills = Share(accounts_per_shard, workload.accounts.paybills)};
  if (shards == 0 || shards > kShardsMax) {
    return absl::InvalidArgumentError(absl::StrCat("--shards must be 1 to ", kShardsMax));
  }
  const uint32_t others = kSystemAccounts + shape.agents + shape.tills + shape.paybills;
  if (accounts_per_shard < others + 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("--accounts-per-shard must be at least ", others + 2,
                     ", so that there are customers beside agents, tills and paybills"));
  }
  return shape;
}

uint32_t AccountSpace::Count(AccountKind kind) const {
  switch (kind) {
    case AccountKind::kTrust:
    case AccountKind::kFee:
    case AccountKind::kExcise:
    case AccountKind::kCommission:
    case AccountKind::kAirtime:
    case AccountKind::kB2cUtility:
    case AccountKind::kInterop:
    case AccountKind::kSuspense: return 1;
    case AccountKind::kAgent: return shape_.agents;
    case AccountKind::kTill: return shape_.tills;
    case AccountKind::kPaybill: return shape_.paybills;
    case AccountKind::kCustomer: return shape_.accounts_per_shard - First(AccountKind::kCustomer);
  }
  UNREACHABLE();
}

uint32_t AccountSpace::First(AccountKind kind) const {
  switch (kind) {
    case AccountKind::kTrust:
    case AccountKind::kFee:
    case AccountKind::kExcise:
    case AccountKind::kCommission:
    case AccountKind::kAirtime:
    case AccountKind::kB2cUtility:
    case AccountKind::kInterop:
    case AccountKind::kSuspense: return static_cast<uint32_t>(kind);
    case AccountKind::kAgent: return kSystemAccounts;
    case AccountKind::kTill: return kSystemAccounts + shape_.agents;
    case AccountKind::kPaybill: return kSystemAccounts + shape_.agents + shape_.tills;
    case AccountKind::kCustomer:
      return kSystemAccounts + shape_.agents + shape_.tills + shape_.paybills;
  }
  UNREACHABLE();
}

base::Id128 AccountSpace::Id(uint32_t shard, AccountKind kind, uint32_t index) const {
  INVARIANT(shard < shape_.shards && index < Count(kind));
  return {High(shard, kind), uint64_t{index} + 1};
}

base::Id128 AccountSpace::UnknownId(uint32_t shard, uint32_t salt) {
  return {High(shard, AccountKind::kCustomer), kUnknownBit | salt};
}

AccountKind AccountSpace::KindOf(uint64_t ordinal) const {
  const auto number = static_cast<uint32_t>(ordinal % shape_.accounts_per_shard);
  if (number < kSystemAccounts) return static_cast<AccountKind>(number);
  if (number < First(AccountKind::kTill)) return AccountKind::kAgent;
  if (number < First(AccountKind::kPaybill)) return AccountKind::kTill;
  if (number < First(AccountKind::kCustomer)) return AccountKind::kPaybill;
  return AccountKind::kCustomer;
}

base::Id128 AccountSpace::IdOf(uint64_t ordinal) const {
  const AccountKind kind = KindOf(ordinal);
  const auto number = static_cast<uint32_t>(ordinal % shape_.accounts_per_shard);
  return Id(static_cast<uint32_t>(ordinal / shape_.accounts_per_shard), kind, number - First(kind));
}

std::optional<uint64_t> AccountSpace::OrdinalOf(const base::Id128& id) const {
  const auto shard = static_cast<uint32_t>(id.high >> 48);
  const uint64_t code = id.high & 0xFFFF'FFFF;
  if (shard >= shape_.shards || code > static_cast<uint64_t>(AccountKind::kCustomer)) {
    return std::nullopt;
  }
  const auto kind = static_cast<AccountKind>(code);
  if (id.high != High(shard, kind) || id.low == 0 || id.low > Count(kind)) return std::nullopt;
  return uint64_t{shard} * shape_.accounts_per_shard + First(kind) + id.low - 1;
}

uint64_t OpeningBalance(const Workload& workload, AccountKind kind) {
  switch (kind) {
    case AccountKind::kTrust:
    case AccountKind::kFee:
    case AccountKind::kExcise:
    case AccountKind::kCommission:
    case AccountKind::kAirtime:
    case AccountKind::kInterop:
    case AccountKind::kSuspense: return 0;
    case AccountKind::kB2cUtility: return workload.opening.b2c_utility * workload.minor_units;
    case AccountKind::kAgent: return workload.opening.agent * workload.minor_units;
    case AccountKind::kTill: return workload.opening.till * workload.minor_units;
    case AccountKind::kPaybill: return workload.opening.paybill * workload.minor_units;
    case AccountKind::kCustomer: return workload.opening.customer * workload.minor_units;
  }
  UNREACHABLE();
}

}  // namespace lab
