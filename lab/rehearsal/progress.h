#pragma once

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "hamisha/orchestrator/v1/orchestrator.pb.h"

namespace lab {

// What changed between two views of a run, a line each. Pure; not thread-safe.
class RunNarrator {
 public:
  std::vector<std::string> Tell(const hamisha::orchestrator::v1::RunView& run);

 private:
  std::string phase_;
  std::map<int, std::string> states_;  // By place in the view.
};

// Turns views of one run into what should be known ahead of time: each time that its forecast
// becomes graver, or better again.
class ForecastNarrator {
 public:
  std::vector<std::string> Tell(const hamisha::orchestrator::v1::RunView& run);
  const std::vector<std::string>& warnings() const { return warnings_; }  // All, in order.

 private:
  std::string grave_;
  std::vector<std::string> warnings_;
};

// "seal 0.2 s on source-0, source-1"; "" when nothing runs.
std::string RunningNow(const hamisha::orchestrator::v1::RunView& run, absl::Time now);

// Writes lines with their time, and on a terminal one live line below them. Safe for any thread.
class Display {
 public:
  // `out` must outlive the display.
  Display(std::FILE* out, bool terminal, const base::Clock& clock)
      : out_(out), terminal_(terminal), clock_(clock) {}
  ~Display() { Live(""); }
  Display(const Display&) = delete;
  Display& operator=(const Display&) = delete;

  void Line(const std::string& text);
  // Only on a terminal.
  void Live(const std::string& text);

 private:
  void ShowLive(const std::string& text) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  std::FILE* const out_;
  const bool terminal_;
  const base::Clock& clock_;
  absl::Mutex mutex_;
  std::string live_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lab
