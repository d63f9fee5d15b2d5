#include "orchestrator/cli/text.h"

#include <catch2/catch.hpp>

namespace orchestrator {
namespace {

TEST_CASE("durations read as people say them", "[text]") {
  struct Row {
    absl::Duration duration;
    std::string expected;
  };
  const auto row = GENERATE(values<Row>({{absl::ZeroDuration(), "0 ms"},
                                         {absl::Milliseconds(-5), "0 ms"},
                                         {absl::Microseconds(300), "0 ms"},
                                         {absl::Milliseconds(312), "312 ms"},
                                         {absl::Milliseconds(999), "999 ms"},
                                         {absl::Microseconds(999'700), "1.0 s"},
                                         {absl::Milliseconds(4'230), "4.2 s"},
                                         {absl::Milliseconds(59'940), "59.9 s"},
                                         {absl::Milliseconds(59'990), "1 min 0 s"},
                                         {absl::Seconds(125), "2 min 5 s"},
                                         {absl::Minutes(90), "1 h 30 min"}}));
  CHECK(HumanDuration(row.duration) == row.expected);
}

TEST_CASE("times carry their zone", "[text]") {
  const absl::Time time = absl::FromUnixMillis(1'429'387'200'250);
  CHECK(ToRfc3339(time, absl::UTCTimeZone()) == "2015-04-18T20:00:00.250+00:00");
  CHECK(ToRfc3339(time, absl::FixedTimeZone(3 * 3600)) == "2015-04-18T23:00:00.250+03:00");
}

TEST_CASE("text is cut by what is seen, not by bytes", "[text]") {
  CHECK(Cut("abc", 3) == "abc");
  CHECK(Cut("abcd", 3) == "ab…");
  CHECK(Cut("äöüß", 3) == "äö…");
  CHECK(Width("äö") == 2);
  CHECK(Printable("a\x1b[2J\nb") == "a [2J b");
}

TEST_CASE("columns are as wide as their widest cell", "[text]") {
  CHECK(Align({{"a", "bb", "c"}, {"ää", "", "d"}, {"x"}}) ==
        std::vector<std::string>{"a   bb  c", "ää      d", "x"});
}

TEST_CASE("long lists of names are shortened", "[text]") {
  CHECK(JoinNames({}).empty());
  CHECK(JoinNames({"a", "b", "c", "d"}) == "a, b, c, d");
  CHECK(JoinNames({"a", "b", "c", "d", "e"}) == "a, b and 3 more");
}

}  // namespace
}  // namespace orchestrator
