#include "orchestrator/cli/render.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "orchestrator/cli/people_text.h"
#include "orchestrator/cli/run_facts.h"
#include "orchestrator/cli/text.h"
#include "orchestrator/cli/window_view.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;

constexpr const char* kRed = "\x1b[31m";
constexpr const char* kGreen = "\x1b[32m";
constexpr const char* kYellow = "\x1b[33m";
constexpr const char* kFaint = "\x1b[2m";
constexpr const char* kPlain = "\x1b[0m";

const char* ColourOf(const std::string& state) {
  if (state == "succeeded" || state == "undone") return kGreen;
  if (absl::StrContains(state, "failed") || state == "stopped" || state == "unknown") return kRed;
  if (state == "pending" || state == "waiting" || state == "skipped") return kFaint;
  return kYellow;
}

const char* MarkOf(const std::string& state) {
  if (state == "succeeded") return "✓";
  if (state == "undone" || state == "rolled_back") return "↩";
  if (absl::StrContains(state, "failed") || state == "stopped") return "✗";
  if (state == "unknown") return "?";
  if (state == "pending" || state == "waiting") return "·";
  return state == "skipped" ? "-" : "▸";
}

std::string Coloured(const std::string& line, const std::string& state,
                     const RenderOptions& options) {
  return options.colour ? absl::StrCat(ColourOf(state), line, kPlain) : line;
}

bool IsUndone(absl::string_view state) {
  return state == "settling" || state == "undoing" || state == "undone" || state == "undo_failed";
}

std::string NameOf(const v1::StepView& step) {
  return step.back() ? absl::StrCat("back/", step.undoes().empty() ? step.id() : step.undoes())
                     : absl::StrCat(step.phase(), "/", step.id());
}

// What the hosts say: those that did not succeed first; hosts that say the same are named once.
std::string MessagesOf(const v1::StepView& step, absl::Time now) {
  if (step.state() == "awaiting") return AskedText(step, now);
  std::vector<std::pair<std::string, std::vector<std::string>>> hosts_by_message;
  for (const bool well : {false, true}) {
    for (const v1::HostView& host : step.hosts()) {
      if ((host.state() == "succeeded") != well || host.message().empty()) continue;
      const std::string message = Printable(host.message());
      auto found = std::find_if(hosts_by_message.begin(), hosts_by_message.end(),
                                [&](const auto& entry) { return entry.first == message; });
      if (found == hosts_by_message.end()) {
        found = hosts_by_message.insert(found, {message, {}});
      }
      found->second.push_back(host.host());
    }
  }
  std::string text = absl::StrJoin(hosts_by_message, "; ", [](std::string* out, const auto& entry) {
    absl::StrAppend(out, JoinNames(entry.second), ": ", entry.first);
  });
  if (step.held()) {
    absl::StrAppend(&text, text.empty() ? "" : "; ",
                    "people decide: retry, skip, resolve, rollback or abort");
  }
  return text;
}

std::string HostsDone(const v1::StepView& step) {
  const auto done = std::count_if(step.hosts().begin(), step.hosts().end(),
                                  [](const auto& host) { return host.state() == "succeeded"; });
  return absl::StrCat(done, "/", step.hosts_size());
}

std::string DurationText(const v1::StepView& step, absl::Time now) {
  const auto duration = DurationOf(step, now);
  return duration.has_value() ? HumanDuration(*duration) : "";
}

std::string HeadingOf(const v1::RunView& run, const RenderOptions& options) {
  const std::string state = RunStateName(run.state());
  std::string heading = absl::StrCat(
      "run ", run.run(), " · ", Printable(run.plan()), " · ", RunKindName(run.kind()), " · ",
      Coloured(state, state, options), run.paused() && !HasEnded(run) ? " · paused" : "");
  if (!run.has_started()) return heading;
  if (!run.has_ended() && options.now == absl::InfinitePast()) return heading;
  const absl::Time end = run.has_ended() ? ToTime(run.ended()) : options.now;
  return absl::StrCat(heading, " · ", HumanDuration(end - ToTime(run.started())));
}

}  // namespace

std::string RunKindName(v1::RunKind kind) {
  if (kind == v1::RUN_KIND_LIVE) return "live";
  return kind == v1::RUN_KIND_PREFLIGHT ? "preflight" : "rehearsal";
}

