#include "agents/drivers/readiness/obstacles.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "agents/drivers/readiness/asking.h"
#include "agents/runtime/driver.h"

namespace agents {

namespace pb = ::hamisha::agent::v1;

void Obstacles::Add(bool blocks, absl::string_view what, absl::string_view found,
                    absl::string_view limit, absl::string_view to_do) {
  Obstacle& obstacle = all_.emplace_back();
  obstacle.set_what(std::string(what));
  obstacle.set_found(std::string(found));
  obstacle.set_limit(std::string(limit));
  obstacle.set_to_do(std::string(to_do));
  obstacle.set_blocks(blocks);
}

std::string Describe(const pb::Obstacle& obstacle) {
  return absl::StrCat(obstacle.what(), ": ", obstacle.found(),
                      obstacle.limit().empty() ? "" : absl::StrCat(" (", obstacle.limit(), ")"),
                      obstacle.to_do().empty() ? "" : ": ", obstacle.to_do());
}

pb::OrderResult ResultOf(const std::vector<pb::Obstacle>& obstacles) {
  const auto texts = [&](bool blocks) {
    std::vector<pb::Obstacle> some;
    std::copy_if(obstacles.begin(), obstacles.end(), std::back_inserter(some),
                 [&](const pb::Obstacle& it) { return it.blocks() == blocks; });
    return absl::StrJoin(some, "; ", [](std::string* out, const pb::Obstacle& it) {
      absl::StrAppend(out, Describe(it));
    });
  };
  const std::string blocking = texts(true);
  const std::string told = texts(false);
  std::string message = blocking.empty() ? "nothing is in the way of a freeze"
                                         : absl::StrCat("in the way of a freeze: ", blocking);
  if (!told.empty()) absl::StrAppend(&message, ". Only told: ", told);
  pb::OrderResult result = blocking.empty() ? Succeeded(message) : Failed(message);
  result.set_refused(!blocking.empty());
  result.mutable_obstacles()->Assign(obstacles.begin(), obstacles.end());
  return result;
}

pb::OrderResult Silent(absl::string_view what, const absl::Status& status) {
  Obstacles found;
  found.Blocks(what, absl::StrCat("does not answer: ", status.message()), "",
               "see that it runs, and its log");
  return ResultOf(found.all());
}

void SetClockLimit(absl::Duration limit, pb::OrderResult& result) {
  absl::Duration rest = limit;
  auto& most = *result.mutable_clock_offset_max();
  most.set_seconds(absl::IDivDuration(rest, absl::Seconds(1), &rest));
  most.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
}

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

absl::Duration OrElse(const google::protobuf::Duration& duration, absl::Duration otherwise) {
  const absl::Duration set = ToDuration(duration);
  return set == absl::ZeroDuration() ? otherwise : set;
}

std::string DurationText(absl::Duration duration) {
  if (absl::AbsDuration(duration) < absl::Seconds(1)) {
    return absl::StrFormat("%.3g ms", absl::ToDoubleMilliseconds(duration));
  }
  if (absl::AbsDuration(duration) < absl::Minutes(10)) {
    return absl::StrFormat("%.3g s", absl::ToDoubleSeconds(duration));
  }
  return absl::FormatDuration(absl::Trunc(duration, absl::Seconds(1)));
}

std::string BytesText(uint64_t bytes) {
  constexpr double kMiB = 1 << 20;
  constexpr double kGiB = 1 << 30;
  const auto count = static_cast<double>(bytes);
  return count < kGiB ? absl::StrFormat("%.1f MiB", count / kMiB)
                      : absl::StrFormat("%.1f GiB", count / kGiB);
}

}  // namespace agents
