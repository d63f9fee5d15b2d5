// Which accounts a loaded platform has: a pure function of its size.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/id128.h"
#include "lab/load/workload.h"

namespace lab {

// The number plus 1 is the account's `code`. Up to kSuspense there is one of each on a shard.
enum class AccountKind : uint8_t {
  kTrust = 0,  // The only asset; all others are the issuer's liabilities.
  kFee = 1,
  kExcise = 2,
  kCommission = 3,
  kAirtime = 4,
  kB2cUtility = 5,
  kInterop = 6,
  kSuspense = 7,
  kAgent = 8,
  kTill = 9,
  kPaybill = 10,
  kCustomer = 11,
};
inline constexpr uint32_t kSystemAccounts = 8;

struct Shape {
  uint32_t shards = 0;
  uint32_t accounts_per_shard = 0;
  uint32_t agents = 0;  // Per shard, as the next two; the rest are customers.
  uint32_t tills = 0;
  uint32_t paybills = 0;
  friend bool operator==(const Shape&, const Shape&) = default;
};

// INVALID_ARGUMENT where the shares leave too few accounts of a kind.
absl::StatusOr<Shape> MakeShape(const Workload& workload, uint32_t shards,
                                uint32_t accounts_per_shard);

// All accounts, each with an ordinal from 0 to size() - 1: shard by shard, kind by kind.
class AccountSpace {
 public:
  explicit AccountSpace(const Shape& shape) : shape_(shape) {}

  uint32_t Count(AccountKind kind) const;  // On a shard.
  base::Id128 Id(uint32_t shard, AccountKind kind, uint32_t index) const;
  // An id on `shard` that no account has.
  static base::Id128 UnknownId(uint32_t shard, uint32_t salt);

  uint64_t size() const { return uint64_t{shape_.shards} * shape_.accounts_per_shard; }
  base::Id128 IdOf(uint64_t ordinal) const;
  AccountKind KindOf(uint64_t ordinal) const;
  std::optional<uint64_t> OrdinalOf(const base::Id128& id) const;
  const Shape& shape() const { return shape_; }

 private:
  uint32_t First(AccountKind kind) const;  // Its first number within a shard.

  Shape shape_;
};

// Minor units.
uint64_t OpeningBalance(const Workload& workload, AccountKind kind);

}  // namespace lab
