// Simulated weekends on one core: without faults, and in the world that the promises are checked
// in. JSON on stdout.
#include <CLI/CLI.hpp>
#include <cstdint>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/file_system.h"
#include "base/invariant.h"
#include "benchmarks/common/figures.h"
#include "orchestrator/plan/compile.h"
#include "simulation/platform.h"
#include "simulation/world.h"

namespace {

std::shared_ptr<const orchestrator::Plan> Load(const std::string& path, uint32_t shards) {
  const auto playbook = base::SystemFileSystem().Read(path);
  INVARIANT(playbook.ok());
  orchestrator::Compilation compilation = orchestrator::Compile(
      {.path = path, .yaml = *playbook},
      {.path = "inventory.yaml", .yaml = simulation::MakeInventory(shards, shards)});
  INVARIANT(compilation.diagnostics.empty());
  return std::make_shared<const orchestrator::Plan>(std::move(compilation.plan));
}

struct Measured {
  double weekends_per_s = 0;
  double events_per_s = 0;
  uint64_t broken = 0;
};

Measured Play(simulation::WorldOptions options, double seconds) {
  Measured measured;
  const double begin = benchmarks::SecondsNow();
  uint64_t events = 0;
  double taken = 0;
  for (options.seed = 0; taken < seconds; ++options.seed) {
    const simulation::WorldResult result = simulation::World(options).Run();
    events += result.events;
    if (result.broken.has_value()) ++measured.broken;
    taken = benchmarks::SecondsNow() - begin;
  }
  measured.weekends_per_s = static_cast<double>(options.seed) / taken;
  measured.events_per_s = static_cast<double>(events) / taken;
  return measured;
}

nlohmann::json ToJson(const Measured& measured) {
  return {{"weekends_per_s", measured.weekends_per_s},
          {"events_per_s", measured.events_per_s},
          {"broken_promises", measured.broken}};
}

}  // namespace

int main(int argc, char** argv) {
  std::string playbook = "playbooks/weekend_cutover.yaml";
  std::string folder;
  double seconds = 10;
  uint32_t shards = 2;
  CLI::App app("Simulated weekends.");
  app.add_option("--playbook", playbook, "what is played");
  app.add_option("--shards", shards, "and gateways");
  app.add_option("--seconds", seconds, "for each figure");
  app.add_option("--folder", folder, "not used: nothing touches the disk");
  CLI11_PARSE(app, argc, argv);

  simulation::WorldOptions options;
  options.plan = Load(playbook, shards);
  const Measured sunny = Play(options, seconds);
  options.rates = simulation::HarshRates();
  const Measured harsh = Play(options, seconds);
  nlohmann::json result = {{"shards", shards}, {"sunny", ToJson(sunny)}, {"harsh", ToJson(harsh)}};
  const std::vector<benchmarks::Figure> figures = {{.figure = "simulated weekends, one core",
                                                    .measured = sunny.weekends_per_s,
                                                    .unit = "weekends/s",
                                                    .to_reach = 1000},
                                                   {.figure = "the same while everything breaks",
                                                    .measured = harsh.weekends_per_s,
                                                    .unit = "weekends/s"}};
  result["figures"] = benchmarks::ToJson(figures);
  std::cout << result.dump(2) << "\n";
  return sunny.broken + harsh.broken == 0 ? 0 : 1;
}
