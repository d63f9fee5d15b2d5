#include "lab/load/run_report.h"

#include "absl/strings/str_format.h"

namespace lab {
namespace {

double Milliseconds(uint64_t us) { return static_cast<double>(us) / 1e3; }

nlohmann::json LatencyJson(const Histogram& latency_us) {
  return {{"p50", Milliseconds(latency_us.Percentile(0.5))},
          {"p99", Milliseconds(latency_us.Percentile(0.99))},
          {"p999", Milliseconds(latency_us.Percentile(0.999))},
          {"max", Milliseconds(latency_us.max())}};
}

}  // namespace

std::string FormatWallTime(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3S%Ez", time, absl::LocalTimeZone());
}

void Add(const RunCounts& counts, RunCounts& total) {
  total.sent += counts.sent;
  total.acknowledged += counts.acknowledged;
  total.refused += counts.refused;
  total.unanswered += counts.unanswered;
  total.repeats += counts.repeats;
  total.client_errors += counts.client_errors;
  total.attempts_failed += counts.attempts_failed;
  total.latency_us.Merge(counts.latency_us);
}

nlohmann::json ToJson(const RunCounts& counts) {
  return {{"sent", counts.sent},
          {"acknowledged", counts.acknowledged},
          {"refused", counts.refused},
          {"unanswered", counts.unanswered},
          {"repeats", counts.repeats},
          {"client_errors", counts.client_errors},
          {"attempts_failed", counts.attempts_failed},
          {"latency_ms", LatencyJson(counts.latency_us)}};
}

nlohmann::json ToJson(const RunSecond& second) {
  nlohmann::json json = ToJson(*second.counts);
  json["time"] = FormatWallTime(second.wall);
  json["second"] = second.second;
  json["in_flight"] = second.in_flight;
  return json;
}

std::string ToLine(const RunSecond& second) {
  const RunCounts& counts = *second.counts;
  std::string line = absl::StrFormat(
      "%s load %6.1fs: sent %d, acknowledged %d, p50 %.1f p99 %.1f max %.1f ms, in flight %d",
      FormatWallTime(second.wall), second.second, counts.sent, counts.acknowledged,
      Milliseconds(counts.latency_us.Percentile(0.5)),
      Milliseconds(counts.latency_us.Percentile(0.99)), Milliseconds(counts.latency_us.max()),
      second.in_flight);
  if (counts.attempts_failed > 0) {
    absl::StrAppendFormat(&line, ", failed attempts %d", counts.attempts_failed);
  }
  if (counts.client_errors > 0) {
    absl::StrAppendFormat(&line, ", client errors %d", counts.client_errors);
  }
  return line;
}

nlohmann::json ToJson(const Verdict& verdict) {
  nlohmann::json kinds = nlohmann::json::object();
  for (const auto& [kind, counts] : verdict.kinds) {
    const absl::string_view name = ToString(kind);
    kinds[std::string(name)] = {{"acknowledged", counts.acknowledged},
                                {"refused", counts.refused},
                                {"unanswered", counts.unanswered},
                                {"repeats", counts.repeats}};
  }
  return {{"holds", verdict.Holds()},
          {"acknowledged", verdict.acknowledged},
          {"refused", verdict.refused},
          {"unanswered", verdict.unanswered},
          {"repeats", verdict.repeats},
          {"lost", verdict.lost},
          {"duplicated", verdict.duplicated},
          {"wrong_balances", verdict.wrong_balances},
          {"refused_found", verdict.refused_found},
          {"partial", verdict.partial},
          {"client_errors", verdict.client_errors},
          {"attempts_failed", verdict.attempts_failed},
          {"write_pause_ms", Milliseconds(verdict.latency_us.max())},
          {"longest_gap_ms", Milliseconds(verdict.longest_gap_us)},
          {"latency_ms", LatencyJson(verdict.latency_us)},
          {"kinds", kinds},
          {"findings", verdict.findings}};
}

}  // namespace lab
