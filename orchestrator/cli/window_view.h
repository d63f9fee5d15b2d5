// A run's window and forecast, and whether a plan fits into its window, as people and programs read
// them. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "hamisha/orchestrator/v1/orchestrator.pb.h"
#include "orchestrator/cli/render.h"
#include "orchestrator/forecast/fit.h"

namespace orchestrator {

// "finish    2015-04-19T11:20:05+03:00 (P50) to … (P90)", then the window with the time that is
// left, the latest safe abort time and what going back would take; then a warning. Nothing of what
// is not known. While the run goes on; of one that has ended only how it ended in its window.
std::vector<std::string> RenderWindow(const hamisha::orchestrator::v1::RunView& run,
                                      const RenderOptions& options);
// null for what is not known.
nlohmann::json WindowJson(const hamisha::orchestrator::v1::RunView& run,
                          const RenderOptions& options);
nlohmann::json ForecastJson(const hamisha::orchestrator::v1::RunView& run,
                            const RenderOptions& options);

// Lines for logs: the first forecast, and each time that it becomes worse or better.
class ForecastLines {
 public:
  std::vector<std::string> Update(const hamisha::orchestrator::v1::RunView& run,
                                  const RenderOptions& options);

 private:
  bool told_ = false;
  std::string warning_;
};

// The sum, line by line: each phase, the way back, the time that is needed until, and whether that
// is within the window; and where it is not, what to change.
std::string RenderFit(const Plan& plan, const Fit& fit, const std::string& unprofiled,
                      absl::TimeZone zone);
nlohmann::json FitJson(const Plan& plan, const Fit& fit, const std::string& unprofiled,
                       absl::TimeZone zone);

}  // namespace orchestrator
