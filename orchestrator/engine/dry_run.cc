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

// "approval by 2 of ops, business, within 30m"
std::string DescribeAsked(const Plan& plan, const PlannedStep& step) {
  std::string text;
  if (step.gate.has_value()) {
    text = absl::StrCat("approval by ", step.gate->quorum, " of ",
                        absl::StrJoin(step.gate->roles, ", "), ", within ",
                        absl::FormatDuration(step.gate->timeout));
  }
  if (step.point_of_no_return) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", "point of no return: ",
                    plan.people.empty() ? "1 person completes" : "2 people complete");
  }
  return text;
}

DryRunStep Describe(const Plan& plan, const PlannedStep& step) {
  DryRunStep described{.id = step.id,
                       .phase = step.phase,
                       .apply = {step.apply.action, NamesOf(plan, step.apply.hosts), false},
                       .back = {},
                       .asks = DescribeAsked(plan, step)};
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

  // A gate before an action is only shown; nobody has to decide anything in a dry run.
  auto willing = std::make_shared<Plan>(plan);
  for (PlannedStep& step : willing->steps) {
    step.point_of_no_return = false;
    step.when.reset();  // Nothing is found out in a dry run.
    step.until.reset();
    step.apply.bindings.clear();
    if (!step.apply.hosts.empty()) step.gate.reset();
  }
  Engine engine(willing, "dry-run");
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
    for (uint32_t index = 0; index < plan.steps.size(); ++index) {
      if (events.size() > 1 || engine.steps()[index].state != StepState::kAwaiting) continue;
      steps.push_back(Describe(plan, plan.steps[index]));
      PersonActed acted;
      acted.act.set_act(hamisha::orchestrator::v1::ACT_SKIP);
      acted.act.set_by("dry run");
      acted.act.set_reason("dry run");
      acted.act.set_step(plan.steps[index].id);
      events.push_back({.time = absl::UnixEpoch(), .what = acted});
    }
  }
  return steps;
}

std::vector<std::string> DryRun(const Plan& plan) {
  std::vector<std::string> lines;
  size_t number = 0;
  for (const DryRunStep& step : DryRunSteps(plan)) {
    lines.push_back(absl::StrCat(++number, ". ", step.phase, "/", step.id, ": ", step.asks,
                                 step.asks.empty() || step.apply.action.empty() ? "" : ", then ",
                                 step.apply.action.empty() ? "" : ToLine(step.apply)));
    for (const DryRunAction& back : step.back) {
      lines.push_back(absl::StrCat("     way back: ", ToLine(back)));
    }
  }
  return lines;
}

}  // namespace orchestrator
