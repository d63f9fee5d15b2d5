#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "orchestrator/cli/render.h"
#include "orchestrator/cli/report_people.h"
#include "orchestrator/cli/run_facts.h"
#include "orchestrator/cli/text.h"
#include "orchestrator/cli/window_view.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;
using nlohmann::json;

constexpr size_t kShownFactLettersMax = 20;

std::string Between(std::optional<absl::Time> started, std::optional<absl::Time> ended) {
  if (!started.has_value() || !ended.has_value()) return "";
  return HumanDuration(*ended - *started);
}

std::string HexOf(const hamisha::ledger::v1::Id& id) {
  return absl::StrCat(absl::Hex(id.high(), absl::kZeroPad16),
                      absl::Hex(id.low(), absl::kZeroPad16));
}

std::string TimeLeft(const hamisha::ledger::v1::InFlightPending& pending) {
  if (!pending.has_left()) return "never expires";
  return absl::StrCat(HumanDuration(absl::Seconds(pending.left().seconds()) +
                                    absl::Nanoseconds(pending.left().nanos())),
                      " left");
}

void AppendHosts(const v1::StepView& step, std::string* text) {
  for (const v1::HostView& host : step.hosts()) {
    if (host.message().empty() && host.facts().empty()) continue;
    const std::map<std::string, std::string> facts(host.facts().begin(), host.facts().end());
    const std::string shown = absl::StrJoin(facts, " ", [](std::string* out, const auto& fact) {
      absl::StrAppend(out, Printable(fact.first), "=",
                      Cut(Printable(fact.second), kShownFactLettersMax));
    });
    absl::StrAppend(text, "                  ", host.host(), ": ",
                    host.message().empty() ? host.state() : Printable(host.message()),
                    host.attempt() > 1 ? absl::StrCat(" (attempt ", host.attempt(), ")") : "",
                    shown.empty() ? "" : absl::StrCat("  [", shown, "]"), "\n");
  }
}

void AppendStep(const v1::StepView& step, const RenderOptions& options, std::string* text) {
  const auto duration = DurationOf(step, options.now);
  absl::StrAppend(
      text, "  ",
      step.has_started() ? FormatTimeOfDay(ToTime(step.started()), options.zone) : "            ",
      "    ", step.back() && !step.undoes().empty() ? step.undoes() : step.id(), "  ",
      step.action(), "  ", step.state(),
      duration.has_value() ? absl::StrCat("  ", HumanDuration(*duration)) : "", "\n");
  AppendHosts(step, text);
}

// What was carried across, once for both sides.
void AppendInFlight(const hamisha::ledger::v1::InFlight& in_flight, std::string* text) {
  if (in_flight.pendings() == 0) return;
  absl::StrAppend(text, "           in flight at the freeze: ", in_flight.pendings(),
                  " open pending transfers\n");
  for (const auto& pending : in_flight.oldest()) {
    absl::StrAppend(text, "             ", HexOf(pending.id()), "  ", pending.amount(),
                    " of currency ", pending.ledger(), "  ", TimeLeft(pending), "\n");
  }
  const uint64_t listed = static_cast<uint64_t>(in_flight.oldest_size());
  if (in_flight.pendings() > listed) {
    absl::StrAppend(text, "             and ", in_flight.pendings() - listed, " more\n");
  }
}

void AppendCertificates(const v1::RunView& run, std::string* text) {
  const std::vector<CertificateFacts> certificates = CertificatesOf(run);
  if (certificates.empty()) return;
  absl::StrAppend(text, "\nownership\n");
  for (const std::string& contradiction : ContradictionsOf(run)) {
    absl::StrAppend(text, "  NOT THE SAME: ", Printable(contradiction), "\n");
  }
  std::set<std::pair<uint32_t, uint64_t>> told;
  for (const CertificateFacts& facts : certificates) {
    if (facts.kind == "refusal") {
      absl::StrAppend(text, "  shard ", facts.shard, "  epoch ", facts.epoch, " refused by ",
                      facts.signer, "\n");
      continue;
    }
    if (facts.kind == "cutover") {
      absl::StrAppend(text, "  shard ", facts.shard, "  epoch ", facts.epoch, " at position ",
                      facts.position, " certified by ", facts.signer, "\n");
      if (told.insert({facts.shard, facts.epoch}).second) AppendInFlight(facts.in_flight, text);
      continue;
    }
    absl::StrAppend(text, "  shard ", facts.shard, "  epoch ", facts.epoch, " sealed by ",
                    facts.signer, " at position ", facts.position, " for ", facts.successor, "\n",
                    "           state root ", facts.state_root, "\n           log hash   ",
                    facts.log_hash, "\n");
  }
}

