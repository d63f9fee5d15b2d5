#include "lab/rehearsal/run_times.h"

#include <algorithm>

namespace lab {
namespace {

namespace api = hamisha::orchestrator::v1;

absl::Time EndOf(const api::StepView& step) {
  return FromProto(step.has_ended() ? step.ended() : step.started());
}

const api::StepView* StepById(const api::RunView& run, const std::string& id) {
  for (const api::StepView& step : run.steps()) {
    if (!step.back() && step.id() == id) return &step;
  }
  return nullptr;
}

// Whether the gateways let writes go by this action of the way back.
bool ReleasesWrites(const api::RunView& run, const api::StepView& step) {
  const bool done = step.state() == "undone" || step.state() == "succeeded";
  if (!step.back() || !step.has_ended() || !done) return false;
  if (step.action() == "gateway.release") return true;
  const api::StepView* const undone = StepById(run, step.undoes());
  return step.action() == "gateway.hold" && undone != nullptr && undone->action() == "gateway.hold";
}

}  // namespace

absl::Time FromProto(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

bool IsTerminal(api::RunState state) {
  return state == api::RUN_STATE_SUCCEEDED || state == api::RUN_STATE_ROLLED_BACK ||
         state == api::RUN_STATE_STOPPED || state == api::RUN_STATE_UNKNOWN;
}

std::string ToString(api::RunState state) {
  constexpr absl::string_view kPrefix = "RUN_STATE_";
  std::string name = api::RunState_Name(state).substr(kPrefix.size());
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char letter) { return letter == '_' ? '_' : static_cast<char>(letter | 32); });
  return name;
}

std::vector<PhaseTime> PhaseTimes(const api::RunView& run) {
  struct Span {
    std::string name;
    absl::Time from;
    absl::Time until;
  };
  std::vector<Span> spans;
  for (const api::StepView& step : run.steps()) {
    if (!step.has_started()) continue;
    const std::string name = step.back() ? "way back" : step.phase();
    const auto found = std::find_if(spans.begin(), spans.end(),
                                    [&](const Span& span) { return span.name == name; });
    const absl::Time from = FromProto(step.started());
    if (found == spans.end()) {
      spans.push_back({name, from, EndOf(step)});
    } else {
      found->from = std::min(found->from, from);
      found->until = std::max(found->until, EndOf(step));
    }
  }
  std::vector<PhaseTime> phases;
  for (const Span& span : spans) phases.push_back({span.name, span.until - span.from});
  return phases;
}

const api::StepView* FailedStep(const api::RunView& run) {
  const api::StepView* first = nullptr;
  for (const api::StepView& step : run.steps()) {
    if (step.back() || !step.has_started()) continue;
    const bool failed =
        std::any_of(step.hosts().begin(), step.hosts().end(), [](const api::HostView& host) {
          return host.state() == "failed" || host.state() == "unknown";
        });
    if (failed && (first == nullptr || EndOf(step) < EndOf(*first))) first = &step;
  }
  return first;
}

std::optional<absl::Duration> SourceWritingAfter(const api::RunView& run) {
  absl::Time decision = absl::InfiniteFuture();
  absl::Time released = absl::InfinitePast();
  for (const api::StepView& step : run.steps()) {
    if (step.back() && step.has_started()) {
      decision = std::min(decision, FromProto(step.started()));
    }
    if (ReleasesWrites(run, step)) released = std::max(released, EndOf(step));
  }
  if (const api::StepView* const failed = FailedStep(run)) {
    decision = std::min(decision, EndOf(*failed));
  }
  if (released == absl::InfinitePast() || decision == absl::InfiniteFuture()) return std::nullopt;
  return released - decision;
}

}  // namespace lab
