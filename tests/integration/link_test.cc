// The link between the sites is cut while it is needed most.
#include <catch2/catch.hpp>

#include "absl/strings/str_cat.h"
#include "tests/integration/rehearse.h"

namespace {

std::string Cut(const std::string& moment, const std::string& length) {
  return absl::StrCat("  - {", moment, ", cut_link: {for: ", length, "}}\n");
}

TEST_CASE("the link may be away for 5 s: the run ends on one side or the other", "[link]") {
  const char* const moment = GENERATE("at_step: seal", "at_step: compare", "at_step: open");
  DYNAMIC_SECTION(moment) {
    const Rehearsed weekend = Rehearse({.faults = Cut(moment, "5s")});
    CAPTURE(weekend.output);
    CHECK((weekend.outcome() == "succeeded" || weekend.outcome() == "rolled_back"));
    CHECK(weekend.exit_code == (weekend.outcome() == "succeeded" ? 0 : 6));
    CHECK(weekend.writing_site() == (weekend.outcome() == "succeeded" ? "target" : "source"));
    CheckPromises(weekend);
  }
}

// 75 ms into the seal over a link of 100 ms, the sources have sealed, and nobody on this side has
// heard of it.
TEST_CASE("the link is cut for ever: never two writers, and it is clear what to do", "[link]") {
  const char* const moment =
      GENERATE("at_step: seal", "at_step: seal, wait: 75ms", "at_step: compare", "at_step: open");
  DYNAMIC_SECTION(moment) {
    const Rehearsed weekend = Rehearse({.faults = Cut(moment, "forever"),
                                        .round_trip = "100ms",
                                        .rollback_unknown = true,
                                        .abort_held = true,
                                        .short_timeouts = true});
    CAPTURE(weekend.output);
    // What was unknown while the link was away is resolved by asking again.
    const bool was_unknown = weekend.output.find("the run ended: unknown") != std::string::npos;
    if (was_unknown) CHECK_THAT(weekend.output, Catch::Contains("hamisha rollback"));
    CHECK((weekend.outcome() == "rolled_back" || weekend.outcome() == "stopped"));
    CHECK(weekend.writing_site() == (weekend.outcome() == "stopped" ? "target" : "source"));
    CheckPromises(weekend);
  }
}

}  // namespace
