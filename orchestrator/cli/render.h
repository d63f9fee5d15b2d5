// A run as people and programs read it. Pure: all of it comes from the RunView and the options.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "hamisha/orchestrator/v1/orchestrator.pb.h"

namespace orchestrator {

struct RenderOptions {
  absl::TimeZone zone = absl::UTCTimeZone();
  bool colour = false;
  absl::Time now = absl::InfinitePast();  // For what still goes on; InfinitePast: show no duration.
  size_t columns = 120;                   // Of the live table.
  size_t lines = 1000;                    // Likewise: steps that do not fit are left out.
};

// "running", "rolling_back", "succeeded", "rolled_back", "stopped", "unknown"
std::string RunStateName(hamisha::orchestrator::v1::RunState state);
// "live", "rehearsal", "preflight"
std::string RunKindName(hamisha::orchestrator::v1::RunKind kind);
bool HasEnded(const hamisha::orchestrator::v1::RunView& run);

// The exit code that says how the run ended: 0 succeeded, 6 rolled back, 5 stopped at a difference
// between the sites, 1 stopped otherwise, 7 unknown; 0 while it goes on.
int ExitCodeOf(const hamisha::orchestrator::v1::RunView& run);

// One step on one line:
// "23:00:01.250  freeze/seal  succeeded  312 ms  source-0: sealed at 1204; source-1: sealed at
// 1190"
std::string RenderProgressLine(const hamisha::orchestrator::v1::StepView& step,
                               const RenderOptions& options);

// Turns views of one run into lines: one for each step that began or changed its state since the
// view before, and for the run itself. For terminals that are none, and for logs.
class ProgressLines {
 public:
  explicit ProgressLines(RenderOptions options) : options_(options) {}
  std::vector<std::string> Update(const hamisha::orchestrator::v1::RunView& run);

 private:
  RenderOptions options_;
  std::map<std::string, std::string> step_states_;  // By the step's key.
  std::string run_state_;
};

// The run as a table that fits a terminal, to be drawn again and again: at most `lines` lines.
std::vector<std::string> RenderTable(const hamisha::orchestrator::v1::RunView& run,
                                     const RenderOptions& options);

// The whole story: phases, steps and hosts with times, durations and facts, the way back, the
// certificates of every shard, the outcome and what to do.
std::string RenderReport(const hamisha::orchestrator::v1::RunView& run,
                         const RenderOptions& options);
// The same as one JSON object, indented, with sorted keys.
std::string RenderReportJson(const hamisha::orchestrator::v1::RunView& run,
                             const RenderOptions& options);

}  // namespace orchestrator
