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

TEST_CASE("the link is cut for ever: never two writers, and it is clear what to do", "[link]") {
  const char* const moment = GENERATE("at_step: seal", "at_step: compare", "at_step: open");
  DYNAMIC_SECTION(moment) {
    const Rehearsed weekend = Rehearse({.faults = Cut(moment, "forever")});
    CAPTURE(weekend.output);
    CHECK(weekend.outcome() != "running");
    if (weekend.outcome() == "unknown") {
      CHECK(weekend.exit_code == 7);
      CHECK_THAT(weekend.summary["explanation"].get<std::string>(),
                 Catch::Contains("hamisha rollback"));
    }
    CheckPromises(weekend);
  }
}

TEST_CASE("an unknown end is resolved once the link is there again", "[link]") {
  const Rehearsed weekend =
      Rehearse({.faults = Cut("at_step: seal", "forever"), .rollback_unknown = true});
  CAPTURE(weekend.output);
  CHECK(weekend.outcome() == "rolled_back");
  CHECK(weekend.exit_code == 6);
  CHECK(weekend.writing_site() == "source");
  CheckPromises(weekend);
}

}  // namespace
