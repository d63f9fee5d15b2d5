#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "simulation/scenario.h"
#include "tests/simulation/worlds.h"

namespace simulation {
namespace {

std::string FileText(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::string ProblemsOf(const std::string& yaml) {
  std::string text;
  for (const auto& diagnostic : ReadScenario("s.yaml", yaml).diagnostics) {
    text += ToString(diagnostic) + "\n";
  }
  return text;
}

TEST_CASE("every scenario in simulation/scenarios goes as it says", "[simulation][scenario]") {
  size_t scenarios = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(std::string(SOURCE_DIR) + "/simulation/scenarios")) {
    ++scenarios;
    const ScenarioReading reading = ReadScenario(file.path(), FileText(file.path()));
    for (const auto& diagnostic : reading.diagnostics) UNSCOPED_INFO(ToString(diagnostic));
    REQUIRE(reading.diagnostics.empty());
    const Scenario& scenario = reading.scenario;
    CHECK(file.path().stem() == scenario.name);
    const auto plan = PlanOf(scenario.playbook, scenario.shards, scenario.gateways);
    for (uint64_t seed = 0; seed < scenario.seeds; ++seed) {
      const WorldOptions options = ToWorldOptions(scenario, plan, seed);
      const std::string lacks = Unexpected(scenario, World(options).Run());
      if (lacks.empty()) continue;
      INFO(scenario.name << ": " << Story(options));
      FAIL_CHECK(scenario.name << ", seed " << seed << ": " << lacks);
      break;
    }
  }
  CHECK(scenarios >= 9);
}

TEST_CASE("what a scenario says wrongly is named with its place", "[simulation][scenario]") {
  const std::string problems = ProblemsOf(
      "apiVersion: hamisha/v1\n"
      "kind: Scenario\n"
      "metadata: {name: a, description: b}\n"
      "playbook: p.yaml\n"
      "faults:\n"
      "  - {crash: orchestrator, fro: 1s}\n"
      "expect: {ends: [succeeded]}\n");
  CHECK(problems.find("s.yaml:6:") != std::string::npos);
  CHECK(problems.find("fro") != std::string::npos);
}

TEST_CASE("a scenario without an expectation is a problem", "[simulation][scenario]") {
  CHECK(ProblemsOf("apiVersion: hamisha/v1\n"
                   "kind: Scenario\n"
                   "metadata: {name: a, description: b}\n"
                   "playbook: p.yaml\n")
            .find("expect") != std::string::npos);
}

}  // namespace
}  // namespace simulation
