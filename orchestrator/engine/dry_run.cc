#include "orchestrator/engine/dry_run.h"

#include <deque>
#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/invariant.h"
#include "orchestrator/engine/engine.h"

namespace orchestrator {
namespace {

std::vector<std::string> NamesOf(const Plan& plan, const std::vector<uint32_t>& hosts) {
  std::vector<std::string> names;
  names.reserve(hosts.size());
  for (const uint32_t host : hosts) names.push_back(plan.hosts[host].name);
  return names;
}

DryRunStep Describe(const Plan& plan, const PlannedStep& step) {
  DryRunStep described{.id = step.id,
                       .phase = step.phase,
                       .apply = {step.apply.action, NamesOf(plan, step.apply.hosts), false},
                       .back = {}};
  for (const BackAction& back : BackOf(step)) {
    described.back.push_back({back.action->action, NamesOf(plan, back.action->hosts),
                              back.mode == hamisha::agent::v1::MODE_UNDO});
  }
  return described;
}

std::string ToLine(const DryRunAction& action) {
  return absl::StrCat(action.own_undo ? "undo of " : "", action.action, " on ",
                      absl::StrJoin(action.hosts, ", "));
}

}  // namespace

std::vector<DryRunStep> DryRunSteps(const Plan& plan) {
  std::map<std::string, const PlannedStep*> by_id;
  for (const PlannedStep& step : plan.steps) by_id[step.id] = &step;

  Engine engine(std::make_shared<const Plan>(plan), "dry-run");
  std::deque<Event> events = {{.time = absl::UnixEpoch(), .what = Started{}}};
  std::vector<DryRunStep> steps;
  for (; !events.empty(); events.pop_front()) {
    const auto effects = engine.Apply(events.front());
    INVARIANT(effects.ok());
    for (const Effect& effect : *effects) {
      const auto* send = std::get_if<SendOrder>(&effect);
      if (send == nullptr) continue;
      const std::string& id = send->order.key().step();
      if (const auto first = by_id.find(id); first != by_id.end()) {
        steps.push_back(Describe(plan, *first->second));
        by_id.erase(first);
      }
      OrderEnded ended;
      *ended.result.mutable_key() = send->order.key();
      ended.result.set_outcome(hamisha::agent::v1::OUTCOME_SUCCEEDED);
      events.push_back({.time = absl::UnixEpoch(), .what = ended});
    }
  }
  return steps;
}

std::vector<std::string> DryRun(const Plan& plan) {
  std::vector<std::string> lines;
  size_t number = 0;
  for (const DryRunStep& step : DryRunSteps(plan)) {
    lines.push_back(
        absl::StrCat(++number, ". ", step.phase, "/", step.id, ": ", ToLine(step.apply)));
    for (const DryRunAction& back : step.back) {
      lines.push_back(absl::StrCat("     way back: ", ToLine(back)));
    }
  }
  return lines;
}

}  // namespace orchestrator
