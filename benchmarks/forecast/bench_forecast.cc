// What a forecast costs, and the tables that all forecasts of a run share. JSON on stdout.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmarks/common/figures.h"
#include "orchestrator/forecast/forecast.h"

namespace {

using orchestrator::Forecaster;
using orchestrator::Plan;
using orchestrator::PlannedStep;
using orchestrator::Profile;

struct Settings {
  uint32_t steps = 10'000;
  uint32_t width = 100;   // Steps of a phase: all in parallel, and all before the next phase.
  uint32_t profiles = 5;  // Earlier runs.
  uint32_t turns = 20;
};

orchestrator::PlannedAction ActionOf(const std::string& name) {
  orchestrator::PlannedAction action;
  action.action = name;
  action.hosts = {0};
  action.timeout = absl::Seconds(30);
  action.mutates = true;
  return action;
}

Plan MakePlan(const Settings& settings) {
  Plan plan;
  plan.name = "large";
  plan.hosts = {{"source-0", "source", "ledger", {0}}};
  for (uint32_t i = 0; i < settings.steps; ++i) {
    PlannedStep step;
    step.id = absl::StrCat("step_", i);
    const uint32_t phase = i / settings.width;
    step.phase = absl::StrCat("phase_", phase);
    step.apply = ActionOf("ledger.seal");
    step.own_undo = true;
    for (uint32_t need = 0; phase > 0 && need < settings.width; ++need) {
      step.needs.push_back((phase - 1) * settings.width + need);
    }
    plan.steps.push_back(std::move(step));
  }
  return plan;
}

std::vector<Profile> MakeProfiles(const Plan& plan, uint32_t count) {
  std::vector<Profile> profiles(count);
  for (uint32_t run = 0; run < count; ++run) {
    for (size_t i = 0; i < plan.steps.size(); ++i) {
      const double seconds = 1 + static_cast<double>((i * 7 + run * 3) % 10);
      for (const int32_t back : {-1, 0}) {
        profiles[run].samples.push_back({.step = plan.steps[i].id,
                                         .back = back,
                                         .action = "ledger.seal",
                                         .undo = back >= 0,
                                         .hosts = 1,
                                         .waves = 1,
                                         .seconds = seconds});
      }
    }
  }
  return profiles;
}

double Milliseconds(double since) { return (benchmarks::SecondsNow() - since) * 1e3; }

nlohmann::json Run(const Settings& settings) {
  const auto plan = std::make_shared<const Plan>(MakePlan(settings));
  const std::vector<Profile> profiles = MakeProfiles(*plan, settings.profiles);
  const absl::Time now = absl::FromUnixSeconds(1429387200);
  const orchestrator::Window window = {
      .start = now, .end = now + absl::Hours(13), .rollback_reserve = absl::Minutes(90)};
  double since = benchmarks::SecondsNow();
  const Forecaster forecaster(plan, profiles, 1);
  nlohmann::json result = {{"tables_ms", Milliseconds(since)}};
  const orchestrator::RunPosition position = orchestrator::BeforeBegin(*plan, window, false);
  std::vector<double> turns;
  orchestrator::Forecast forecast;
  for (uint32_t turn = 0; turn < settings.turns; ++turn) {
    since = benchmarks::SecondsNow();
    forecast = forecaster.At(position, now);
    turns.push_back(Milliseconds(since));
  }
  std::sort(turns.begin(), turns.end());
  result["forecast_ms"] = turns[turns.size() / 2];
  result["forecast_max_ms"] = turns.back();
  result["steps"] = settings.steps;
  result["draws"] = Forecaster::kDraws;
  result["finish_p50_s"] = absl::ToDoubleSeconds(forecast.finish_p50 - now);
  result["finish_p90_s"] = absl::ToDoubleSeconds(forecast.finish_p90 - now);
  result["back_worst_p90_s"] = absl::ToDoubleSeconds(forecast.back_worst.p90);
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  std::string folder;
  CLI::App app("Forecasts of a large plan.");
  app.add_option("--steps", settings.steps, "steps of the plan");
  app.add_option("--width", settings.width, "steps that run at the same time")
      ->check(CLI::PositiveNumber);
  app.add_option("--turns", settings.turns, "forecasts")->check(CLI::PositiveNumber);
  app.add_option("--folder", folder, "not used: nothing touches the disk");
  CLI11_PARSE(app, argc, argv);

  nlohmann::json result = Run(settings);
  const std::vector<benchmarks::Figure> figures = {
      {.figure = absl::StrCat("a forecast of ", benchmarks::Grouped(settings.steps), " steps"),
       .measured = result["forecast_ms"],
       .unit = "ms"}};
  result["figures"] = benchmarks::ToJson(figures);
  std::cout << result.dump(2) << "\n";
  return 0;
}
