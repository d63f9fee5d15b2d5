#include "orchestrator/control/clocks.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace orchestrator {
namespace {

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

}  // namespace

void AddClockOffset(absl::Duration offset, hamisha::agent::v1::OrderResult& result) {
  if (result.has_host()) {
    absl::Duration rest = offset;
    auto& of_host = *result.mutable_host()->mutable_clock_offset();
    of_host.set_seconds(absl::IDivDuration(rest, absl::Seconds(1), &rest));
    of_host.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
  }
  if (!result.has_clock_offset_max()) return;
  (*result.mutable_facts())["clock_offset_us"] = absl::StrCat(absl::ToInt64Microseconds(offset));
  const absl::Duration limit = ToDuration(result.clock_offset_max());
  if (absl::AbsDuration(offset) <= limit) return;
  auto& obstacle = *result.add_obstacles();
  obstacle.set_what("clock");
  obstacle.set_found(
      absl::StrFormat("%+.3f s from the orchestrator's", absl::ToDoubleSeconds(offset)));
  obstacle.set_limit(absl::StrCat("at most ", absl::FormatDuration(limit)));
  obstacle.set_to_do("set the clock (chronyc makestep), and see that its servers are reached");
  obstacle.set_blocks(true);
  const bool is_first = result.outcome() == hamisha::agent::v1::OUTCOME_SUCCEEDED;
  const std::string text =
      absl::StrCat("clock: ", obstacle.found(), " (", obstacle.limit(), "): ", obstacle.to_do());
  result.set_message(is_first ? absl::StrCat("in the way of a freeze: ", text)
                              : absl::StrCat(result.message(), "; ", text));
  if (is_first) result.set_outcome(hamisha::agent::v1::OUTCOME_FAILED);
  result.set_refused(true);
}

}  // namespace orchestrator