std::string WhatToDo(const v1::RunView& run) {
  switch (run.state()) {
    case v1::RUN_STATE_STOPPED:
      if (run.refused() && run.leaves_something()) {
        return absl::StrCat(
            "mend what is refused above, take back what was done (hamisha rollback ", run.run(),
            " --reason TEXT), and run again");
      }
      if (run.refused()) return "mend what is refused above, and run again";
      return absl::StrCat("what was done stays; to go back: hamisha rollback ", run.run(),
                          " --reason TEXT");
    case v1::RUN_STATE_UNKNOWN:
      return absl::StrCat(
          "see which hosts did not answer, bring them back, then: hamisha rollback ", run.run(),
          " --reason TEXT");
    case v1::RUN_STATE_ROLLED_BACK:
      return "what the run did is undone; mend the cause, then run again";
    case v1::RUN_STATE_UNSPECIFIED:
    case v1::RUN_STATE_RUNNING:
    case v1::RUN_STATE_ROLLING_BACK:
    case v1::RUN_STATE_SUCCEEDED:
    case v1::RunState_INT_MIN_SENTINEL_DO_NOT_USE_:
    case v1::RunState_INT_MAX_SENTINEL_DO_NOT_USE_: break;
  }
  return "";
}

json TimesJson(std::optional<absl::Time> started, std::optional<absl::Time> ended,
               const RenderOptions& options) {
  json times = {{"started", nullptr}, {"ended", nullptr}, {"duration_ms", nullptr}};
  if (started.has_value()) times["started"] = ToRfc3339(*started, options.zone);
  if (ended.has_value()) times["ended"] = ToRfc3339(*ended, options.zone);
  if (started.has_value() && ended.has_value()) {
    times["duration_ms"] = absl::ToDoubleMilliseconds(*ended - *started);
  }
  return times;
}

template <typename View>
json TimesOf(const View& view, const RenderOptions& options) {
  const auto time = [](bool has, const google::protobuf::Timestamp& timestamp) {
    return has ? std::optional<absl::Time>(ToTime(timestamp)) : std::nullopt;
  };
  return TimesJson(time(view.has_started(), view.started()), time(view.has_ended(), view.ended()),
                   options);
}

json StepJson(const v1::StepView& step, const RenderOptions& options) {
  json object = TimesOf(step, options);
  object["id"] = step.id();
  object["phase"] = step.phase();
  object["action"] = step.action();
  object["state"] = step.state();
  if (step.back()) object["undoes"] = step.undoes();
  object["hosts"] = json::array();
  for (const v1::HostView& host : step.hosts()) {
    object["hosts"].push_back(
        {{"host", host.host()},
         {"state", host.state()},
         {"attempt", host.attempt()},
         {"message", host.message()},
         {"facts", std::map<std::string, std::string>(host.facts().begin(), host.facts().end())}});
  }
  return object;
}

json InFlightJson(const hamisha::ledger::v1::InFlight& in_flight) {
  json object = {{"pendings", in_flight.pendings()}, {"oldest", json::array()}};
  for (const auto& pending : in_flight.oldest()) {
    json one = {{"id", HexOf(pending.id())},
                {"amount", pending.amount()},
                {"currency", pending.ledger()},
                {"left_ms", nullptr}};
    if (pending.has_left()) {
      one["left_ms"] = pending.left().seconds() * 1'000 + pending.left().nanos() / 1'000'000;
    }
    object["oldest"].push_back(one);
  }
  return object;
}

