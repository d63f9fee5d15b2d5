#include "orchestrator/forecast/profile.h"

#include <catch2/catch.hpp>

#include "tests/orchestrator/forecast/profiles.h"

namespace orchestrator {
namespace {

TEST_CASE("a profile comes back as it was written", "[forecast]") {
  const Profile profile = ProfileOf({SampleOf("seal", 0.25), SampleOf("seal", 1.5, 1)});
  const auto read = ParseProfile("profile.json", ToJson(profile));
  REQUIRE(read.ok());
  CHECK(read->started == profile.started);
  CHECK(read->programs == profile.programs);
  REQUIRE(read->samples.size() == 2);
  CHECK(read->samples[1].back == 1);
  CHECK(read->samples[1].seconds == 1.5);
  CHECK(ToJson(*read) == ToJson(profile));
}

TEST_CASE("what is no profile is refused with what is wrong", "[forecast]") {
  const auto refused = [](const std::string& json) {
    return std::string(ParseProfile("p.json", json).status().message());
  };
  CHECK_THAT(refused("[]"), Catch::StartsWith("p.json is no profile: it is not a JSON object"));
  CHECK_THAT(refused("{}"), Catch::Contains("its format is not hamisha-profile-v1"));
  CHECK_THAT(refused(R"({"format": "hamisha-profile-v1"})"), Catch::Contains("playbook_digest"));
  Profile negative = ProfileOf({SampleOf("seal", -1)});
  CHECK_THAT(refused(ToJson(negative)), Catch::Contains("'seal' took less than no time"));
}

TEST_CASE("a run that ended leaves what its steps took", "[forecast]") {
  Driver driver(PlanOf({TimedStep("a", {}), TimedStep("b", {0})}));
  driver.Start();
  driver.Advance(absl::Seconds(3));
  driver.Succeed("a", "source-0");
  driver.Advance(absl::Seconds(5));
  driver.Succeed("b", "source-0");
  const std::vector<ProfileSample> samples = SamplesOf(driver.engine());
  REQUIRE(samples.size() == 2);
  CHECK(samples[0].action == "test.a");
  CHECK(samples[0].seconds == 3);
  CHECK(samples[1].seconds == 5);
}

TEST_CASE("a run that went back leaves what undoing took, and no step that was cut short",
          "[forecast]") {
  Driver driver(PlanOf({TimedStep("a", {}), TimedStep("b", {0})}));
  driver.Start();
  driver.Advance(absl::Seconds(3));
  driver.Succeed("a", "source-0");
  driver.Advance(absl::Seconds(5));
  driver.RollBack("a test");
  driver.Succeed("b/probe", "source-0");
  driver.Advance(absl::Seconds(7));
  driver.Succeed("b/back/0", "source-0");
  driver.Advance(absl::Seconds(2));
  driver.Succeed("a/back/0", "source-0");
  REQUIRE(driver.engine().ended());
  const std::vector<ProfileSample> samples = SamplesOf(driver.engine());
  REQUIRE(samples.size() == 3);
  CHECK(samples[0].step == "a");
  CHECK(samples[0].back == -1);
  CHECK(samples[1].seconds == 2);
  CHECK(samples[2].action == "test.back_b");
  CHECK(samples[2].seconds == 7);
}

}  // namespace
}  // namespace orchestrator
