#include "lab/rehearsal/progress.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "lab/rehearsal/run_times.h"

namespace lab {
namespace {

namespace api = hamisha::orchestrator::v1;

constexpr size_t kLiveWidthMax = 110;

std::string Seconds(absl::Duration length) {
  return absl::StrFormat("%.3f s", absl::ToDoubleSeconds(length));
}

std::string StepName(const api::StepView& step) {
  return step.back() ? absl::StrCat("back ", step.undoes(), ": ", step.action()) : step.id();
}

bool IsOneOf(const std::string& state, std::initializer_list<const char*> states) {
  return std::find(states.begin(), states.end(), state) != states.end();
}

// The first host's complaint.
std::string Complaint(const api::StepView& step) {
  for (const api::HostView& host : step.hosts()) {
    if (host.state() == "failed" || host.state() == "unknown") {
      return absl::StrCat("  ", host.host(), ": ", host.message());
    }
  }
  return "";
}

// The way back of a step is told by its own lines.
bool IsTold(const api::StepView& step) {
  return step.back() || !IsOneOf(step.state(), {"settling", "undoing", "undone", "undo_failed"}) ||
         (step.state() == "undoing" && !Complaint(step).empty());
}

std::string Describe(const api::StepView& step) {
  std::string line = absl::StrFormat("  %-26s %-10s", StepName(step), step.state());
  const bool over =
      IsOneOf(step.state(), {"succeeded", "failed", "unknown", "undone", "undo_failed"});
  if (over && step.has_started() && step.has_ended()) {
    absl::StrAppend(&line, "  ", Seconds(FromProto(step.ended()) - FromProto(step.started())));
  }
  return absl::StrCat(line, Complaint(step));
}

}  // namespace

std::vector<std::string> RunNarrator::Tell(const api::RunView& run) {
  std::vector<std::string> lines;
  for (int i = 0; i < run.steps_size(); ++i) {
    const api::StepView& step = run.steps(i);
    std::string& known = states_[i];
    if (known == step.state() || !step.has_started()) continue;
    known = step.state();
    if (!IsTold(step)) continue;
    const std::string phase = step.back() ? "way back" : step.phase();
    if (phase != phase_) lines.push_back(phase);
    phase_ = phase;
    lines.push_back(Describe(step));
  }
  return lines;
}

// The times in a warning move all the time: what comes before them says how grave it is.
std::vector<std::string> ForecastNarrator::Tell(const api::RunView& run) {
  if (!run.has_forecast() || run.forecast().going_back()) return {};
  const std::string& warning = run.forecast().warning();
  const std::string grave = warning.substr(0, warning.find(':'));
  if (std::exchange(grave_, grave) == grave) return {};
  if (warning.empty()) return {"forecast: in time again"};
  warnings_.push_back(warning);
  return {absl::StrCat("forecast: ", warning)};
}

std::string RunningNow(const api::RunView& run, absl::Time now) {
  for (const api::StepView& step : run.steps()) {
    if (!step.has_started() || step.has_ended()) continue;
    std::vector<std::string> hosts;
    for (const api::HostView& host : step.hosts()) hosts.push_back(host.host());
    return absl::StrFormat("%s %.1f s on %s", StepName(step),
                           absl::ToDoubleSeconds(now - FromProto(step.started())),
                           absl::StrJoin(hosts, ", "));
  }
  return "";
}

void Display::Line(const std::string& text) {
  const std::string time = absl::FormatTime(terminal_ ? "%H:%M:%E3S" : "%Y-%m-%d%ET%H:%M:%E3S%Ez",
                                            clock_.WallNow(), absl::LocalTimeZone());
  const absl::MutexLock lock(&mutex_);
  const std::string live = live_;
  ShowLive("");
  absl::FPrintF(out_, "%s  %s\n", time, text);
  ShowLive(live);
  std::fflush(out_);
}

void Display::Live(const std::string& text) {
  const absl::MutexLock lock(&mutex_);
  ShowLive(text);
}

void Display::ShowLive(const std::string& text) {
  if (!terminal_ || text == live_) return;
  live_ = text.substr(0, kLiveWidthMax);
  absl::FPrintF(out_, "\r\x1b[K%s", live_);
  std::fflush(out_);
}

}  // namespace lab
