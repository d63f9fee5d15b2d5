#pragma once

#include <string>

#include "simulation/survey.h"

namespace simulation {

// What stands above and beside the figures.
struct SurveyHeader {
  std::string plan;
  std::string replay;  // The command, but for the seed.
  std::string faults;
  uint64_t first_seed = 0;
  double worlds_per_s_and_core = 0;
};

std::string RenderText(const Survey& survey, const SurveyHeader& header);
std::string RenderJson(const Survey& survey, const SurveyHeader& header);

// "1h2m3s", "3.25s", "12ms": to three digits.
std::string ShortDuration(absl::Duration duration);

}  // namespace simulation
