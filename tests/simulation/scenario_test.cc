#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "simulation/scenario.h"
#include "tests/folders.h"
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
       std::filesystem::directory_iterator(SourceFolder() + "/simulation/scenarios")) {
    ++scenarios;
    const ScenarioReading reading = ReadScenario(file.path(), FileText(file.path()));
    for (const auto& diagnostic : reading.diagnostics) UNSCOPED_INFO(ToString(diagnostic));
    REQUIRE(reading.diagnostics.empty());
    const Scenario& scenario = reading.scenario;
    CHECK(file.path().stem() == scenario.name);
    const auto plan = PlanOf(scenario.playbook, scenario.shards, scenario.gateways);
    CHECK(CheckNames(file.path(), reading.names, *plan).empty());
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

TEST_CASE("names that the plan does not have, and ends that no run has, are problems",
          "[simulation][scenario]") {
  const std::string yaml =
      "apiVersion: hamisha/v1\n"
      "kind: Scenario\n"
      "metadata: {name: a, description: b}\n"
      "playbook: p.yaml\n"
      "faults:\n"
      "  - {crash: nosuchhost, in_step: seal}\n"
      "  - {cut: [source-0, nosuch], in_step: nostep}\n"
      "  - {fail_step: nostep}\n"
      "expect: {ends: [succeeded]}\n";
  const ScenarioReading reading = ReadScenario("s.yaml", yaml);
  REQUIRE(reading.diagnostics.empty());
  const auto mistakes = CheckNames("s.yaml", reading.names, *SunnyWorld(0).plan);
  REQUIRE(mistakes.size() == 4);
  CHECK(ToString(mistakes[0]).find("s.yaml:6:13: the plan has no 'nosuchhost'") == 0);
  CHECK(ToString(mistakes[3]).find("s.yaml:8:17: the plan has no 'nostep'") == 0);
  CHECK(ProblemsOf("apiVersion: hamisha/v1\n"
                   "kind: Scenario\n"
                   "metadata: {name: a, description: b}\n"
                   "playbook: p.yaml\n"
                   "seeds: 0\n"
                   "workload: {writes_per_s: 0}\n"
                   "expect: {ends: [succeded]}\n")
            .find("no run ends 'succeded': write") != std::string::npos);
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
