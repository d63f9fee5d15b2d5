#include "orchestrator/cli/plan_view.h"

#include <google/protobuf/util/json_util.h>

#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/invariant.h"
#include "orchestrator/cli/text.h"
#include "orchestrator/engine/dry_run.h"

namespace orchestrator {
namespace {

using nlohmann::json;

std::vector<std::string> HostNames(const Plan& plan, const PlannedAction& action) {
  std::vector<std::string> names;
  for (const uint32_t host : action.hosts) names.push_back(plan.hosts[host].name);
  return names;
}

// "${steps.copy.facts.position}"
std::string TextOf(const Binding& binding) {
  std::string text;
  for (const Binding::Part& part : binding.parts) {
    absl::StrAppend(
        &text, part.output.has_value() ? absl::StrCat("${", part.output->text(), "}") : part.text);
  }
  return text;
}

// The action's parameters, as the playbook names them.
json WithOf(const PlannedAction& action) {
  if (action.action.empty()) return json::object();  // A gate's.
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  INVARIANT(google::protobuf::util::MessageToJsonString(action.message, &text, options).ok());
  json with = json::parse(text);
  with.erase("@type");
  for (const Binding& binding : action.bindings) with[binding.field] = TextOf(binding);
  return with;
}

std::string WithText(const PlannedAction& action) {
  std::vector<std::string> parts;
  const json with = WithOf(action);
  for (const auto& [key, value] : with.items()) {
    parts.push_back(
        absl::StrCat(key, ": ", value.is_string() ? value.get<std::string>() : value.dump()));
  }
  return absl::StrJoin(parts, ", ");
}

std::string OrderText(const Plan& plan, const PlannedAction& action) {
  const std::string with = WithText(action);
  return absl::StrCat(action.action, with.empty() ? "" : absl::StrCat(" {", with, "}"), " on ",
                      JoinNames(HostNames(plan, action)), ", at most ",
                      absl::FormatDuration(action.timeout));
}

std::vector<std::string> NeedIds(const Plan& plan, const PlannedStep& step) {
  std::vector<std::string> ids;
  for (const uint32_t need : step.needs) ids.push_back(plan.steps[need].id);
  return ids;
}

json ActionJson(const Plan& plan, const PlannedAction& action) {
  return {{"action", action.action},
          {"with", WithOf(action)},
          {"hosts", HostNames(plan, action)},
          {"timeout_ms", absl::ToInt64Milliseconds(action.timeout)},
          {"mutates", action.mutates}};
}

json TextOrNull(const std::optional<Expression>& condition) {
  if (!condition.has_value()) return nullptr;
  return condition->text();
}

std::string GateText(const Gate& gate) {
  return absl::StrCat("approval by ", gate.quorum, ": ", JoinNames(gate.roles));
}

// What else is said of a step, for people.
std::string MoreText(const PlannedStep& step) {
  std::vector<std::string> parts;
  if (step.when.has_value()) parts.push_back(absl::StrCat("when ", step.when->text()));
  if (step.until.has_value()) parts.push_back(absl::StrCat("until ", step.until->text()));
  if (!step.waves.empty())
    parts.push_back(absl::StrCat("waves of ", absl::StrJoin(step.waves, ", ")));
  if (step.max_fail_percentage > 0) {
    parts.push_back(absl::StrCat("up to ", step.max_fail_percentage, "% may fail"));
  }
  if (step.point_of_no_return) parts.push_back("point of no return");
  if (step.before_window) parts.push_back("before the window");
  return absl::StrJoin(parts, "; ");
}

// Also for steps that say nothing of it, so that programs need not ask.
void AddConditions(const PlannedStep& step, json& object) {
  object["when"] = TextOrNull(step.when);
  object["until"] = TextOrNull(step.until);
  object["waves"] = step.waves;
  object["max_fail_percentage"] = step.max_fail_percentage;
  object["point_of_no_return"] = step.point_of_no_return;
  object["before_window"] = step.before_window;
  object["approval"] = nullptr;
  if (!step.gate.has_value()) return;
  object["approval"] = {{"roles", step.gate->roles},
                        {"quorum", step.gate->quorum},
                        {"timeout_ms", absl::ToInt64Milliseconds(step.gate->timeout)}};
}

json StepJson(const Plan& plan, const PlannedStep& step) {
  json object = ActionJson(plan, step.apply);
  object["id"] = step.id;
  object["name"] = step.name;
  object["phase"] = step.phase;
  object["needs"] = NeedIds(plan, step);
  object["on_failure"] = std::string(ToString(step.on_failure));
  object["retries"] = step.retries;
  object["delay_ms"] = absl::ToInt64Milliseconds(step.delay);
  object["own_undo"] = step.own_undo;
  AddConditions(step, object);
  object["rollback"] = json::array();
  for (const PlannedAction& action : step.rollback) {
    object["rollback"].push_back(ActionJson(plan, action));
  }
  return object;
}

// "guardrail lag: ledger.await_lag {…} on targets, …, every 5s: lag_records above 2000, 3 looks in
// a row: rollback"
std::string GuardrailText(const Plan& plan, const Guardrail& guardrail) {
  std::vector<std::string> steps;
  for (const uint32_t step : guardrail.steps) steps.push_back(plan.steps[step].id);
  return absl::StrCat("guardrail ", guardrail.name, ": ", OrderText(plan, guardrail.look),
                      ", every ", absl::FormatDuration(guardrail.every),
                      steps.empty() ? "" : " during ", JoinNames(steps), ": ", guardrail.fact,
                      guardrail.above.has_value() ? absl::StrCat(" above ", *guardrail.above) : "",
                      guardrail.below.has_value() ? absl::StrCat(" below ", *guardrail.below) : "",
                      ", ", guardrail.after, guardrail.after == 1 ? " look: " : " looks in a row: ",
                      std::string(ToString(guardrail.then)), "\n");
}

json GuardrailJson(const Plan& plan, const Guardrail& guardrail) {
  json object = ActionJson(plan, guardrail.look);
  object["name"] = guardrail.name;
  object["steps"] = json::array();
  for (const uint32_t step : guardrail.steps) object["steps"].push_back(plan.steps[step].id);
  object["every_ms"] = absl::ToInt64Milliseconds(guardrail.every);
  object["fact"] = guardrail.fact;
  object["above"] = guardrail.above.has_value() ? json(*guardrail.above) : json(nullptr);
  object["below"] = guardrail.below.has_value() ? json(*guardrail.below) : json(nullptr);
  object["after"] = guardrail.after;
  object["then"] = std::string(ToString(guardrail.then));
  return object;
}

json DryRunActionJson(const DryRunAction& action) {
  return {{"action", action.action}, {"hosts", action.hosts}, {"own_undo", action.own_undo}};
}

}  // namespace

std::string RenderPlan(const Plan& plan, absl::TimeZone zone) {
  std::string text =
      absl::StrCat("plan    ", plan.name, "\ndigest  ", base::ToHex(plan.digest), "\n");
  if (!plan.description.empty())
    absl::StrAppend(&text, "about   ", Printable(plan.description), "\n");
  if (plan.window.has_value()) {
    absl::StrAppend(&text, "window  ", ToRfc3339(plan.window->start, zone), " to ",
                    ToRfc3339(plan.window->end, zone), ", the last ",
                    absl::FormatDuration(plan.window->rollback_reserve), " for going back\n");
  }
  absl::StrAppend(&text, "hosts   ", plan.hosts.size(), ", shards ", plan.shards.size(), "\n\n");
  std::vector<std::vector<std::string>> rows = {
      {"phase", "step", "action", "with", "hosts", "needs", "timeout", "on failure", ""}};
  std::string phase;
  for (const PlannedStep& step : plan.steps) {
    rows.push_back(
        {step.phase == phase ? "" : step.phase, step.id,
         step.gate.has_value() ? GateText(*step.gate) : step.apply.action, WithText(step.apply),
         JoinNames(HostNames(plan, step.apply)), JoinNames(NeedIds(plan, step)),
         absl::FormatDuration(step.gate.has_value() ? step.gate->timeout : step.apply.timeout),
         absl::StrCat(step.retries > 0 ? absl::StrCat("retry ", step.retries, "x, ") : "",
                      std::string(ToString(step.on_failure))),
         MoreText(step)});
    phase = step.phase;
  }
  absl::StrAppend(&text, absl::StrJoin(Align(rows), "\n"), "\n");
  if (!plan.guardrails.empty() || !plan.capacity.empty()) absl::StrAppend(&text, "\n");
  for (const Guardrail& guardrail : plan.guardrails) {
    absl::StrAppend(&text, GuardrailText(plan, guardrail));
  }
  for (const CapacityFloor& floor : plan.capacity) {
    absl::StrAppend(&text, "capacity: ", floor.percentage, "% of ", floor.group, " in service\n");
  }
  return text;
}

std::string RenderPlanJson(const Plan& plan, absl::TimeZone zone, const json& fit) {
  json object = {{"name", plan.name},
                 {"description", plan.description},
                 {"digest", base::ToHex(plan.digest)},
                 {"window", nullptr},
                 {"fit", fit},
                 {"hosts", json::array()},
                 {"shards", plan.shards.size()},
                 {"steps", json::array()}};
  if (plan.window.has_value()) {
    object["window"] = {
        {"start", ToRfc3339(plan.window->start, zone)},
        {"end", ToRfc3339(plan.window->end, zone)},
        {"rollback_reserve_ms", absl::ToInt64Milliseconds(plan.window->rollback_reserve)}};
  }
  for (const Host& host : plan.hosts) {
    object["hosts"].push_back(
        {{"name", host.name}, {"site", host.site}, {"kind", host.kind}, {"shards", host.shards}});
  }
  for (const PlannedStep& step : plan.steps) object["steps"].push_back(StepJson(plan, step));
  object["guardrails"] = json::array();
  for (const Guardrail& guardrail : plan.guardrails) {
    object["guardrails"].push_back(GuardrailJson(plan, guardrail));
  }
  object["capacity"] = json::object();
  for (const CapacityFloor& floor : plan.capacity) {
    object["capacity"][floor.group] = floor.percentage;
  }
  return object.dump(2) + "\n";
}

std::string RenderDryRun(const Plan& plan) {
  std::string text =
      absl::StrCat("plan    ", plan.name, "\ndigest  ", base::ToHex(plan.digest),
                   "\n\nA run that goes well orders, and each step's way back, which is taken in "
                   "reverse order of steps:\n");
  std::map<std::string, const PlannedStep*> by_id;
  for (const PlannedStep& step : plan.steps) by_id[step.id] = &step;
  std::string phase;
  for (const DryRunStep& dry : DryRunSteps(plan)) {
    const PlannedStep& step = *by_id.at(dry.id);
    if (step.phase != phase) absl::StrAppend(&text, "\n", step.phase, "\n");
    phase = step.phase;
    absl::StrAppend(&text, "  ", step.id, ": ", dry.asks,
                    dry.asks.empty() || step.apply.action.empty() ? "" : ", then ",
                    step.apply.action.empty() ? "" : OrderText(plan, step.apply), "\n");
    if (step.when.has_value()) absl::StrAppend(&text, "      when ", step.when->text(), "\n");
    if (step.until.has_value()) absl::StrAppend(&text, "      until ", step.until->text(), "\n");
    if (step.own_undo) {
      absl::StrAppend(&text, "      back: undo of ", step.apply.action, " on ",
                      JoinNames(HostNames(plan, step.apply)), "\n");
    }
    for (const PlannedAction& back : step.rollback) {
      absl::StrAppend(&text, "      back: ", OrderText(plan, back), "\n");
    }
  }
  return text;
}

std::string RenderDryRunJson(const Plan& plan) {
  json object = {{"name", plan.name},
                 {"digest", base::ToHex(plan.digest)},
                 {"dry_run", true},
                 {"steps", json::array()}};
  for (const DryRunStep& step : DryRunSteps(plan)) {
    json entry = DryRunActionJson(step.apply);
    entry["id"] = step.id;
    entry["phase"] = step.phase;
    entry["asks"] = step.asks;
    entry["back"] = json::array();
    for (const DryRunAction& back : step.back) entry["back"].push_back(DryRunActionJson(back));
    object["steps"].push_back(entry);
  }
  return object.dump(2) + "\n";
}

}  // namespace orchestrator
