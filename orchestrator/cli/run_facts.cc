#include "orchestrator/cli/run_facts.h"

#include <algorithm>
#include <tuple>

#include "base/hash.h"
#include "orchestrator/cli/text.h"
#include "orchestrator/engine/cutovers.h"

namespace orchestrator {
namespace {

using hamisha::orchestrator::v1::RunView;
using hamisha::orchestrator::v1::StepView;

bool HasBegun(const std::string& state) {
  return !state.empty() && state != "pending" && state != "waiting" && state != "skipped";
}

// The state of a phase is that of its worst step.
std::string StateOf(const PhaseFacts& phase) {
  const auto any = [&](const char* state) {
    return std::any_of(phase.steps.begin(), phase.steps.end(),
                       [&](const StepView* step) { return step->state() == state; });
  };
  const auto all = [&](const char* state) {
    return std::all_of(phase.steps.begin(), phase.steps.end(),
                       [&](const StepView* step) { return step->state() == state; });
  };
  for (const char* state : {"undo_failed", "unknown", "undoing", "settling", "failed", "undone"}) {
    if (any(state)) return state;
  }
  if (all("succeeded")) return "succeeded";
  const bool begun = std::any_of(phase.steps.begin(), phase.steps.end(),
                                 [](const StepView* step) { return HasBegun(step->state()); });
  if (begun) return "running";
  return all("skipped") ? "skipped" : "waiting";
}

void AddStep(const StepView& step, PhaseFacts& phase) {
  phase.steps.push_back(&step);
  if (!step.has_started()) return;
  const absl::Time started = ToTime(step.started());
  phase.started = std::min(phase.started.value_or(started), started);
}

void Finish(PhaseFacts& phase) {
  phase.state = StateOf(phase);
  if (phase.state == "running" || phase.state == "waiting") return;
  for (const StepView* step : phase.steps) {
    if (!step->has_ended()) continue;
    const absl::Time ended = ToTime(step->ended());
    phase.ended = std::max(phase.ended.value_or(ended), ended);
  }
}

}  // namespace

std::vector<PhaseFacts> PhasesOf(const RunView& run) {
  std::vector<PhaseFacts> phases;
  for (const StepView& step : run.steps()) {
    if (step.back()) continue;
    if (phases.empty() || phases.back().name != step.phase()) {
      phases.push_back(
          {.name = step.phase(), .state = "", .started = {}, .ended = {}, .steps = {}});
    }
    AddStep(step, phases.back());
  }
  for (PhaseFacts& phase : phases) Finish(phase);
  return phases;
}

std::vector<const StepView*> WayBackOf(const RunView& run) {
  std::vector<const StepView*> back;
  for (const StepView& step : run.steps()) {
    if (step.back()) back.push_back(&step);
  }
  return back;
}

std::optional<absl::Duration> DurationOf(const StepView& step, absl::Time now) {
  if (!step.has_started()) return std::nullopt;
  const absl::Time started = ToTime(step.started());
  if (step.has_ended()) return ToTime(step.ended()) - started;
  if (now == absl::InfinitePast()) return std::nullopt;
  return std::max(absl::ZeroDuration(), now - started);
}

std::vector<CertificateFacts> CertificatesOf(const RunView& run) {
  std::vector<CertificateFacts> certificates;
  for (const auto& certificate : run.certificates()) {
    CertificateFacts facts;
    facts.signer = certificate.signer();
    hamisha::ledger::v1::SealStatement seal;
    hamisha::ledger::v1::RefusalStatement refusal;
    hamisha::ledger::v1::CutoverStatement cutover;
    if (certificate.type() == "hamisha.seal.v1" && seal.ParseFromString(certificate.payload())) {
      facts.kind = "seal";
      facts.shard = seal.shard();
      facts.epoch = seal.epoch();
      facts.successor = seal.successor();
      facts.position = seal.position();
      facts.log_hash = base::ToHex(seal.log_hash());
      facts.state_root = base::ToHex(seal.state_root());
    } else if (certificate.type() == "hamisha.refusal.v1" &&
               refusal.ParseFromString(certificate.payload())) {
      facts.kind = "refusal";
      facts.shard = refusal.shard();
      facts.epoch = refusal.epoch();
    } else if (certificate.type() == "hamisha.cutover.v1" &&
               cutover.ParseFromString(certificate.payload())) {
      facts.kind = "cutover";
      facts.shard = cutover.shard();
      facts.epoch = cutover.epoch();
      facts.position = cutover.position();
      facts.log_hash = base::ToHex(cutover.log_hash());
      facts.state_root = base::ToHex(cutover.state_root());
      facts.in_flight = cutover.in_flight();
    } else {
      continue;
    }
    certificates.push_back(facts);
  }
  std::stable_sort(certificates.begin(), certificates.end(),
                   [](const CertificateFacts& a, const CertificateFacts& b) {
                     return std::tie(a.shard, a.epoch) < std::tie(b.shard, b.epoch);
                   });
  return certificates;
}

std::vector<std::string> ContradictionsOf(const RunView& run) {
  return CutoverContradictions({run.certificates().begin(), run.certificates().end()});
}

}  // namespace orchestrator
