#include "orchestrator/cli/preflight.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "orchestrator/cli/render.h"
#include "orchestrator/cli/text.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;
using nlohmann::json;

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

void AddAgents(const PreflightInputs& inputs, std::vector<Finding>& findings) {
  std::set<std::string> missing = HostsOf(inputs.plan);
  for (const v1::AgentView& agent : inputs.agents.agents()) {
    if (agent.connected()) missing.erase(agent.host());
  }
  for (const std::string& host : missing) {
    findings.push_back({.host = host,
                        .what = "agent",
                        .blocks = true,
                        .found = "not connected; nothing else is known of this server",
                        .limit = "",
                        .to_do = "start hamisha-agent there, and see that it reaches the "
                                 "orchestrator (hamisha agents)"});
  }
}

void AddHost(const v1::StepView& step, const v1::HostView& host, std::vector<Finding>& findings) {
  for (const auto& obstacle : host.obstacles()) {
    findings.push_back({.host = host.host(),
                        .what = obstacle.what(),
                        .blocks = obstacle.blocks(),
                        .found = obstacle.found(),
                        .limit = obstacle.limit(),
                        .to_do = obstacle.to_do()});
  }
  const bool blocks = std::any_of(host.obstacles().begin(), host.obstacles().end(),
                                  [](const auto& it) { return it.blocks(); });
  if (host.state() == "succeeded" || blocks) return;
  findings.push_back({.host = host.host(),
                      .what = step.action(),
                      .blocks = true,
                      .found = host.message().empty() ? "was not checked" : host.message(),
                      .limit = "",
                      .to_do = "see the agent's log there, and ask again"});
}

void AddRun(const PreflightInputs& inputs, std::vector<Finding>& findings) {
  if (inputs.newest != nullptr && inputs.newest->leaves_something()) {
    const v1::RunView& run = *inputs.newest;
    findings.push_back({.host = "",
                        .what = "leftover",
                        .blocks = true,
                        .found = absl::StrCat("run ", run.run(), " ended ",
                                              RunStateName(run.state()), " and what it did stays"),
                        .limit = "",
                        .to_do = absl::StrCat("hamisha rollback ", run.run(), " --reason TEXT")});
  }
  if (!inputs.rollback_not_proved.empty()) {
    findings.push_back({.host = "",
                        .what = "rehearsal",
                        .blocks = true,
                        .found = inputs.rollback_not_proved,
                        .limit = "",
                        .to_do = ""});
  }
}

void AddPause(const PauseForecast& pause, std::vector<Finding>& findings) {
  if (!pause.longest_hold.has_value() || pause.pause <= *pause.longest_hold) return;
  findings.push_back({.host = "",
                      .what = "pause",
                      .blocks = true,
                      .found = HumanDuration(pause.pause),
                      .limit = absl::StrCat("at most ", HumanDuration(*pause.longest_hold),
                                            ", for which the gateways hold"),
                      .to_do = "wait for less lag, or let gateway.hold keep writes for longer"});
}

std::string Scope(const Finding& finding) { return finding.host.empty() ? "-" : finding.host; }

std::string Sentence(const Finding& finding) {
  return Printable(absl::StrCat(finding.found,
                                finding.limit.empty() ? "" : absl::StrCat(" (", finding.limit, ")"),
                                finding.to_do.empty() ? "" : ": ", finding.to_do));
}

}  // namespace

bool Preflight::blocks() const {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.blocks; });
}

Preflight JudgePreflight(const PreflightInputs& inputs) {
  Preflight preflight;
  AddRun(inputs, preflight.findings);
  AddAgents(inputs, preflight.findings);
  if (inputs.checked != nullptr) {
    preflight.run = inputs.checked->run();
    for (const v1::StepView& step : inputs.checked->steps()) {
      for (const v1::HostView& host : step.hosts()) AddHost(step, host, preflight.findings);
    }
    preflight.pause = ForecastPause(inputs.plan, *inputs.checked);
    if (preflight.pause.has_value()) AddPause(*preflight.pause, preflight.findings);
  }
  std::stable_sort(preflight.findings.begin(), preflight.findings.end(),
                   [](const Finding& a, const Finding& b) {
                     return std::tie(b.blocks, a.host) < std::tie(a.blocks, b.host);
                   });
  return preflight;
}

std::string RenderPreflight(const Preflight& preflight) {
  std::vector<std::vector<std::string>> rows = {{"host", "what", "", "found"}};
  for (const Finding& finding : preflight.findings) {
    rows.push_back({Printable(Scope(finding)), Printable(finding.what),
                    finding.blocks ? "blocks" : "told", Sentence(finding)});
  }
  std::string text;
  if (rows.size() > 1) text = absl::StrCat(absl::StrJoin(Align(rows), "\n"), "\n");
  if (preflight.pause.has_value()) {
    absl::StrAppend(&text, "clients' writes would wait ", Describe(*preflight.pause), "\n");
  }
  absl::StrAppend(&text, preflight.blocks()
                             ? "a run would be refused: mend what blocks, and ask again\n"
                             : "nothing blocks\n");
  return text;
}

std::string RenderPreflightJson(const Preflight& preflight) {
  json findings = json::array();
  for (const Finding& finding : preflight.findings) {
    findings.push_back({{"host", finding.host},
                        {"what", finding.what},
                        {"blocks", finding.blocks},
                        {"found", finding.found},
                        {"limit", finding.limit},
                        {"to_do", finding.to_do}});
  }
  json pause = nullptr;
  if (preflight.pause.has_value()) {
    json parts = json::array();
    for (const PausePart& part : preflight.pause->parts) {
      parts.push_back({{"what", part.what}, {"ms", absl::ToDoubleMilliseconds(part.length)}});
    }
    pause = {{"ms", absl::ToDoubleMilliseconds(preflight.pause->pause)},
             {"parts", std::move(parts)},
             {"not_known", preflight.pause->not_known}};
  }
  const json object = {{"run", preflight.run},
                       {"blocks", preflight.blocks()},
                       {"findings", std::move(findings)},
                       {"pause", std::move(pause)}};
  return object.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace orchestrator
