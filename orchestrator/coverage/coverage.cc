#include "orchestrator/coverage/coverage.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace orchestrator {
namespace {

using hamisha::orchestrator::v1::UndoCoverage;
using nlohmann::json;

// By step: whether it begins only once there is no way back any more.
std::vector<bool> PastNoReturn(const Plan& plan) {
  std::vector<bool> past;
  for (const PlannedStep& step : plan.steps) {
    past.push_back(step.point_of_no_return ||
                   std::any_of(step.needs.begin(), step.needs.end(),
                               [&](uint32_t need) { return past[need]; }));
  }
  return past;
}

StepCoverage NotTried(const PlannedStep& step, bool has_way_back) {
  StepCoverage coverage;
  coverage.set_step(step.id);
  coverage.set_action(step.gate.has_value() ? "approval" : step.apply.action);
  coverage.set_on_failure(std::string(ToString(step.on_failure)));
  if (!has_way_back) return coverage;
  for (const BackAction& back : BackOf(step)) {
    coverage.add_undo()->set_action(back.mode == hamisha::agent::v1::MODE_UNDO
                                        ? absl::StrCat("undo of ", back.action->action)
                                        : back.action->action);
  }
  return coverage;
}

// A way back that had nothing to do anywhere went through without being tried.
void AddUndo(const ActionRun& run, UndoCoverage& undo) {
  if (run.started == absl::InfiniteFuture()) return;
  undo.set_tried(true);
  const bool succeeded = std::all_of(run.hosts.begin(), run.hosts.end(), [](const HostRun& host) {
    return host.state == HostState::kSucceeded;
  });
  const bool did = std::any_of(run.hosts.begin(), run.hosts.end(),
                               [](const HostRun& host) { return !host.nothing_to_do; });
  undo.set_proved(succeeded && did);
}

void AddStep(const StepCoverage& more, StepCoverage& sum) {
  sum.set_ran(sum.ran() || more.ran());
  sum.set_succeeded(sum.succeeded() || more.succeeded());
  sum.set_failed(sum.failed() || more.failed());
  sum.set_probed(sum.probed() || more.probed());
  for (int i = 0; i < std::min(sum.undo_size(), more.undo_size()); ++i) {
    UndoCoverage& undo = *sum.mutable_undo(i);
    if (undo.action() != more.undo(i).action()) continue;
    undo.set_tried(undo.tried() || more.undo(i).tried());
    undo.set_proved(undo.proved() || more.undo(i).proved());
  }
}

StepCoverage* Find(Coverage& coverage, const std::string& step) {
  const auto found = std::find_if(coverage.begin(), coverage.end(),
                                  [&](const StepCoverage& it) { return it.step() == step; });
  return found == coverage.end() ? nullptr : &*found;
}

// The plan's steps with what was tried of them.
Coverage Tried(const Plan& plan, const Coverage& tried) {
  Coverage sum = CoverageOf(plan);
  const size_t steps = sum.size();
  AddCoverage(tried, sum);
  sum.resize(steps);
  return sum;
}

bool IsProved(const StepCoverage& step) {
  return std::all_of(step.undo().begin(), step.undo().end(),
                     [](const UndoCoverage& undo) { return undo.proved(); });
}

}  // namespace

Coverage CoverageOf(const Plan& plan) {
  const std::vector<bool> past = PastNoReturn(plan);
  Coverage coverage;
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    coverage.push_back(NotTried(plan.steps[i], !past[i]));
  }
  return coverage;
}

