// hamisha-simulate: a playbook's weekend again and again, in a world that breaks.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "orchestrator/forecast/profile.h"
#include "orchestrator/plan/compile.h"
#include "simulation/cli/render.h"
#include "simulation/cli/run_survey.h"
#include "simulation/platform.h"
#include "simulation/scenario.h"

namespace simulation {
namespace {

constexpr int kExitOk = 0;
constexpr int kExitError = 1;
constexpr int kExitInvalid = 2;
constexpr size_t kStoryLines = 400;
constexpr absl::Duration kSunnyMax = absl::Hours(30 * 24);  // For a run without faults.

struct Options {
  std::string playbook;
  std::string scenario;
  std::string inventory;
  std::vector<std::string> profiles;
  uint32_t shards = 2;
  uint32_t gateways = 2;
  uint64_t seeds = 1000;
  std::optional<uint64_t> seed;
  std::string faults = "some";
  bool quick = false;
  bool stop_at_broken = false;
  unsigned threads = std::max(1U, std::thread::hardware_concurrency());
  std::string format = "text";
};

// For people's own playbooks: most weekends go well.
FaultRates SomeRates() {
  FaultRates rates;
  rates.faults = 0.5;
  rates.bad_network = 0.05;
  rates.takeover = 0.02;
  rates.failing_step = 0.05;
  rates.reject = 0.01;
  return rates;
}

bool Read(const std::string& path, orchestrator::SourceText& source) {
  auto text = base::SystemFileSystem().Read(path);
  if (!text.ok()) {
    std::cerr << "error: " << text.status().message() << "\n";
    return false;
  }
  source = {.path = path, .yaml = *std::move(text)};
  return true;
}

// Steps take what they took in these runs: the median of all. False when one is no profile.
bool TakeDurations(const std::vector<std::string>& paths, orchestrator::Plan& plan) {
  std::map<std::string, std::vector<double>> seconds;
  for (const std::string& path : paths) {
    orchestrator::SourceText json;
    if (!Read(path, json)) return false;
    const auto profile = orchestrator::ParseProfile(path, json.yaml);
    if (!profile.ok()) {
      std::cerr << "error: " << profile.status().message() << "\n";
      return false;
    }
    for (const auto& sample : profile->samples) {
      if (sample.back < 0) seconds[sample.step].push_back(sample.seconds);
    }
  }
  for (orchestrator::PlannedStep& step : plan.steps) {
    std::vector<double>& taken = seconds[step.id];
    if (taken.empty()) continue;
    std::sort(taken.begin(), taken.end());
    step.expected_duration = absl::Seconds(taken[taken.size() / 2]);
  }
  return true;
}

std::shared_ptr<const orchestrator::Plan> LoadPlan(const Options& options) {
  orchestrator::SourceText playbook;
  orchestrator::SourceText inventory{.path = "(example)",
                                     .yaml = MakeInventory(options.shards, options.gateways)};
  if (!Read(options.playbook, playbook)) return nullptr;
  const std::string folder = playbook.path.substr(0, playbook.path.rfind('/') + 1);
  orchestrator::ReadIncludes(  // Compile() names what could not be read.
      [&](const std::string& path) {
        return base::SystemFileSystem().Read(absl::StrCat(folder, path));
      },
      playbook);
  if (!options.inventory.empty() && !Read(options.inventory, inventory)) return nullptr;
  orchestrator::Compilation compilation = orchestrator::Compile(playbook, inventory);
  for (const auto& diagnostic : compilation.diagnostics) {
    std::cerr << ToString(diagnostic) << "\n";
  }
  if (!compilation.diagnostics.empty()) return nullptr;
  if (!TakeDurations(options.profiles, compilation.plan)) return nullptr;
  return std::make_shared<const orchestrator::Plan>(std::move(compilation.plan));
}

WorldOptions ToWorldOptions(const Options& options,
                            std::shared_ptr<const orchestrator::Plan> plan) {
  WorldOptions world;
  world.plan = std::move(plan);
  world.time_max = kSunnyMax;
  if (options.quick) {
    world.sunny_length = World(world).Run().length;
    world.time_max = WorldOptions().time_max;
  } else {
    world.work = UsualWork(*world.plan);
    world.think = UsualThought();
    world.workload.writes_max = 0;
    world.sunny_length = World(world).Run().length;
    world.time_max = absl::Minutes(30) + 3 * world.sunny_length;
    world.workload.writes_max = 200;
    world.workload.writes_per_s =
        world.workload.writes_max / std::max(1.0, absl::ToDoubleSeconds(world.sunny_length));
  }
  if (options.faults == "some") world.rates = SomeRates();
  if (options.faults == "harsh") world.rates = HarshRates();
  return world;
}

// The whole story of one world.
int TellOne(WorldOptions world, uint64_t seed) {
  world.seed = seed;
  world.trace_lines = kStoryLines;
  const WorldResult result = World(world).Run();
  for (const std::string& line : result.trace) std::cout << line << "\n";
  std::cout << "seed " << seed << ", after " << ShortDuration(result.length) << ": "
            << hamisha::orchestrator::v1::RunState_Name(result.state) << " " << result.explanation
            << "\n";
  if (!result.broken.has_value()) return kExitOk;
  std::cout << "BROKEN PROMISE: " << result.broken->promise << ": " << result.broken->how << "\n";
  return kExitError;
}

// Its own playbook, platform, faults and seeds, and whether all goes as it says.
int PlayScenario(Options options) {
  orchestrator::SourceText text;
  if (!Read(options.scenario, text)) return kExitInvalid;
  const ScenarioReading reading = ReadScenario(text.path, text.yaml);
  for (const auto& diagnostic : reading.diagnostics) std::cerr << ToString(diagnostic) << "\n";
  if (!reading.diagnostics.empty()) return kExitInvalid;
  const Scenario& scenario = reading.scenario;
  options.playbook = scenario.playbook;
  options.shards = scenario.shards;
  options.gateways = scenario.gateways;
  const auto plan = LoadPlan(options);
  if (plan == nullptr) return kExitInvalid;
  const auto mistakes = CheckNames(text.path, reading.names, *plan);
  for (const auto& diagnostic : mistakes) std::cerr << ToString(diagnostic) << "\n";
  if (!mistakes.empty()) return kExitInvalid;
  for (uint64_t seed = 0; seed < scenario.seeds; ++seed) {
    const WorldOptions world = ToWorldOptions(scenario, plan, seed);
    const std::string lacks = Unexpected(scenario, World(world).Run());
    if (lacks.empty()) continue;
    TellOne(world, seed);
    std::cerr << "error: " << scenario.name << ", seed " << seed << ": " << lacks << "\n";
    return kExitError;
  }
  std::cout << scenario.name << ": as it says, " << scenario.seeds << " times\n";
  return kExitOk;
}

std::string ReplayCommand(const Options& options) {
  std::string command = absl::StrCat("hamisha simulate ", options.playbook);
  if (options.inventory.empty()) {
    absl::StrAppend(&command, " --shards ", options.shards, " --gateways ", options.gateways);
  } else {
    absl::StrAppend(&command, " --inventory ", options.inventory);
  }
  for (const std::string& profile : options.profiles) {
    absl::StrAppend(&command, " --profile ", profile);
  }
  absl::StrAppend(&command, " --faults ", options.faults, options.quick ? " --quick" : "");
  return command;
}

void ShowProgress(uint64_t done, uint64_t all, absl::Duration taken) {
  const double rate = static_cast<double>(done) / absl::ToDoubleSeconds(taken);
  std::cerr << "\r" << done << " of " << all << ", " << static_cast<uint64_t>(rate) << "/s, "
            << ShortDuration(absl::Seconds(static_cast<double>(all - done) / rate))
            << " left        " << (done >= all ? "\n" : "") << std::flush;
}

int Simulate(const Options& options) {
  if (!options.scenario.empty()) return PlayScenario(options);
  if (options.playbook.empty()) {
    std::cerr << "error: name a PLAYBOOK, or a --scenario\n";
    return kExitInvalid;
  }
  const auto plan = LoadPlan(options);
  if (plan == nullptr) return kExitInvalid;
  SurveyOptions survey{.world = ToWorldOptions(options, plan),
                       .first_seed = options.seed.value_or(0),
                       .seeds = options.seeds,
                       .threads = options.threads,
                       .stop_at_broken = options.stop_at_broken};
  if (options.seed.has_value() && options.seeds == 1) return TellOne(survey.world, *options.seed);
  const base::Clock& clock = base::SystemClock();
  const absl::Duration begin = clock.MonotonicNow();
  absl::Duration told = begin;
  survey.progress = [&](uint64_t done) {
    const absl::Duration now = clock.MonotonicNow();
    if (now - told < absl::Seconds(1)) return;
    told = now;
    ShowProgress(done, options.seeds, now - begin);
  };
  const Survey found = RunSurvey(survey);
  const double seconds = absl::ToDoubleSeconds(clock.MonotonicNow() - begin);
  if (told != begin) std::cerr << "\n";
  const SurveyHeader header{
      .plan = plan->name,
      .replay = ReplayCommand(options),
      .faults = options.faults,
      .first_seed = survey.first_seed,
      .worlds_per_s_and_core = static_cast<double>(found.worlds()) / seconds / options.threads};
  std::cout << (options.format == "json" ? RenderJson(found, header) : RenderText(found, header));
  if (found.broken().empty()) return kExitOk;
  if (options.format != "json") TellOne(survey.world, *found.first_broken());
  return kExitError;
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app{
      "Plays a playbook's weekend again and again, in a world where machines crash and links\n"
      "break, and says how long it takes, how it ends, and whether any promise breaks.",
      "hamisha simulate"};
  CLI::Option* playbook = app.add_option("PLAYBOOK", options.playbook, "The playbook, YAML");
  app.add_option(
         "--scenario", options.scenario,
         "Instead: a file that names a playbook, what goes wrong, and how it must end; as in "
         "simulation/scenarios, from whose project the playbook's path is taken")
      ->excludes(playbook);
  app.add_option("--inventory", options.inventory, "The servers, YAML; else an example's");
  app.add_option("--profile", options.profiles,
                 "What an earlier run left: steps take as long as then; may be given repeatedly");
  app.add_option("--shards", options.shards, "Of the example")->capture_default_str();
  app.add_option("--gateways", options.gateways, "Of the example")->capture_default_str();
  const CLI::Option* seeds = app.add_option("--seeds", options.seeds, "How many weekends")
                                 ->check(CLI::Range(uint64_t{1}, uint64_t{1'000'000'000}))
                                 ->capture_default_str();
  app.add_option("--seed", options.seed, "The first seed; without --seeds, the story of this one");
  app.add_option("--faults", options.faults, "none, some or harsh")
      ->check(CLI::IsMember({"none", "some", "harsh"}))
      ->capture_default_str();
  app.add_flag("--quick", options.quick,
               "Steps take no time of their own: more weekends, to look for broken promises");
  app.add_flag("--stop-at-broken", options.stop_at_broken, "End with the first broken promise");
  app.add_option("--threads", options.threads)->check(CLI::Range(1, 256))->capture_default_str();
  app.add_option("--format", options.format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.footer("Exit codes: 0 no promise broke, 1 one did, 2 invalid playbook or usage.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, std::cout, std::cerr) == 0 ? kExitOk : kExitInvalid;
  }
  if (options.seed.has_value() && seeds->empty()) options.seeds = 1;
  return Simulate(options);
}

}  // namespace
}  // namespace simulation

int main(int argc, char** argv) { return simulation::Main(argc, argv); }
