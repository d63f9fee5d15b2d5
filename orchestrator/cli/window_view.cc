#include "orchestrator/cli/window_view.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "orchestrator/cli/text.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;
using nlohmann::json;

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

std::string TimeOf(const google::protobuf::Timestamp& timestamp, const RenderOptions& options) {
  return TimeText(ToTime(timestamp), options.zone);
}

// "in 12 min 3 s", "4 min 0 s ago"; "" when it is not known what time it is.
std::string Away(absl::Time time, absl::Time now) {
  if (now == absl::InfinitePast()) return "";
  return time >= now ? absl::StrCat(", in ", HumanDuration(time - now))
                     : absl::StrCat(", ", HumanDuration(now - time), " ago");
}

std::string SpreadText(const v1::Spread& spread) {
  return absl::StrCat(HumanDuration(ToDuration(spread.p50())), " (P50) to ",
                      HumanDuration(ToDuration(spread.p90())), " (P90)");
}

std::string EndedText(const v1::RunView& run) {
  const absl::Duration room = ToTime(run.window_end()) - ToTime(run.ended());
  return absl::StrCat("ended ", HumanDuration(absl::AbsDuration(room)),
                      room >= absl::ZeroDuration() ? " before its end" : " AFTER ITS END");
}

std::string WindowText(const v1::RunView& run, const RenderOptions& options) {
  std::string text = absl::StrCat("window    ", TimeOf(run.window_start(), options), " to ",
                                  TimeOf(run.window_end(), options));
  if (run.has_ended()) return absl::StrCat(text, ", ", EndedText(run));
  if (options.now == absl::InfinitePast()) return text;
  const absl::Duration left = ToTime(run.window_end()) - options.now;
  return left >= absl::ZeroDuration() ? absl::StrCat(text, ", ", HumanDuration(left), " left")
                                      : absl::StrCat(text, ", over since ", HumanDuration(-left));
}

std::string PathText(const v1::Forecast& forecast) {
  return absl::StrJoin(forecast.critical_path(), " → ", [](std::string* out, const auto& part) {
    absl::StrAppend(out, Printable(part.step()), " ", static_cast<int>(part.share() * 100 + 0.5),
                    " %");
  });
}

void AddForecast(const v1::RunView& run, const RenderOptions& options,
                 std::vector<std::string>& lines) {
  const v1::Forecast& forecast = run.forecast();
  lines.push_back(absl::StrCat(forecast.going_back() ? "back at   " : "finish    ",
                               TimeOf(forecast.finish_p50(), options), " (P50) to ",
                               TimeOf(forecast.finish_p90(), options), " (P90)"));
  if (forecast.has_latest_safe_abort()) {
    lines.push_back(
        absl::StrCat("abort by  ", TimeOf(forecast.latest_safe_abort(), options),
                     Away(ToTime(forecast.latest_safe_abort()), options.now),
                     run.overridden() ? "; overridden: it does not go back by itself" : ""));
  }
  if (forecast.has_back_now()) {
    lines.push_back(absl::StrCat("way back  now ", SpreadText(forecast.back_now())));
  }
  if (!forecast.critical_path().empty()) {
    lines.push_back(absl::StrCat("waits for ", PathText(forecast)));
  }
  if (!forecast.warning().empty()) {
    lines.push_back(absl::StrCat("WARNING   ", Printable(forecast.warning())));
  }
}

json SpreadJson(const v1::Spread& spread) {
  return {{"p50_ms", absl::ToInt64Milliseconds(ToDuration(spread.p50()))},
          {"p90_ms", absl::ToInt64Milliseconds(ToDuration(spread.p90()))}};
}

json SpreadJson(const Spread& spread) {
  return {{"p50_ms", absl::ToInt64Milliseconds(spread.p50)},
          {"p90_ms", absl::ToInt64Milliseconds(spread.p90)}};
}

}  // namespace

std::vector<std::string> RenderWindow(const v1::RunView& run, const RenderOptions& options) {
  std::vector<std::string> lines;
  if (!HasEnded(run) && run.has_forecast()) AddForecast(run, options, lines);
  if (run.has_window_end()) lines.insert(lines.begin(), WindowText(run, options));
  return lines;
}

json WindowJson(const v1::RunView& run, const RenderOptions& options) {
  if (!run.has_window_end()) return nullptr;
  const absl::Time end = ToTime(run.window_end());
  json window = {{"start", ToRfc3339(ToTime(run.window_start()), options.zone)},
                 {"end", ToRfc3339(end, options.zone)},
                 {"left_ms", nullptr}};
  const absl::Time at = run.has_ended() ? ToTime(run.ended()) : options.now;
  if (at != absl::InfinitePast()) window["left_ms"] = absl::ToInt64Milliseconds(end - at);
  return window;
}

