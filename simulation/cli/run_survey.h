#pragma once

#include <cstdint>
#include <functional>

#include "simulation/survey.h"

namespace simulation {

struct SurveyOptions {
  WorldOptions world;  // Its seed is set for each world.
  uint64_t first_seed = 0;
  uint64_t seeds = 1000;
  unsigned threads = 1;
  bool stop_at_broken = false;
  // Now and then, from any thread but one at a time: how many are done.
  std::function<void(uint64_t)> progress = [](uint64_t) {};
};

// Plays worlds on threads, each on one. What it says does not depend on how many there are, unless
// it stops at a broken promise: then no seed below that one was left out.
Survey RunSurvey(const SurveyOptions& options);

}  // namespace simulation
