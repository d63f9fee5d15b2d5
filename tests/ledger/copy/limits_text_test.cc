#include "ledger/copy/limits_text.h"

#include <catch2/catch.hpp>

namespace ledger {
namespace {

TEST_CASE("rates are read as people write them", "[copy]") {
  CHECK(ParseRate("50MB/s").value() == 50'000'000);
  CHECK(ParseRate("1.5 GB/s").value() == 1'500'000'000);
  CHECK(ParseRate("800kB").value() == 800'000);
  CHECK(ParseRate("12B/s").value() == 12);
  CHECK(ParseRate("0").value() == 0);
  for (const char* const wrong :
       {"", "fast", "50", "50/s", "-1MB/s", "50Mbit/s", "9e30", "nan", "MB"}) {
    CAPTURE(wrong);
    const auto rate = ParseRate(wrong);
    CHECK(absl::IsInvalidArgument(rate.status()));
    CHECK_THAT(std::string(rate.status().message()), Catch::Contains("write it as 50MB/s"));
  }
}

TEST_CASE("quiet hours are read with their rate and zone", "[copy]") {
  const auto hours = ParseQuietHours("22:00-06:30@10MB/s", "+03:00");
  REQUIRE(hours.ok());
  CHECK(hours->from_minute() == 1'320);
  CHECK(hours->to_minute() == 390);
  CHECK(hours->max_bytes_per_s() == 10'000'000);
  CHECK(hours->utc_offset_minutes() == 180);
  CHECK(ParseQuietHours("08:00-18:00", "Z")->max_bytes_per_s() == 0);
  CHECK(ParseQuietHours("08:00-18:00", "-05:30")->utc_offset_minutes() == -330);
}

TEST_CASE("quiet hours that are none are refused with how to write them", "[copy]") {
  for (const char* const wrong :
       {"", "22:00", "22-06", "24:00-06:00", "22:00-06:60", "22:00-06:00@"}) {
    CAPTURE(wrong);
    CHECK(absl::IsInvalidArgument(ParseQuietHours(wrong, "Z").status()));
  }
  for (const char* const wrong : {"", "EAT", "3", "+3:00", "+99:00"}) {
    CAPTURE(wrong);
    CHECK(absl::IsInvalidArgument(ParseQuietHours("22:00-06:00", wrong).status()));
  }
}

TEST_CASE("limits are said in words", "[copy]") {
  ::hamisha::ledger::v1::CopyLimits limits;
  CHECK(ToText(limits) == "rate: no limit\ncommit latency: not looked at\n");
  limits.set_max_bytes_per_s(50'000'000);
  limits.set_max_commit_latency_ratio(2);
  *limits.add_quiet_hours() = ParseQuietHours("22:00-06:00@0.5MB/s", "+03:00").value();
  *limits.add_quiet_hours() = ParseQuietHours("12:00-12:30", "Z").value();
  CHECK(ToText(limits) ==
        "rate: 50 MB/s\n"
        "commit latency: slower above 2 times the p99 without a copy\n"
        "quiet: 22:00-06:00 +03:00, 0.5 MB/s\n"
        "quiet: 12:00-12:30 +00:00, nothing is sent\n");
}

TEST_CASE("what holds copies back at the moment is said too", "[copy]") {
  ::hamisha::ledger::v1::CopyLimits limits;
  limits.mutable_pacing()->mutable_commit_p99()->set_nanos(9'500'000);
  const std::string none = "rate: no limit\ncommit latency: not looked at\n";
  CHECK(ToText(limits) == none + "commits now: p99 9.5ms\n");
  limits.mutable_pacing()->mutable_commit_p99_before()->set_nanos(4'000'000);
  CHECK(ToText(limits) == none + "commits now: p99 9.5ms, without a copy 4ms\n");
  limits.mutable_pacing()->set_held_back_by_commits(true);
  CHECK(ToText(limits) ==
        none + "commits now: p99 9.5ms, without a copy 4ms: copies are held back\n");
}

}  // namespace
}  // namespace ledger
