#include "lab/platform/primary_intervals.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace lab {

void PrimaryIntervals::Add(const PrimarySample& sample) {
  primaries_max_ = std::max(primaries_max_, 1);
  const Key key = {sample.shard, sample.epoch, sample.node};
  const auto [mine, fresh] = intervals_.try_emplace(key, Interval{sample.answered, sample.asked});
  if (!fresh) mine->second.until = std::max(mine->second.until, sample.asked);
  for (const auto& [other_key, other] : intervals_) {
    if (other_key.shard != sample.shard || other_key.node == sample.node) continue;
    const std::string pair =
        absl::StrCat("shard ", sample.shard, ": ", std::min(sample.node, other_key.node), " and ",
                     std::max(sample.node, other_key.node));
    if (other_key.epoch == sample.epoch) {
      Report(absl::StrCat(pair, " ", sample.epoch),
             absl::StrCat(pair, " were both primary of epoch ", sample.epoch));
    }
    // An interval, or a single sample: a moment somewhere between asked and answered.
    const bool sample_inside = other.from <= sample.asked && sample.answered <= other.until;
    const bool overlap =
        std::max(mine->second.from, other.from) < std::min(mine->second.until, other.until);
    if (sample_inside || overlap) {
      Report(pair, absl::StrCat(pair, " were primary at the same time, in epochs ", sample.epoch,
                                " and ", other_key.epoch));
    }
  }
}

void PrimaryIntervals::Report(const std::string& key, const std::string& message) {
  primaries_max_ = 2;
  if (reported_.insert(key).second) violations_.push_back(message);
}

}  // namespace lab
