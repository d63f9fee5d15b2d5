#pragma once

#include <algorithm>

#include "absl/time/time.h"

namespace ledger {

// How long to wait before the next try, by what came of the last. Not thread-safe.
class RetryPause {
 public:
  static constexpr absl::Duration kFirst = absl::Milliseconds(20);
  static constexpr absl::Duration kMax = absl::Milliseconds(500);

  // Something came of the last one, or it was told to follow another way: the next at once, and
  // the first pause is a short one again.
  void Reset() { next_ = kFirst; }
  // Nothing came of it.
  absl::Duration Next() {
    const absl::Duration pause = next_;
    next_ = std::min(2 * next_, kMax);
    return pause;
  }

 private:
  absl::Duration next_ = kFirst;
};

}  // namespace ledger