std::string RunStateName(v1::RunState state) {
  switch (state) {
    case v1::RUN_STATE_RUNNING: return "running";
    case v1::RUN_STATE_ROLLING_BACK: return "rolling_back";
    case v1::RUN_STATE_SUCCEEDED: return "succeeded";
    case v1::RUN_STATE_ROLLED_BACK: return "rolled_back";
    case v1::RUN_STATE_STOPPED: return "stopped";
    case v1::RUN_STATE_UNKNOWN: return "unknown";
    case v1::RUN_STATE_UNSPECIFIED:
    case v1::RunState_INT_MIN_SENTINEL_DO_NOT_USE_:
    case v1::RunState_INT_MAX_SENTINEL_DO_NOT_USE_: break;
  }
  return "not_started";
}

bool HasEnded(const v1::RunView& run) {
  return run.state() != v1::RUN_STATE_UNSPECIFIED && run.state() != v1::RUN_STATE_RUNNING &&
         run.state() != v1::RUN_STATE_ROLLING_BACK;
}

int ExitCodeOf(const v1::RunView& run) {
  if (run.state() == v1::RUN_STATE_ROLLED_BACK) return 6;
  if (run.state() == v1::RUN_STATE_STOPPED) return run.refused() ? 3 : run.mismatch() ? 5 : 1;
  if (run.state() == v1::RUN_STATE_UNKNOWN) return 7;
  // Though the plan says to go on.
  return ContradictionsOf(run).empty() ? 0 : 5;
}

std::string RenderProgressLine(const v1::StepView& step, const RenderOptions& options) {
  const bool ended = step.has_ended();
  std::vector<std::string> parts;
  if (step.has_started()) {
    parts.push_back(FormatTimeOfDay(ToTime(ended ? step.ended() : step.started()), options.zone));
  }
  parts.push_back(NameOf(step));
  if (step.back()) parts.push_back(step.action());
  parts.push_back(Coloured(step.state(), step.state(), options));
  if (ended) parts.push_back(DurationText(step, options.now));
  const std::string messages = MessagesOf(step, options.now);
  if (!messages.empty()) parts.push_back(messages);
  return absl::StrJoin(parts, "  ");
}

std::vector<std::string> ProgressLines::Update(const v1::RunView& run) {
  std::vector<std::string> lines;
  const std::string state = RunStateName(run.state());
  const bool state_changed = std::exchange(run_state_, state) != state;
  if (state_changed && !HasEnded(run)) {
    lines.push_back(HeadingOf(run, options_));
    if (!run.explanation().empty()) lines.push_back(Printable(run.explanation()));
  }
  for (const v1::StepView& step : run.steps()) {
    if (!step.has_started()) continue;
    std::string& known = step_states_[absl::StrCat(step.back() ? "back/" : "", step.id())];
    // Each answer of a person is news.
    const std::string news = absl::StrCat(step.state(), " ", step.asked().acts_size());
    if (std::exchange(known, news) == news) continue;
    // The way back has lines of its own; what the step said when it went forward is old by then.
    if (!step.back() && IsUndone(step.state())) continue;
    lines.push_back(RenderProgressLine(step, options_));
  }
  if (state_changed && HasEnded(run)) {
    lines.push_back(HeadingOf(run, options_));
    if (!run.explanation().empty()) lines.push_back(Printable(run.explanation()));
  }
  return lines;
}

std::vector<std::string> RenderTable(const v1::RunView& run, const RenderOptions& options) {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> states;
  size_t newest = 0;
  for (const v1::StepView& step : run.steps()) {
    if (step.has_started()) newest = rows.size();
    rows.push_back({MarkOf(step.state()), step.back() ? "way back" : step.phase(),
                    step.back() && !step.undoes().empty() ? step.undoes() : step.id(),
                    step.action(), step.state(), HostsDone(step), DurationText(step, options.now),
                    MessagesOf(step, options.now)});
    states.push_back(step.state());
  }
  std::vector<std::string> aligned = Align(rows);
  const std::vector<std::string> window = RenderWindow(run, options);
  const size_t room = std::max<size_t>(options.lines, 5 + window.size()) - 4 -
                      window.size();  // Heading, blank, explanation, cursor.
  size_t first = 0;
  if (aligned.size() > room)
    first = std::min(aligned.size() - room, newest - std::min(newest, room / 2));
  std::vector<std::string> lines = {HeadingOf(run, options)};
  for (const std::string& line : window) lines.push_back(Cut(line, options.columns));
  lines.push_back("");
  for (size_t i = first; i < std::min(aligned.size(), first + room); ++i) {
    lines.push_back(Coloured(Cut(aligned[i], options.columns), states[i], options));
  }
  if (!run.explanation().empty())
    lines.push_back(Cut(Printable(run.explanation()), options.columns));
  return lines;
}

}  // namespace orchestrator
