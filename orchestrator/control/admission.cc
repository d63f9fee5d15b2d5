#include "orchestrator/control/admission.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "orchestrator/control/clocks.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;

bool IsUndone(StepState state) {
  return state == StepState::kPending || state == StepState::kSkipped ||
         state == StepState::kUndone;
}

// Hosts that the plan needs, forward or back.
std::set<std::string> HostsOf(const Plan& plan) {
  std::set<std::string> hosts;
  const auto add = [&](const PlannedAction& action) {
    for (const uint32_t host : action.hosts) hosts.insert(plan.hosts[host].name);
  };
  for (const PlannedStep& step : plan.steps) {
    add(step.apply);
    for (const PlannedAction& back : step.rollback) add(back);
  }
  return hosts;
}

void CheckAgents(const Applicant& applicant, std::vector<std::string>& reasons) {
  std::set<std::string> missing = HostsOf(applicant.plan);
  std::vector<std::string> wrong;
  for (const AgentInfo& agent : applicant.agents) {
    if (!agent.connected || missing.erase(agent.host) == 0) continue;
    if (absl::AbsDuration(agent.clock_error) <= kClockOffsetMax) continue;
    wrong.push_back(
        absl::StrFormat("%s (%+.3f s)", agent.host, absl::ToDoubleSeconds(agent.clock_error)));
  }
  if (!missing.empty()) {
    reasons.push_back(absl::StrCat("no agent is connected from ", absl::StrJoin(missing, ", "),
                                   ": start them, and see `hamisha agents`"));
  }
  if (!wrong.empty()) {
    reasons.push_back(absl::StrCat("clocks differ from the orchestrator's by more than ",
                                   absl::FormatDuration(kClockOffsetMax), ": ",
                                   absl::StrJoin(wrong, ", "),
                                   ": set them (chronyc makestep), and see `hamisha agents`"));
  }
}

}  // namespace

bool LeavesSomething(const Engine& run) {
  if (run.past_no_return()) return false;
  if (run.state() == v1::RUN_STATE_UNKNOWN) return true;
  if (run.state() != v1::RUN_STATE_STOPPED) return false;
  for (size_t i = 0; i < run.steps().size(); ++i) {
    if (!IsUndone(run.steps()[i].state) && HasWayBack(run.plan().steps[i])) return true;
  }
  return false;
}

std::string LeftoverOf(const Engine* run) {
  if (run == nullptr || !LeavesSomething(*run)) return "";
  return absl::StrCat("run ", run->run(), " ended ",
                      run->state() == v1::RUN_STATE_UNKNOWN ? "unknown" : "in the middle",
                      ", and what it did stays: take it back first (hamisha rollback ", run->run(),
                      " --reason TEXT)");
}

absl::Status CheckMayGoLive(const Applicant& applicant) {
  std::vector<std::string> reasons;
  const std::string leftover = LeftoverOf(applicant.newest);
  if (!leftover.empty()) reasons.push_back(leftover);
  CheckAgents(applicant, reasons);
  const std::string not_proved = RollbackNotProved(applicant.plan, applicant.tried);
  if (!not_proved.empty()) reasons.push_back(not_proved);
  if (reasons.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrJoin(reasons, "\n"));
}

}  // namespace orchestrator
