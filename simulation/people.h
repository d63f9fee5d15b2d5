#pragma once

#include <functional>
#include <set>
#include <string>

#include "simulation/orchestrator.h"

namespace simulation {

// The people of a plan: whoever is asked answers after a while, as `hamisha approve`, `complete`,
// `resume`, `retry`, `skip` and `rollback` would.
class People {
 public:
  struct Traits {
    // How long somebody thinks about a step; null: some hundred milliseconds.
    std::function<absl::Duration(const orchestrator::PlannedStep&, Dice&)> think = nullptr;
    bool reject = false;  // The first gate.
  };
  // `newest`: the orchestrator in charge.
  People(Environment& environment, Traits traits, std::function<Orchestrator&()> newest)
      : environment_(environment), traits_(std::move(traits)), newest_(std::move(newest)) {}

  // Something moved: whoever is asked now, and was not before, begins to think.
  void Look();

  // Of somebody, about the run.
  void Say(hamisha::orchestrator::v1::Act act, const std::string& reason);

 private:
  absl::Duration DrawTime(uint32_t index);
  void Think(uint32_t index);
  void Decide(uint32_t index);
  void Answer(uint32_t index);
  void DecideHeld(uint32_t index);
  void Post(hamisha::orchestrator::v1::PersonAct act);

  Environment& environment_;
  const Traits traits_;
  const std::function<Orchestrator&()> newest_;
  std::set<uint32_t> thinking_;  // About these steps.
  bool rejected_ = false;
};

}  // namespace simulation
