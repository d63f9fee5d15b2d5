#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "ledger/core/types.h"

namespace ledger {

// A pending transfer that is neither posted nor voided nor released.
struct OpenPending {
  Id128 id;
  uint64_t amount = 0;
  uint64_t expires_ns = 0;  // 0: never.
  uint32_t debit_row = 0;
  uint32_t credit_row = 0;
  uint16_t flags = 0;  // TransferFlags.
};

// The open pending transfers of a shard, by their times, which are unique. Part of StateMachine;
// not thread-safe.
class PendingTable {
 public:
  struct Expiry {
    uint64_t expires_ns;
    uint64_t timestamp_ns;
    friend auto operator<=>(const Expiry&, const Expiry&) = default;
  };

  // Null when it is not open; valid until the next change.
  const OpenPending* Find(uint64_t timestamp_ns) const {
    const auto entry = open_.find(timestamp_ns);
    return entry == open_.end() ? nullptr : &entry->second;
  }
  void Add(uint64_t timestamp_ns, const OpenPending& pending) {
    open_[timestamp_ns] = pending;
    if (pending.expires_ns != 0) expiries_.insert({pending.expires_ns, timestamp_ns});
  }
  OpenPending Remove(uint64_t timestamp_ns) {
    const auto entry = open_.find(timestamp_ns);
    const OpenPending pending = entry->second;
    if (pending.expires_ns != 0) expiries_.erase({pending.expires_ns, timestamp_ns});
    open_.erase(entry);
    return pending;
  }

  // The one to expire first; of equal ones the oldest.
  std::optional<Expiry> next_expiry() const {
    if (expiries_.empty()) return std::nullopt;
    return *expiries_.begin();
  }
  const absl::btree_map<uint64_t, OpenPending>& open() const { return open_; }

 private:
  absl::btree_map<uint64_t, OpenPending> open_;
  absl::btree_set<Expiry> expiries_;
};

}  // namespace ledger
