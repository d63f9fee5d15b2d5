#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "base/prefetch.h"
#include "ledger/core/types.h"

namespace ledger {

// Spreads ids that clients count up over all 64 bits. Not against people: who sends ids that fall
// together slows down their own lookups.
inline uint64_t HashOf(const Id128& id) {
  uint64_t hash = (id.low ^ (id.high << 32 | id.high >> 32)) * 0x9E3779B97F4A7C15ULL;
  hash ^= hash >> 32;
  hash *= 0xD6E8FEB86659FD93ULL;
  return hash ^ hash >> 32;
}

// Tells of most ids that are not in a run that they are not, with one access of memory (a Bloom
// filter in blocks of a cache line: Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient
// Bloom Filters", 2007). 16 bits an id: of 600 other ids about one passes.
//
// It stands in a file that is mapped: the kernel keeps of it what is used and memory allows, so
// its size does not count against the program. Immutable once built; any thread.
class IdFilter {
 public:
  // In memory, empty, for about `ids`.
  explicit IdFilter(uint64_t ids);
  ~IdFilter();
  IdFilter(const IdFilter&) = delete;
  IdFilter& operator=(const IdFilter&) = delete;

  void Add(const Id128& id);
  bool MayContain(const Id128& id) const;
  void Prefetch(const Id128& id) const { base::Prefetch(&words_[BlockOf(HashOf(id)) * 8]); }

  // Durable when it returns OK.
  absl::Status Save(base::FileSystem& files, const std::string& path) const;
  // NOT_FOUND, or DATA_LOSS when its checksum does not hold: then it is to be built anew.
  static absl::StatusOr<std::unique_ptr<IdFilter>> Map(const std::string& path);

 private:
  IdFilter() = default;
  uint64_t BlockOf(uint64_t hash) const { return ((hash >> 32) * blocks_) >> 32; }

  uint64_t blocks_ = 0;
  const uint64_t* words_ = nullptr;  // Eight a block.
  std::vector<uint64_t> built_;      // Only while it is built in memory.
  void* mapping_ = nullptr;
  size_t mapping_bytes_ = 0;
};

}  // namespace ledger
