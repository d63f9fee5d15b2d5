#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "ledger/core/chunked_vector.h"
#include "ledger/core/types.h"

namespace ledger {

// The accounts of a shard: rows in order of creation, found by id. Part of StateMachine.
class AccountTable {
 public:
  explicit AccountTable(uint32_t shard) : shard_(shard) {}

  // Creates one account and answers its AccountStatus.
  uint32_t Execute(const Account& event, uint64_t timestamp_ns);
  // Undoes the newest creations until `size` rows are left.
  void RollBack(size_t size);
  void Prefetch(const Account& event) const { rows_by_id_.prefetch(event.id); }
  void Prefetch(const Id128& id) const { rows_by_id_.prefetch(id); }

  size_t size() const { return rows_.size(); }
  Account& operator[](uint32_t row) { return rows_[row]; }
  const Account& operator[](uint32_t row) const { return rows_[row]; }
  std::optional<uint32_t> Find(const Id128& id) const;
  uint32_t shard() const { return shard_; }

  // All rows by id. Kept between calls; only what is new is sorted.
  absl::Span<const uint32_t> SortedById() const;

 private:
  uint32_t shard_;
  ChunkedVector<Account> rows_;
  absl::flat_hash_map<Id128, uint32_t> rows_by_id_;
  mutable std::vector<uint32_t> sorted_;
};

}  // namespace ledger