json CertificateJson(const CertificateFacts& facts) {
  json object = {{"kind", facts.kind},
                 {"shard", facts.shard},
                 {"epoch", facts.epoch},
                 {"signer", facts.signer}};
  if (facts.kind == "seal") object["successor"] = facts.successor;
  if (facts.kind != "refusal") {
    object["position"] = facts.position;
    object["log_hash"] = facts.log_hash;
    object["state_root"] = facts.state_root;
  }
  if (facts.kind == "cutover") object["in_flight"] = InFlightJson(facts.in_flight);
  return object;
}

}  // namespace

std::string RenderReport(const v1::RunView& run, const RenderOptions& options) {
  std::string text = absl::StrCat("run       ", run.run(), "\nplan      ", Printable(run.plan()),
                                  "  ", run.plan_digest(), "\nkind      ", RunKindName(run.kind()),
                                  "\noutcome   ", RunStateName(run.state()),
                                  run.mismatch() ? " (a comparison found a difference)" : "", "\n");
  if (run.has_started()) {
    absl::StrAppend(&text, "started   ", ToRfc3339(ToTime(run.started()), options.zone), "\n");
  }
  if (run.has_started() && run.has_ended()) {
    absl::StrAppend(&text, "ended     ", ToRfc3339(ToTime(run.ended()), options.zone), "  after ",
                    HumanDuration(ToTime(run.ended()) - ToTime(run.started())), "\n");
  }
  for (const std::string& line : RenderWindow(run, options)) absl::StrAppend(&text, line, "\n");
  if (!run.explanation().empty()) {
    absl::StrAppend(&text, "because   ", Printable(run.explanation()), "\n");
  }
  if (const std::string advice = WhatToDo(run); !advice.empty()) {
    absl::StrAppend(&text, "to do     ", advice, "\n");
  }
  absl::StrAppend(&text, "journal   ", run.journal(), "\n\n");
  for (const PhaseFacts& phase : PhasesOf(run)) {
    const std::string duration = Between(phase.started, phase.ended);
    absl::StrAppend(&text, phase.name, "  ", phase.state, duration.empty() ? "" : "  ", duration,
                    "\n");
    for (const v1::StepView* step : phase.steps) AppendStep(*step, options, &text);
  }
  const std::vector<const v1::StepView*> back = WayBackOf(run);
  if (!back.empty()) absl::StrAppend(&text, "\nway back\n");
  for (const v1::StepView* step : back) AppendStep(*step, options, &text);
  AppendPeople(run, options, &text);
  AppendCertificates(run, &text);
  return text;
}

std::string RenderReportJson(const v1::RunView& run, const RenderOptions& options) {
  json object = TimesOf(run, options);
  object["run"] = run.run();
  object["plan"] = run.plan();
  object["plan_digest"] = run.plan_digest();
  object["kind"] = RunKindName(run.kind());
  object["outcome"] = RunStateName(run.state());
  object["exit_code"] = ExitCodeOf(run);
  object["explanation"] = run.explanation();
  object["to_do"] = WhatToDo(run);
  object["window"] = WindowJson(run, options);
  object["forecast"] = ForecastJson(run, options);
  object["mismatch"] = run.mismatch();
  object["journal"] = run.journal();
  object["term"] = run.term();
  object["phases"] = json::array();
  object["steps"] = json::array();
  for (const PhaseFacts& phase : PhasesOf(run)) {
    json entry = TimesJson(phase.started, phase.ended, options);
    entry["name"] = phase.name;
    entry["state"] = phase.state;
    object["phases"].push_back(entry);
    for (const v1::StepView* step : phase.steps) {
      object["steps"].push_back(StepJson(*step, options));
    }
  }
  object["acts"] = ActsJson(run, options);
  object["back"] = json::array();
  for (const v1::StepView* step : WayBackOf(run))
    object["back"].push_back(StepJson(*step, options));
  object["certificates"] = json::array();
  for (const CertificateFacts& facts : CertificatesOf(run)) {
    object["certificates"].push_back(CertificateJson(facts));
  }
  object["contradictions"] = ContradictionsOf(run);
  return object.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace orchestrator
