#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace lab {

// A node said that it was primary of `epoch` at some moment between `asked` and `answered`.
struct PrimarySample {
  uint32_t shard = 0;
  std::string node;
  uint64_t epoch = 0;
  absl::Duration asked;
  absl::Duration answered;
};

// Finds two primaries of a shard from samples that are not taken at one moment, and accuses only
// where it is certain. A node that was primary of an epoch when it answered one question and when
// it was asked a later one was primary all the time between, since an epoch begins and ends once.
// Violations are two nodes whose certain times overlap, and two nodes that were ever primary of
// one epoch. Pure; not thread-safe.
class PrimaryIntervals {
 public:
  void Add(const PrimarySample& sample);

  // How many nodes were certainly primary of some shard at one moment, at most: 0, 1 or 2.
  int primaries_max() const { return primaries_max_; }
  // In words, in order of discovery; each once.
  const std::vector<std::string>& violations() const { return violations_; }

 private:
  struct Interval {
    absl::Duration from;   // The first answer,
    absl::Duration until;  // and when it was last asked: certain in between, if not before `from`.
  };
  struct Key {
    uint32_t shard;
    uint64_t epoch;
    std::string node;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  void Report(const std::string& key, const std::string& message);

  std::map<Key, Interval> intervals_;
  std::set<std::string> reported_;
  std::vector<std::string> violations_;
  int primaries_max_ = 0;
};

}  // namespace lab
