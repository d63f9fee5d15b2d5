#include "orchestrator/forecast/fit.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace orchestrator {
namespace {

constexpr size_t kNamesMax = 8;

std::string Names(std::vector<std::string> names) {
  const size_t more = names.size() - std::min(names.size(), kNamesMax);
  names.resize(names.size() - more);
  const std::string text = absl::StrJoin(names, ", ");
  return more == 0 ? text : absl::StrCat(text, " and ", more, " more");
}

}  // namespace

Fit FitOf(const Forecaster& forecaster, const Window& window, absl::Time now,
          bool before_window_over) {
  Fit fit;
  fit.window = window;
  fit.begins = std::max(now, window.start);
  fit.forecast = forecaster.At(BeforeBegin(forecaster.plan(), window, before_window_over), now);
  fit.forward = std::max(absl::ZeroDuration(), fit.forecast.finish_p90 - fit.begins);
  fit.back = std::max(window.rollback_reserve, fit.forecast.back_worst.p90);
  fit.needs_until = fit.begins + fit.forward + fit.back;
  return fit;
}

Fit FitOf(const Forecaster& forecaster, const Window& window) {
  return FitOf(forecaster, window, window.start, true);
}

std::string SumText(const Fit& fit, absl::TimeZone zone) {
  const absl::Duration room = fit.window.end - fit.needs_until;
  const bool reserve = fit.back == fit.window.rollback_reserve;
  return absl::StrCat(
      TimeText(fit.begins, zone), " + ", DurationText(fit.forward), " forward (P90) + ",
      DurationText(fit.back), " to go back (", reserve ? "the playbook's reserve; P90 " : "P90",
      reserve ? DurationText(fit.forecast.back_worst.p90) : "",
      ") = ", TimeText(fit.needs_until, zone), ", ", DurationText(absl::AbsDuration(room)),
      fit.fits() ? " before" : " after", " the window's end ", TimeText(fit.window.end, zone));
}

std::string WhatToChange(const Plan& plan, const Fit& fit) {
  if (fit.fits()) return "";
  const std::string over = DurationText(fit.needs_until - fit.window.end);
  std::string text =
      fit.begins > fit.window.start ? absl::StrCat("begin ", over, " earlier, ") : "";
  absl::StrAppend(&text, "take a window that is ", over, " longer");
  const bool reserve = fit.back == fit.window.rollback_reserve;
  absl::StrAppend(&text, ", or shorten ", reserve ? "the reserve (not below " : "the way back (",
                  DurationText(fit.forecast.back_worst.p90), " at P90)");
  std::vector<PathPart> longest = fit.forecast.critical_path;
  std::sort(longest.begin(), longest.end(),
            [](const PathPart& a, const PathPart& b) { return a.share > b.share; });
  if (longest.size() > 3) longest.resize(3);
  std::vector<std::string> parts;
  for (const PathPart& part : longest) {
    parts.push_back(absl::StrCat("'", plan.steps[part.step].id, "' ",
                                 static_cast<int>(part.share * 100 + 0.5), " %"));
  }
  if (!parts.empty()) absl::StrAppend(&text, " or the longest steps: ", absl::StrJoin(parts, ", "));
  return text;
}

std::string UnprofiledText(const Durations& durations) {
  std::vector<std::string> parts;
  if (!durations.unprofiled.empty()) parts.push_back(Names(durations.unprofiled));
  if (!durations.unprofiled_back.empty()) {
    parts.push_back(absl::StrCat("the way back of ", Names(durations.unprofiled_back)));
  }
  if (parts.empty()) return "";
  return absl::StrCat("no profile for: ", absl::StrJoin(parts, "; "),
                      " (counted with their timeouts): rehearse, or `hamisha profile import`");
}

}  // namespace orchestrator
