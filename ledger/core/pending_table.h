#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "ledger/core/dirty_set.h"
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

// The open pending transfers of a shard, by their times, which are unique. They lie in buckets, as
// the state root has them, and a bucket that may have changed is marked. Part of StateMachine; not
// thread-safe.
class PendingTable {
 public:
  struct Expiry {
    uint64_t expires_ns;
    uint64_t timestamp_ns;
    friend auto operator<=>(const Expiry&, const Expiry&) = default;
  };
  static constexpr uint32_t kBuckets = 65'536;
  // Times lie close together and are spread over all buckets: ledger/FORMAT.md, "State root".
  static uint16_t BucketOf(uint64_t timestamp_ns) {
    uint64_t mixed = (timestamp_ns ^ (timestamp_ns >> 32)) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ (mixed >> 32)) * 0x94D049BB133111EB;
    return static_cast<uint16_t>(mixed >> 48);
  }
  // By bucket, then by time.
  struct Place {
    uint16_t bucket;
    uint64_t timestamp_ns;
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  using Open = absl::btree_map<Place, OpenPending>;

  // Null when it is not open; valid until the next change.
  const OpenPending* Find(uint64_t timestamp_ns) const {
    const auto entry = open_.find(PlaceOf(timestamp_ns));
    return entry == open_.end() ? nullptr : &entry->second;
  }
  void Add(uint64_t timestamp_ns, const OpenPending& pending) {
    const Place place = PlaceOf(timestamp_ns);
    open_[place] = pending;
    dirty_.Mark(place.bucket);
    if (pending.expires_ns != 0) expiries_.insert({pending.expires_ns, timestamp_ns});
  }
  OpenPending Remove(uint64_t timestamp_ns) {
    const auto entry = open_.find(PlaceOf(timestamp_ns));
    const OpenPending pending = entry->second;
    dirty_.Mark(entry->first.bucket);
    if (pending.expires_ns != 0) expiries_.erase({pending.expires_ns, timestamp_ns});
    open_.erase(entry);
    return pending;
  }

  // The one to expire first; of equal ones the oldest.
  std::optional<Expiry> next_expiry() const {
    if (expiries_.empty()) return std::nullopt;
    return *expiries_.begin();
  }
  // The one to expire last.
  std::optional<Expiry> last_expiry() const {
    if (expiries_.empty()) return std::nullopt;
    return *expiries_.rbegin();
  }
  const Open& open() const { return open_; }
  // The first of a bucket: those from here on whose place says so are its.
  Open::const_iterator BucketBegin(uint16_t bucket) const { return open_.lower_bound({bucket, 0}); }

  DirtySet& dirty() { return dirty_; }
  const DirtySet& dirty() const { return dirty_; }

 private:
  static Place PlaceOf(uint64_t timestamp_ns) { return {BucketOf(timestamp_ns), timestamp_ns}; }

  Open open_;
  absl::btree_set<Expiry> expiries_;
  DirtySet dirty_;
};

}  // namespace ledger
