#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hamisha/orchestrator/v1/orchestrator.pb.h"
#include "orchestrator/engine/engine.h"

namespace orchestrator {

// The newest message of orders that run, by ProgressKey().
using Progress = std::map<std::string, std::string>;

// Names an order in a map of progress messages. `step` is that of the order's key.
std::string ProgressKey(const std::string& step, const std::string& host);

// One step, and its way back where that is planned.
struct StepPiece {
  hamisha::orchestrator::v1::StepView step;
  std::vector<hamisha::orchestrator::v1::StepView> back;
};

// A run at one moment, in pieces that never change again: any thread may put them together.
struct RunSnapshot {
  hamisha::orchestrator::v1::RunView head;  // All but the steps.
  std::vector<std::shared_ptr<const StepPiece>> steps;
  std::vector<uint32_t> back_order;
  std::map<uint32_t, std::string> nonces = {};  // Of steps that await people.
};

// What operators see of the run. Takes time in proportion to the plan.
hamisha::orchestrator::v1::RunView Assemble(const RunSnapshot& snapshot);

// Takes snapshots of a run's engine while it runs. Each builds the pieces of those steps that have
// changed since the one before, so that looking at a long run does not slow it.
class SnapshotTaker {
 public:
  // `engine` must be the same at each call. Head without kind, journal and term, which the engine
  // does not know.
  RunSnapshot Take(const Engine& engine, const Progress& progress);
  // There is new progress of the step.
  void Touch(uint32_t step);

 private:
  struct Known {
    uint64_t changes = 0;
    std::shared_ptr<const StepPiece> piece;  // Null: to be built.
  };
  std::vector<Known> steps_;  // As in the plan.
};

}  // namespace orchestrator