Coverage CoverageOf(const Engine& engine) {
  Coverage coverage = CoverageOf(engine.plan());
  for (size_t i = 0; i < coverage.size(); ++i) {
    const StepRun& run = engine.steps()[i];
    StepCoverage& step = coverage[i];
    const auto any = [&](auto is) {
      return std::any_of(run.apply.hosts.begin(), run.apply.hosts.end(), is);
    };
    step.set_ran(run.number > 0);
    step.set_failed(any([](const HostRun& host) { return host.state == HostState::kFailed; }));
    step.set_probed(any([](const HostRun& host) { return host.probe > 0; }));
    step.set_succeeded(run.number > 0 && !any([](const HostRun& host) {
                         return host.state != HostState::kSucceeded;
                       }));
    const size_t undos = std::min(run.back.size(), static_cast<size_t>(step.undo_size()));
    for (size_t back = 0; back < undos; ++back) {
      AddUndo(run.back[back], *step.mutable_undo(static_cast<int>(back)));
    }
  }
  return coverage;
}

void AddCoverage(const Coverage& more, Coverage& sum) {
  for (const StepCoverage& step : more) {
    StepCoverage* const known = Find(sum, step.step());
    if (known == nullptr) {
      sum.push_back(step);
    } else {
      AddStep(step, *known);
    }
  }
}

std::vector<std::string> UndosMissing(const Plan& plan, const Coverage& tried) {
  std::vector<std::string> missing;
  for (const StepCoverage& step : Tried(plan, tried)) {
    if (IsProved(step)) continue;
    std::vector<std::string> actions;
    for (const UndoCoverage& undo : step.undo()) {
      if (!undo.proved()) actions.push_back(undo.action());
    }
    missing.push_back(absl::StrCat(step.step(), ": ", absl::StrJoin(actions, ", ")));
  }
  return missing;
}

std::vector<std::string> StepsToProve(const Plan& plan, const Coverage& tried) {
  std::vector<std::string> steps;
  for (const StepCoverage& step : Tried(plan, tried)) {
    if (!IsProved(step)) steps.push_back(step.step());
  }
  return steps;
}

std::string RollbackNotProved(const Plan& plan, const Coverage& tried) {
  const std::vector<std::string> missing = UndosMissing(plan, tried);
  if (missing.empty()) return "";
  return absl::StrCat(
      "no rehearsal of this very playbook has gone back over ", absl::StrJoin(missing, "; "),
      ": rehearse it with `hamisha rehearse PLAYBOOK --lab LAB --way-back`, and bring what that "
      "leaves here with `hamisha profile import FILE`");
}

json ToJson(const Coverage& coverage) {
  json steps = json::array();
  for (const StepCoverage& step : coverage) {
    json undo = json::array();
    for (const UndoCoverage& one : step.undo()) {
      undo.push_back({{"action", one.action()}, {"tried", one.tried()}, {"proved", one.proved()}});
    }
    steps.push_back({{"step", step.step()},
                     {"action", step.action()},
                     {"on_failure", step.on_failure()},
                     {"ran", step.ran()},
                     {"succeeded", step.succeeded()},
                     {"failed", step.failed()},
                     {"probed", step.probed()},
                     {"undo", std::move(undo)}});
  }
  return steps;
}

absl::StatusOr<Coverage> ParseCoverage(const json& steps) {
  Coverage coverage;
  try {
    for (const json& object : steps) {
      StepCoverage& step = coverage.emplace_back();
      step.set_step(object.at("step").get<std::string>());
      step.set_action(object.at("action").get<std::string>());
      step.set_on_failure(object.at("on_failure").get<std::string>());
      step.set_ran(object.at("ran").get<bool>());
      step.set_succeeded(object.at("succeeded").get<bool>());
      step.set_failed(object.at("failed").get<bool>());
      step.set_probed(object.at("probed").get<bool>());
      for (const json& one : object.at("undo")) {
        UndoCoverage& undo = *step.add_undo();
        undo.set_action(one.at("action").get<std::string>());
        undo.set_tried(one.at("tried").get<bool>());
        undo.set_proved(one.at("proved").get<bool>());
      }
    }
  } catch (const json::exception& problem) {  // The library has no other way to say it.
    return absl::InvalidArgumentError(absl::StrCat("its coverage is wrong: ", problem.what()));
  }
  return coverage;
}

}  // namespace orchestrator
