#include "orchestrator/readiness/pause.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "hamisha/action/v1/gateway.pb.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;

constexpr absl::Duration kStepCost = absl::Milliseconds(10);

// The worst that one of these hosts says; nothing when none does.
std::optional<absl::Duration> Worst(const v1::RunView& checked, const char* fact,
                                    const std::vector<std::string>& hosts) {
  std::optional<absl::Duration> worst;
  for (const v1::StepView& step : checked.steps()) {
    for (const v1::HostView& host : step.hosts()) {
      if (std::find(hosts.begin(), hosts.end(), host.host()) == hosts.end()) continue;
      const auto found = host.facts().find(fact);
      int64_t microseconds = 0;
      if (found == host.facts().end() || !absl::SimpleAtoi(found->second, &microseconds)) continue;
      worst = std::max(worst.value_or(absl::ZeroDuration()), absl::Microseconds(microseconds));
    }
  }
  return worst;
}

std::vector<std::string> HostsOf(const Plan& plan, absl::string_view action) {
  std::vector<std::string> hosts;
  for (const PlannedStep& step : plan.steps) {
    if (step.apply.action != action) continue;
    for (const uint32_t host : step.apply.hosts) hosts.push_back(plan.hosts[host].name);
  }
  return hosts;
}

std::string Text(absl::Duration duration) {
  return duration < absl::Seconds(1)
             ? absl::StrFormat("%.0f ms", absl::ToDoubleMilliseconds(duration))
             : absl::StrFormat("%.1f s", absl::ToDoubleSeconds(duration));
}

}  // namespace

std::optional<PauseForecast> ForecastPause(const Plan& plan, const v1::RunView& checked) {
  const auto is = [](const char* action) {
    return [action](const PlannedStep& step) { return step.apply.action == action; };
  };
  const auto hold = std::find_if(plan.steps.begin(), plan.steps.end(), is("gateway.hold"));
  if (hold == plan.steps.end()) return std::nullopt;
  const auto release = std::find_if(hold, plan.steps.end(), is("gateway.release"));
  const std::vector<std::string> sources = HostsOf(plan, "ledger.seal");
  const std::vector<std::string> targets = HostsOf(plan, "ledger.open");

  PauseForecast forecast;
  const auto add = [&](const char* what, std::optional<absl::Duration> length) {
    if (!length.has_value()) return forecast.not_known.emplace_back(what), void();
    forecast.pause += *length;
    forecast.parts.push_back({what, *length});
  };
  add("a round trip", Worst(checked, "round_trip_us", sources));
  add("lag", Worst(checked, "lag_us", targets));
  add("the seal's commit", Worst(checked, "commit_p99_us", sources));
  add("the open's commit", Worst(checked, "commit_p99_us", targets));
  const int64_t steps = release - hold + (release == plan.steps.end() ? 0 : 1);
  add("the steps in between", steps * kStepCost);
  hamisha::action::v1::GatewayHold with;
  if (hold->apply.message.UnpackTo(&with) && with.has_max_hold()) {  // Not one that is bound.
    forecast.longest_hold =
        absl::Seconds(with.max_hold().seconds()) + absl::Nanoseconds(with.max_hold().nanos());
  }
  return forecast;
}

std::string Describe(const PauseForecast& forecast) {
  std::string text =
      absl::StrCat("about ", Text(forecast.pause), " (",
                   absl::StrJoin(forecast.parts, ", ",
                                 [](std::string* out, const PausePart& part) {
                                   absl::StrAppend(out, Text(part.length), " ", part.what);
                                 }),
                   ")");
  if (!forecast.not_known.empty()) {
    absl::StrAppend(&text,
                    ", without what is not known yet: ", absl::StrJoin(forecast.not_known, ", "));
  }
  if (forecast.longest_hold.has_value()) {
    absl::StrAppend(&text, "; the gateways hold for at most ", Text(*forecast.longest_hold));
  }
  return text;
}

}  // namespace orchestrator