json ForecastJson(const v1::RunView& run, const RenderOptions& options) {
  if (HasEnded(run) || !run.has_forecast()) return nullptr;
  const v1::Forecast& forecast = run.forecast();
  json object = {{"made", ToRfc3339(ToTime(forecast.made()), options.zone)},
                 {"going_back", forecast.going_back()},
                 {"finish_p50", ToRfc3339(ToTime(forecast.finish_p50()), options.zone)},
                 {"finish_p90", ToRfc3339(ToTime(forecast.finish_p90()), options.zone)},
                 {"latest_safe_abort", nullptr},
                 {"back_now", nullptr},
                 {"back_worst", nullptr},
                 {"critical_path", json::array()},
                 {"phases", json::array()},
                 {"warning", forecast.warning()},
                 {"unprofiled", forecast.unprofiled()}};
  if (forecast.has_latest_safe_abort()) {
    object["latest_safe_abort"] = ToRfc3339(ToTime(forecast.latest_safe_abort()), options.zone);
  }
  if (forecast.has_back_now()) object["back_now"] = SpreadJson(forecast.back_now());
  if (forecast.has_back_worst()) object["back_worst"] = SpreadJson(forecast.back_worst());
  for (const v1::PathPart& part : forecast.critical_path()) {
    object["critical_path"].push_back({{"step", part.step()}, {"share", part.share()}});
  }
  for (const v1::PhaseForecast& phase : forecast.phases()) {
    json entry = SpreadJson(phase.left());
    entry["name"] = phase.name();
    entry["ends_p90"] = ToRfc3339(ToTime(phase.ends_p90()), options.zone);
    object["phases"].push_back(std::move(entry));
  }
  return object;
}

// The times in a warning move all the time: what comes before them says how grave it is.
std::vector<std::string> ForecastLines::Update(const v1::RunView& run,
                                               const RenderOptions& options) {
  if (HasEnded(run) || !run.has_forecast() || run.forecast().going_back()) return {};
  const std::string& warning = run.forecast().warning();
  const std::string grave = warning.substr(0, warning.find(':'));
  const bool worse = std::exchange(warning_, grave) != grave;
  if (std::exchange(told_, true) && !worse) return {};
  return RenderWindow(run, options);
}

std::string RenderFit(const Plan& plan, const Fit& fit, const std::string& unprofiled,
                      absl::TimeZone zone) {
  std::vector<std::vector<std::string>> rows = {{"", "P50", "P90"}};
  for (const PhaseForecast& phase : fit.forecast.phases) {
    rows.push_back({phase.name, HumanDuration(phase.left.p50), HumanDuration(phase.left.p90)});
  }
  const absl::Duration forward_p50 =
      std::max(absl::ZeroDuration(), fit.forecast.finish_p50 - fit.begins);
  rows.push_back({"forward", HumanDuration(forward_p50), HumanDuration(fit.forward)});
  rows.push_back({"way back, at worst", HumanDuration(fit.forecast.back_worst.p50),
                  HumanDuration(fit.forecast.back_worst.p90)});
  rows.push_back({"reserve", "", HumanDuration(fit.window.rollback_reserve)});
  const absl::Duration room = fit.window.end - fit.needs_until;
  std::string text = absl::StrCat(
      absl::StrJoin(Align(rows), "\n"), "\n\nbegins       ", TimeText(fit.begins, zone),
      "\n+ forward    ", TimeText(fit.begins + fit.forward, zone), "  ", HumanDuration(fit.forward),
      " (P90)\n+ way back   ", TimeText(fit.needs_until, zone), "  ", HumanDuration(fit.back),
      fit.back == fit.window.rollback_reserve ? " (the playbook's reserve)" : " (P90)",
      "\nwindow ends  ", TimeText(fit.window.end, zone), "  ",
      fit.fits() ? absl::StrCat("fits, with ", HumanDuration(room), " to spare")
                 : absl::StrCat("DOES NOT FIT: ", HumanDuration(-room), " too long"),
      "\n");
  if (!fit.fits()) absl::StrAppend(&text, "to do        ", WhatToChange(plan, fit), "\n");
  if (!unprofiled.empty()) absl::StrAppend(&text, Printable(unprofiled), "\n");
  return text;
}

json FitJson(const Plan& plan, const Fit& fit, const std::string& unprofiled, absl::TimeZone zone) {
  json phases = json::array();
  for (const PhaseForecast& phase : fit.forecast.phases) {
    json entry = SpreadJson(phase.left);
    entry["name"] = phase.name;
    phases.push_back(std::move(entry));
  }
  return {{"fits", fit.fits()},
          {"begins", ToRfc3339(fit.begins, zone)},
          {"phases", std::move(phases)},
          {"forward_p90_ms", absl::ToInt64Milliseconds(fit.forward)},
          {"back_worst", SpreadJson(fit.forecast.back_worst)},
          {"back_ms", absl::ToInt64Milliseconds(fit.back)},
          {"needs_until", ToRfc3339(fit.needs_until, zone)},
          {"window_end", ToRfc3339(fit.window.end, zone)},
          {"to_do", WhatToChange(plan, fit)},
          {"unprofiled", unprofiled}};
}

}  // namespace orchestrator
