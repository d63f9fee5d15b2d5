// Whether a plan fits into its window with the way back kept free.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "orchestrator/forecast/forecast.h"

namespace orchestrator {

// The sum: begins + forward + back = needs_until, which must not be after the window's end.
// forward: until P90 of the finish. back: the playbook's reserve, or P90 of going back at the worst
// moment, whichever is longer.
struct Fit {
  Window window;
  Forecast forecast;
  absl::Time begins;  // The window's start, or now when that is over.
  absl::Duration forward;
  absl::Duration back;
  absl::Time needs_until;
  bool fits() const { return needs_until <= window.end; }
};

// A run that is begun at `now`. What may be done before the window is done by then when
// `before_window_over`; else it takes its time from now on.
Fit FitOf(const Forecaster& forecaster, const Window& window, absl::Time now,
          bool before_window_over);

// The same for a run that is begun in time: at the window's start, with all done that may be
// before.
Fit FitOf(const Forecaster& forecaster, const Window& window);

// The sum in one line, with times in `zone`: "2015-04-18T23:00:00+03:00 + 2h10m forward (P90) + …".
std::string SumText(const Fit& fit, absl::TimeZone zone);

// What makes it fit, when it does not: begin earlier, take a longer window, and which phases and
// steps take most of it.
std::string WhatToChange(const Plan& plan, const Fit& fit);

// "no profile for: caught_up, seal; counted with their timeouts: rehearse the playbook, or …"; ""
// when all have one.
std::string UnprofiledText(const Durations& durations);

}  // namespace orchestrator
