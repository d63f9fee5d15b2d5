// How a rehearsal's result is told: to people, and to programs.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "lab/rehearsal/summary.h"
#include "orchestrator/cli/coverage_view.h"

namespace lab {
namespace {

namespace api = hamisha::orchestrator::v1;

constexpr int kLabelWidth = 12;

std::string WithThousands(uint64_t number) {
  const std::string digits = absl::StrCat(number);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string Length(absl::Duration length) {
  if (length < absl::Seconds(1)) {
    return absl::StrFormat("%.0f ms", absl::ToDoubleMilliseconds(length));
  }
  return absl::StrFormat("%.2f s", absl::ToDoubleSeconds(length));
}

// Lines "label  text" with the label said once.
class Lines {
 public:
  void Add(const std::string& label, const std::string& text) {
    absl::StrAppendFormat(&text_, "%-*s%s\n", kLabelWidth, label == last_ ? "" : label, text);
    last_ = label;
  }
  const std::string& text() const { return text_; }

 private:
  std::string last_;
  std::string text_;
};

std::string OutcomeWords(const RehearsalResult& result) {
  const api::RunState state = result.run.state();
  if (state == api::RUN_STATE_SUCCEEDED) return "succeeded: the target writes";
  if (state == api::RUN_STATE_ROLLED_BACK) return "rolled back: the source writes";
  if (state == api::RUN_STATE_STOPPED) return "stopped: a step failed, and what was done stays";
  return "unknown: people must look";
}

std::string RootWords(const ShardResult& shard) {
  if (!shard.root_equal.has_value()) return "roots not compared";
  return *shard.root_equal ? "roots equal" : "ROOTS DIFFER";
}

std::string ShardWords(const ShardResult& shard) {
  if (shard.writer.empty()) {
    return absl::StrCat(shard.shard, "  nobody writes, ", RootWords(shard));
  }
  return absl::StrCat(shard.shard, "  ", shard.writer, " writes (epoch ", shard.epoch,
                      ", position ", WithThousands(shard.position), "), ", RootWords(shard),
                      shard.follower.empty() ? ", nobody follows"
                                             : absl::StrCat(", ", shard.follower, " follows, logs ",
                                                            shard.logs_equal ? "equal" : "DIFFER"));
}

bool WritesCameBack(const RehearsalResult& result) {
  return std::all_of(result.shards.begin(), result.shards.end(),
                     [](const ShardResult& shard) { return !shard.writer.empty(); });
}

void AddClients(const RehearsalResult& result, Lines& lines) {
  const CheckResult& check = result.check;
  lines.Add("pause", WritesCameBack(result)
                         ? absl::StrFormat("%.0f ms without writes, as clients felt it",
                                           check.write_pause_ms)
                         : "writes did not come back: see `shards`");
  lines.Add("clients",
            absl::StrCat("acknowledged ", WithThousands(check.acknowledged), ", lost ", check.lost,
                         ", duplicated ", check.duplicated, ", errors ", check.client_errors));
  lines.Add("clients",
            absl::StrFormat("latency p50 %.1f ms, p99 %.1f ms, max %.0f ms", check.latency_p50_ms,
                            check.latency_p99_ms, check.latency_max_ms));
}

nlohmann::json PhasesJson(const RehearsalResult& result) {
  nlohmann::json phases = nlohmann::json::array();
  for (const PhaseTime& phase : PhaseTimes(result.run)) {
    phases.push_back(
        {{"name", phase.name}, {"duration_ms", absl::ToDoubleMilliseconds(phase.length)}});
  }
  return phases;
}

nlohmann::json ShardsJson(const RehearsalResult& result) {
  nlohmann::json shards = nlohmann::json::array();
  for (const ShardResult& shard : result.shards) {
    nlohmann::json row = {{"shard", shard.shard},
                          {"owner", shard.writer},
                          {"owner_site", shard.writer_site},
                          {"epoch", shard.epoch},
                          {"position", shard.position},
                          {"follower", shard.follower},
                          {"logs_equal", shard.logs_equal},
                          {"state_root", shard.state_root}};
    row["root_equal"] = shard.root_equal ? nlohmann::json(*shard.root_equal) : nlohmann::json();
    shards.push_back(row);
  }
  return shards;
}

// How long before its window's end the run ended; nothing without a window.
std::optional<absl::Duration> RoomLeft(const api::RunView& run) {
  if (!run.has_window_end() || !run.has_ended()) return std::nullopt;
  return FromProto(run.window_end()) - FromProto(run.ended());
}

nlohmann::json WindowJson(const api::RunView& run) {
  const std::optional<absl::Duration> room = RoomLeft(run);
  if (!room.has_value()) return nullptr;
  const absl::Duration outside = std::max(absl::ZeroDuration(), -*room);
  return {{"length_ms",
           absl::ToDoubleMilliseconds(FromProto(run.window_end()) - FromProto(run.window_start()))},
          {"left_ms", absl::ToDoubleMilliseconds(*room)},
          {"outside_ms", absl::ToDoubleMilliseconds(outside)}};
}

}  // namespace

std::string ToText(const RehearsalResult& result) {
  Lines lines;
  lines.Add("outcome", OutcomeWords(result));
  if (!result.run.explanation().empty()) lines.Add("why", result.run.explanation());
  AddClients(result, lines);
  if (const auto after = SourceWritingAfter(result.run)) {
    lines.Add("way back",
              absl::StrCat("the source wrote again ", Length(*after), " after the decision"));
  }
  if (const auto room = RoomLeft(result.run)) {
    lines.Add("window", *room >= absl::ZeroDuration()
                            ? absl::StrCat("ended ", Length(*room), " before its end")
                            : absl::StrCat("ENDED ", Length(-*room), " AFTER ITS END"));
  }
  for (const std::string& warning : result.warnings) lines.Add("warned", warning);
  for (const PhaseTime& phase : PhaseTimes(result.run)) {
    lines.Add("phases", absl::StrFormat("%-12s %10s", phase.name, Length(phase.length)));
  }
  for (const ShardResult& shard : result.shards) lines.Add("shards", ShardWords(shard));
  for (const std::string& fault : result.faults) lines.Add("faults", fault);
  for (const std::string& complaint : Complaints(result)) lines.Add("WRONG", complaint);
  lines.Add("journal", result.run.journal());
  if (!result.profile.empty()) lines.Add("profile", result.profile);
  lines.Add("directory", result.directory);
  if (!result.coverage.has_value()) return lines.text();
  return absl::StrCat(lines.text(), "\n", orchestrator::RenderCoverage(*result.coverage));
}

std::string ToJson(const RehearsalResult& result) {
  const CheckResult& check = result.check;
  nlohmann::json root = {{"outcome", ToString(result.run.state())},
                         {"explanation", result.run.explanation()},
                         {"run", result.run.run()},
                         {"acknowledged", check.acknowledged},
                         {"lost", check.lost},
                         {"duplicated", check.duplicated},
                         {"wrong_balances", check.wrong_balances},
                         {"refused_found", check.refused_found},
                         {"client_errors", check.client_errors},
                         {"latency_ms",
                          {{"p50", check.latency_p50_ms},
                           {"p99", check.latency_p99_ms},
                           {"max", check.latency_max_ms}}},
                         {"shards", ShardsJson(result)},
                         {"phases", PhasesJson(result)},
                         {"mismatch", result.run.mismatch()},
                         {"primaries_max", result.primaries_max},
                         {"faults", result.faults},
                         {"complaints", Complaints(result)},
                         {"journal", result.run.journal()},
                         {"window", WindowJson(result.run)},
                         {"warnings", result.warnings},
                         {"profile", result.profile},
                         {"directory", result.directory}};
  root["write_pause_ms"] =
      WritesCameBack(result) ? nlohmann::json(check.write_pause_ms) : nlohmann::json();
  const auto after = SourceWritingAfter(result.run);
  root["source_writing_after_ms"] =
      after ? nlohmann::json(absl::ToDoubleMilliseconds(*after)) : nlohmann::json();
  if (result.coverage.has_value()) {
    root["coverage"] = nlohmann::json::parse(orchestrator::RenderCoverageJson(*result.coverage));
    root["undos_missing"] = result.undos_missing;
  }
  return root.dump(2);
}

}  // namespace lab
