#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "simulation/cli/render.h"
#include "simulation/cli/run_survey.h"
#include "tests/simulation/worlds.h"

namespace simulation {
namespace {

const SurveyHeader kHeader{.plan = "weekend_cutover",
                           .replay = "hamisha simulate weekend.yaml",
                           .faults = "harsh",
                           .first_seed = 5,
                           .worlds_per_s_and_core = 1000};

SurveyOptions HarshSurvey(unsigned threads) {
  SurveyOptions options;
  options.world = HarshWorld(0);
  options.first_seed = 5;
  options.seeds = 200;
  options.threads = threads;
  return options;
}

TEST_CASE("what a survey finds does not depend on how many threads look for it",
          "[simulation][survey]") {
  const Survey alone = RunSurvey(HarshSurvey(1));
  const Survey together = RunSurvey(HarshSurvey(3));
  CHECK(RenderJson(alone, kHeader) == RenderJson(together, kHeader));
}

TEST_CASE("a survey tells every way of ending, with a seed that ends so again",
          "[simulation][survey]") {
  const Survey survey = RunSurvey(HarshSurvey(1));
  const auto told = nlohmann::json::parse(RenderJson(survey, kHeader));
  CHECK(told["weekends"] == 200);
  CHECK(told["broken_promises"].empty());
  uint64_t counted = 0;
  for (const auto& ending : told["endings"]) {
    counted += ending["count"].get<uint64_t>();
    const uint64_t seed = ending["seed"];
    Survey one(*SunnyWorld(0).plan);
    one.Add(seed, World(HarshWorld(seed)).Run());
    CHECK(one.endings().begin()->first == ending["what"]);
  }
  CHECK(counted == 200);
}

TEST_CASE("the text says how long, how it ended, and how to see one again",
          "[simulation][survey]") {
  Survey survey(*SunnyWorld(0).plan);
  WorldResult result;
  result.state = hamisha::orchestrator::v1::RUN_STATE_SUCCEEDED;
  result.length = absl::Minutes(75);
  result.writes_pass = true;
  survey.Add(5, result);
  const std::string text = RenderText(survey, kHeader);
  INFO(text);
  CHECK(text.find("P50 1h15m") != std::string::npos);
  CHECK(text.find("held in 1 of 1 (100.0 %)") != std::string::npos);
  CHECK(text.find("1  succeeded  (seed 5)") != std::string::npos);
  CHECK(text.find("no promise was broken") != std::string::npos);
  CHECK(text.find("hamisha simulate weekend.yaml --seed SEED") != std::string::npos);
}

}  // namespace
}  // namespace simulation
