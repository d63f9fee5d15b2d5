#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "orchestrator/engine/engine.h"

namespace orchestrator {

// Where a step stands, as far as a forecast needs it.
struct StepPosition {
  enum class State : uint8_t {
    kAhead,     // Not begun, or to be begun again: it failed and people decide.
    kUnderWay,  // Begun, or people are asked.
    kOver,      // Done, skipped, or let pass.
  };
  State state = State::kAhead;
  absl::Time begun = absl::InfiniteFuture();  // While it is under way.
  bool to_undo = false;                       // Begun, and going back would have to look at it.
  bool uncertain = false;                     // Going back would have to ask for an outcome first.
  uint32_t back_done = 0;  // While the run goes back: actions of its way back that are over;
  absl::Time back_begun = absl::InfiniteFuture();  // and when the one that runs began.
};

// Where a run stands: plain data that another thread may have.
struct RunPosition {
  bool going_back = false;
  bool past_no_return = false;      // There is no way back any more.
  bool rehearsal = false;           // Its window is not kept for what has never been tried.
  std::vector<StepPosition> steps;  // As in the plan.
  std::optional<Window> window;     // The effective one, which a rehearsal begins by itself.
};

RunPosition PositionOf(const Engine& engine);

// A run of the plan that has not begun. With `before_window_over` what may be done before the
// window has been done.
RunPosition BeforeBegin(const Plan& plan, const std::optional<Window>& window,
                        bool before_window_over);

}  // namespace orchestrator
