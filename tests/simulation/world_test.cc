#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/simulation/worlds.h"

namespace simulation {
namespace {

using namespace hamisha::orchestrator::v1;  // NOLINT(google-build-using-namespace): run states.

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

WorldResult Play(const WorldOptions& options) {
  WorldResult result = World(options).Run();
  if (!result.broken.has_value()) return result;
  INFO(Story(options));
  FAIL(result.broken->promise << ": " << result.broken->how);
  return result;
}

TEST_CASE("a weekend without faults succeeds, and no client waits long", "[simulation]") {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    const WorldResult result = Play(SunnyWorld(seed));
    REQUIRE(result.state == RUN_STATE_SUCCEEDED);
    REQUIRE(result.answered > 0);
    REQUIRE(result.longest_wait < absl::Seconds(1));
  }
}

TEST_CASE("a seed is a whole world: played again, everything happens again", "[simulation]") {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    WorldOptions options = HarshWorld(seed);
    options.trace_lines = 1'000'000;
    const WorldResult first = World(options).Run();
    const WorldResult second = World(options).Run();
    REQUIRE(first.events == second.events);
    REQUIRE(first.trace == second.trace);
  }
}

// HAMISHA_SIMULATION_SEEDS and HAMISHA_SIMULATION_SEED: how many, and the first.
TEST_CASE("no promise breaks, whatever crashes, is cut off, late, repeated or forged",
          "[simulation][property]") {
  const uint64_t first = FromEnvironment("HAMISHA_SIMULATION_SEED", 1);
  const uint64_t seeds = FromEnvironment("HAMISHA_SIMULATION_SEEDS", 2'000);
  std::map<RunState, uint64_t> ends;
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    ++ends[Play(HarshWorld(seed)).state];
  }
  // The faults meet runs everywhere: they end in every way.
  CHECK(ends[RUN_STATE_SUCCEEDED] > seeds / 10);
  CHECK(ends[RUN_STATE_ROLLED_BACK] > seeds / 10);
  CHECK(ends[RUN_STATE_STOPPED] > 0);
}

// A process dies right after one of the events of a weekend without other faults.
void CrashAtEveryEvent(const std::string& what, bool must_succeed) {
  const uint64_t seed = FromEnvironment("HAMISHA_SIMULATION_SEED", 1);
  const uint64_t stride = FromEnvironment("HAMISHA_SIMULATION_STRIDE", 7);
  WorldOptions options = SunnyWorld(seed);
  const uint64_t events = World(options).Run().events;
  for (uint64_t event = 1; event < events; event += stride) {
    Fault crash{.kind = Fault::Kind::kCrash, .what = what, .other = {}};
    crash.event = event;
    crash.duration = absl::Milliseconds(300);
    options.faults = {crash};
    CAPTURE(seed, event, what);
    const WorldResult result = Play(options);
    const bool is_as_wanted = result.state == RUN_STATE_SUCCEEDED ||
                              (!must_succeed && result.state == RUN_STATE_ROLLED_BACK);
    if (is_as_wanted) continue;
    INFO(Story(options));
    FAIL(what << " at event " << event << ": " << result.explanation);
  }
}

TEST_CASE("a crash of the orchestrator at any event changes nothing about the end",
          "[simulation][crash]") {
  CrashAtEveryEvent("orchestrator", true);
}

TEST_CASE("a crash of an agent at any event leads to a clear end", "[simulation][crash]") {
  const auto* const host = GENERATE("source-0", "target-1", "gateway-0");
  CrashAtEveryEvent(std::string("agent:") + host, false);
}

TEST_CASE("a crash of a ledger node or gateway at any event leads to a clear end",
          "[simulation][crash]") {
  const auto* const what = GENERATE("node:source-0", "node:target-1", "gateway:gateway-0");
  CrashAtEveryEvent(what, false);
}

TEST_CASE("a crash of a whole server at any event leads to a clear end", "[simulation][crash]") {
  const auto* const what = GENERATE("host:source-1", "host:target-0", "host:gateway-1");
  CrashAtEveryEvent(what, false);
}

}  // namespace
}  // namespace simulation
