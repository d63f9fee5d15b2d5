#include "tests/simulation/worlds.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "orchestrator/plan/compile.h"
#include "simulation/platform.h"
#include "tests/folders.h"

namespace simulation {

namespace {

std::string TextOf(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(SourceFolder() + "/" + path).rdbuf();
  return text.str();
}

}  // namespace

std::shared_ptr<const orchestrator::Plan> PlanOf(const std::string& playbook_path, uint32_t shards,
                                                 uint32_t gateways) {
  orchestrator::SourceText playbook{.path = playbook_path, .yaml = TextOf(playbook_path)};
  orchestrator::ReadIncludes([](const std::string& path) { return TextOf("playbooks/" + path); },
                             playbook);
  orchestrator::Compilation compilation = orchestrator::Compile(
      playbook, {.path = "inventory.yaml", .yaml = MakeInventory(shards, gateways)});
  for (const auto& diagnostic : compilation.diagnostics) UNSCOPED_INFO(ToString(diagnostic));
  REQUIRE(compilation.diagnostics.empty());
  return std::make_shared<const orchestrator::Plan>(std::move(compilation.plan));
}

std::shared_ptr<const orchestrator::Plan> WeekendPlan(uint32_t shards, uint32_t gateways) {
  return PlanOf("playbooks/weekend_cutover.yaml", shards, gateways);
}

WorldOptions SunnyWorld(uint64_t seed) {
  static const auto& plan = *new auto(WeekendPlan(2, 2));
  WorldOptions options;
  options.plan = plan;
  options.seed = seed;
  options.sunny_length = absl::Seconds(1);
  return options;
}

WorldOptions HarshWorld(uint64_t seed) {
  WorldOptions options = SunnyWorld(seed);
  options.rates = HarshRates();
  return options;
}

std::string Story(WorldOptions options) {
  options.trace_lines = 60;
  std::string story = "seed " + std::to_string(options.seed) + "\n";
  for (const std::string& line : World(std::move(options)).Run().trace) story += line + "\n";
  return story;
}

}  // namespace simulation
