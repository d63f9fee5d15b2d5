// The draws behind a forecast.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "orchestrator/forecast/forecast.h"

namespace orchestrator {

// Seconds, of draws that are made together.
inline constexpr size_t kBatch = 64;
using Draws = std::array<float, kBatch>;

// Simulates the rest of a run, kBatch draws at a time.
class Simulation {
 public:
  // Both must outlive it.
  Simulation(const Forecaster& forecaster, const RunPosition& position, absl::Time now);

  void Run();

  // Ascending, in seconds from now on.
  const std::vector<float>& finish() const { return finish_; }
  const std::vector<float>& back_now() const { return back_now_; }
  const std::vector<float>& back_next() const { return back_next_; }
  const std::vector<float>& back_worst() const { return back_worst_; }
  // By phase, in plan order; ascending. Lengths, and ends.
  const std::vector<std::vector<float>>& phase_lengths() const { return phase_lengths_; }
  const std::vector<std::vector<float>>& phase_ends() const { return phase_ends_; }
  const std::vector<std::string>& phases() const { return phases_; }
  // By step; they add up to 1 at most.
  const std::vector<double>& shares() const { return shares_; }
  const std::vector<Quantiles>& left() const { return left_; }  // By step.

 private:
  // What going back now, after the next steps, and at worst would have to do about a step.
  struct Undo {
    bool now = false;
    bool next = false;
    bool worst = false;
  };

  void Prepare();
  void PreparePhases();
  void PrepareUndos();
  void Forward(uint64_t batch);
  const Draws& BeginOf(uint32_t step);
  void TakePhases();
  void Back(uint64_t batch);
  void FollowCriticalPaths();
  uint32_t LastNeedOf(uint32_t step, size_t draw) const;
  void Draw(const Quantiles& quantiles, uint64_t stream, uint64_t batch, Draws& out) const;

  const Forecaster& forecaster_;
  const Plan& plan_;
  const RunPosition& position_;
  const absl::Time now_;
  float window_begins_ = 0;  // From now on.

  std::vector<Quantiles> left_;
  std::vector<Undo> undos_;
  std::vector<uint32_t> phase_of_;
  std::vector<std::string> phases_;
  std::vector<uint8_t> luck_;  // Of each draw: an index into quantiles.

  // Of the batch that is being drawn.
  std::vector<Draws> ends_;        // By step.
  std::vector<Draws> group_ends_;  // By group of needs: when all of them have ended.
  std::vector<uint8_t> group_known_;
  std::vector<Draws> phase_batch_;

  std::vector<float> finish_;
  std::vector<float> back_now_;
  std::vector<float> back_next_;
  std::vector<float> back_worst_;
  std::vector<std::vector<float>> phase_lengths_;
  std::vector<std::vector<float>> phase_ends_;
  std::vector<double> shares_;
};

}  // namespace orchestrator
