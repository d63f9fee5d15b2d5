// What ledger.readiness and gateway.readiness have in common. Pure.
#pragma once

#include <google/protobuf/duration.pb.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "hamisha/agent/v1/agent.pb.h"

namespace agents {

// Collects what is in the way, in the order in which it was found.
class Obstacles {
 public:
  using Obstacle = hamisha::agent::v1::Obstacle;

  // `limit` is what would do; "" when there is nothing to measure.
  void Blocks(absl::string_view what, absl::string_view found, absl::string_view limit,
              absl::string_view to_do) {
    Add(true, what, found, limit, to_do);
  }
  void Told(absl::string_view what, absl::string_view found, absl::string_view limit,
            absl::string_view to_do) {
    Add(false, what, found, limit, to_do);
  }

  const std::vector<Obstacle>& all() const { return all_; }

 private:
  void Add(bool blocks, absl::string_view what, absl::string_view found, absl::string_view limit,
           absl::string_view to_do);

  std::vector<Obstacle> all_;
};

// "lag: 12.4 s (at most 2 s): wait until it has caught up".
std::string Describe(const hamisha::agent::v1::Obstacle& obstacle);

// Refused when one of them blocks; all are in the message and in the result.
hamisha::agent::v1::OrderResult ResultOf(
    const std::vector<hamisha::agent::v1::Obstacle>& obstacles);

absl::Duration ToDuration(const google::protobuf::Duration& duration);
// `duration`, or `otherwise` where it is not set (zero).
absl::Duration OrElse(const google::protobuf::Duration& duration, absl::Duration otherwise);
// "12.4 s", "350 ms", "2 h".
std::string DurationText(absl::Duration duration);
// "1.5 GiB".
std::string BytesText(uint64_t bytes);

}  // namespace agents
