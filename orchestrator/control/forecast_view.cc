#include "orchestrator/control/forecast_view.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;

void Set(absl::Time time, google::protobuf::Timestamp& timestamp) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

void Set(absl::Duration rest, google::protobuf::Duration& duration) {
  duration.set_seconds(absl::IDivDuration(rest, absl::Seconds(1), &rest));
  duration.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
}

void Set(const Spread& spread, v1::Spread& view) {
  Set(spread.p50, *view.mutable_p50());
  Set(spread.p90, *view.mutable_p90());
}

nlohmann::json ToJson(const Spread& spread) {
  return {{"p50_ms", absl::ToInt64Milliseconds(spread.p50)},
          {"p90_ms", absl::ToInt64Milliseconds(spread.p90)}};
}

}  // namespace

JournalEntry ForecastEntry(const Forecast& forecast, const Plan& plan, const std::string& phase) {
  JournalEntry entry;
  entry.kind = "forecast";
  entry.data = {{"phase", phase},
                {"made", FormatJournalTime(forecast.made_at)},
                {"finish_p50", FormatJournalTime(forecast.finish_p50)},
                {"finish_p90", FormatJournalTime(forecast.finish_p90)},
                {"back_now", ToJson(forecast.back_now)},
                {"back_worst", ToJson(forecast.back_worst)},
                {"warning", WarningOf(plan, forecast, absl::UTCTimeZone())}};
  if (forecast.latest_safe_abort.has_value()) {
    entry.data["latest_safe_abort"] = FormatJournalTime(*forecast.latest_safe_abort);
  }
  return entry;
}

v1::Forecast ViewOf(const Forecast& forecast, const Plan& plan, const std::string& unprofiled) {
  v1::Forecast view;
  Set(forecast.made_at, *view.mutable_made());
  view.set_going_back(forecast.going_back);
  Set(forecast.finish_p50, *view.mutable_finish_p50());
  Set(forecast.finish_p90, *view.mutable_finish_p90());
  if (forecast.going_back) return view;
  if (forecast.can_go_back) {
    Set(forecast.back_now, *view.mutable_back_now());
    Set(forecast.back_worst, *view.mutable_back_worst());
  }
  if (forecast.latest_safe_abort.has_value()) {
    Set(*forecast.latest_safe_abort, *view.mutable_latest_safe_abort());
  }
  for (const PathPart& part : forecast.critical_path) {
    v1::PathPart& path = *view.add_critical_path();
    path.set_step(plan.steps[part.step].id);
    path.set_share(part.share);
  }
  for (const PhaseForecast& phase : forecast.phases) {
    v1::PhaseForecast& one = *view.add_phases();
    one.set_name(phase.name);
    Set(phase.left, *one.mutable_left());
    Set(phase.ends_p90, *one.mutable_ends_p90());
  }
  view.set_warning(WarningOf(plan, forecast, absl::LocalTimeZone()));
  view.set_unprofiled(unprofiled);
  return view;
}

}  // namespace orchestrator
