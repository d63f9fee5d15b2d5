#include "orchestrator/playbook/fields.h"

#include <catch2/catch.hpp>

#include "orchestrator/playbook/variables.h"

namespace orchestrator {
namespace {

Value Scalar(const std::string& text, bool quoted = false) {
  return {.kind = Value::Kind::kScalar, .place = {}, .text = text, .quoted = quoted};
}

TEST_CASE("durations need a unit and an end", "[fields]") {
  Problems problems("p");
  CHECK(ReadDuration(Scalar("2s"), "t", problems) == absl::Seconds(2));
  CHECK(ReadDuration(Scalar("150ms"), "t", problems) == absl::Milliseconds(150));
  CHECK(ReadDuration(Scalar("1h30m"), "t", problems) == absl::Minutes(90));
  CHECK(ReadDuration(Scalar("0s"), "t", problems) == absl::ZeroDuration());
  CHECK(problems.empty());
  const auto wrong = GENERATE(values<std::string>(
      {"10", "", "s", "soon", "inf", "-inf", "-1s", "1 day", "9999h", "1e3s", "10s x"}));
  CAPTURE(wrong);
  CHECK(ReadDuration(Scalar(wrong), "t", problems) == std::nullopt);
  CHECK_FALSE(problems.empty());
}

TEST_CASE("a timeout is above zero", "[fields]") {
  Problems problems("p");
  CHECK(ReadTimeout(Scalar("1ms"), "t", problems) == absl::Milliseconds(1));
  CHECK(problems.empty());
  CHECK(ReadTimeout(Scalar("0"), "t", problems) == std::nullopt);
  CHECK(ReadTimeout(Scalar("0s"), "t", problems) == std::nullopt);
  CHECK(ReadTimeout(Scalar("1us"), "t", problems) == std::nullopt);
  CHECK(problems.InOrder().size() == 3);
}

TEST_CASE("numbers are whole, plain and bounded", "[fields]") {
  Problems problems("p");
  CHECK(ReadNumber(Scalar("0"), "n", 10, problems) == 0U);
  CHECK(ReadNumber(Scalar("10"), "n", 10, problems) == 10U);
  CHECK(problems.empty());
  for (const char* wrong : {"11", "-1", "+1", "1.0", "0x1", "", "18446744073709551616", "one"}) {
    CAPTURE(wrong);
    CHECK(ReadNumber(Scalar(wrong), "n", 10, problems) == std::nullopt);
  }
  CHECK(ReadNumber(Scalar("5", true), "n", 10, problems) == std::nullopt);
}

TEST_CASE("only true and false are booleans", "[fields]") {
  Problems problems("p");
  CHECK(ReadBool(Scalar("true"), "b", problems) == true);
  CHECK(ReadBool(Scalar("false"), "b", problems) == false);
  CHECK(problems.empty());
  CHECK(ReadBool(Scalar("yes"), "b", problems) == std::nullopt);
  CHECK(ReadBool(Scalar("true", true), "b", problems) == std::nullopt);
}

TEST_CASE("times need a zone", "[fields]") {
  Problems problems("p");
  const auto time = ReadTime(Scalar("2015-04-18T23:00:00+03:00"), "t", problems);
  REQUIRE(time.has_value());
  CHECK(absl::ToUnixSeconds(*time) == 1429387200);
  CHECK(problems.empty());
  const auto wrong = GENERATE(values<std::string>({"2015-04-18T23:00:00", "2015-04-18", "tomorrow",
                                                   "infinite-future", "2015-13-18T23:00:00Z"}));
  CAPTURE(wrong);
  CHECK(ReadTime(Scalar(wrong), "t", problems) == std::nullopt);
}

TEST_CASE("variables are replaced once, and unknown ones named", "[fields]") {
  Problems problems("p");
  const auto vars = ReadDocument("lag: 2s\nhalf: 1\n", problems);
  REQUIRE(vars.has_value());
  Variables variables(*vars, problems);
  CHECK(variables.Replace(Scalar("${lag}"), problems).text == "2s");
  CHECK(variables.Replace(Scalar("${half}h${half}m"), problems).text == "1h1m");
  CHECK(variables.Replace(Scalar("$lag {lag}"), problems).text == "$lag {lag}");
  CHECK(problems.empty());
  variables.Replace(Scalar("${lagg}"), problems);
  variables.Replace(Scalar("${lag"), problems);
  const auto found = problems.InOrder();
  REQUIRE(found.size() == 2);
  CHECK(found[0].message == "unknown variable 'lagg': did you mean 'lag'?");
  CHECK(found[1].message == "'${lag' has '${' without '}': write ${name}");
}

}  // namespace
}  // namespace orchestrator
