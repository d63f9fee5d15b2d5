// What playbooks say about a run's findings: `when`, `until`, and outputs of steps in `with`.
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "orchestrator/engine/engine.h"

namespace orchestrator {
namespace {

class Findings final : public RunFindings {
 public:
  explicit Findings(const std::vector<StepRun>& steps) : steps_(steps) {}

  absl::string_view StateOf(uint32_t step) const override { return ToString(steps_[step].state); }

  std::vector<std::pair<uint32_t, const Facts*>> FactsOf(uint32_t step) const override {
    std::vector<std::pair<uint32_t, const Facts*>> facts;
    for (const HostRun& host : steps_[step].apply.hosts) {
      if (host.state == HostState::kSucceeded) facts.emplace_back(host.host, &host.facts);
    }
    return facts;
  }

 private:
  const std::vector<StepRun>& steps_;
};

}  // namespace

// Skips the step, or fails it where the condition cannot be looked at: false in both cases.
bool Engine::WhenHolds(uint32_t index) {
  const std::optional<Expression>& when = plan_->steps[index].when;
  if (!when.has_value()) return true;
  const absl::StatusOr<bool> holds = when->IsTrue(Findings(steps_));
  if (holds.ok() && *holds) return true;
  if (holds.ok()) {
    for (HostRun& host : steps_[index].apply.hosts) {
      host.message = absl::StrCat("skipped: not true that ", when->text());
    }
    EndAsking(index);
    Move(index, StepEvent::kSkip);
    MeetNeeds(index);
    return false;
  }
  if (steps_[index].state == StepState::kPending) Move(index, StepEvent::kAsk);
  FailAsked(index, absl::StrCat("'when' (", when->text(),
                                ") cannot be looked at: ", std::string(holds.status().message())));
  return false;
}

// Why the host's result is not yet what the step waits for; "" when it is.
std::string Engine::UntilLacks(uint32_t index, const Facts& facts) const {
  const std::optional<Expression>& until = plan_->steps[index].until;
  if (!until.has_value()) return "";
  const absl::StatusOr<bool> holds = until->IsTrue(Findings(steps_), &facts);
  if (holds.ok() && *holds) return "";
  return absl::StrCat("not yet true that ", until->text(), holds.ok() ? "" : ": ",
                      std::string(holds.status().message()));
}

// Fills in the outputs of steps for one attempt. When that is impossible the host has failed:
// false.
bool Engine::BindOutputs(const Place& place) {
  const PlannedAction& action = plan_->steps[place.step].apply;
  if (action.bindings.empty()) return true;
  HostRun& host = HostAt(place);
  absl::StatusOr<google::protobuf::Any> message = BoundMessage(action, Findings(steps_), host.host);
  if (message.ok()) {
    host.bound = *std::move(message);
    return true;
  }
  host.message = std::string(message.status().message());
  Move(place, HostEvent::kFail);
  return false;
}

}  // namespace orchestrator
