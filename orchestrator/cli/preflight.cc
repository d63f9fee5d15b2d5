#include "orchestrator/cli/preflight.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "hamisha/action/v1/host.pb.h"
#include "orchestrator/cli/render.h"
#include "orchestrator/cli/text.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;
using nlohmann::json;

constexpr const char* kCompare = "host.compare";
constexpr const char* kBlocks = "blocks; ";
constexpr const char* kTold = "told; ";

bool IsOfHosts(absl::string_view action) { return absl::StartsWith(action, "host."); }

// JSON is YAML too, and quotes whatever names need it.
std::string StepYaml(const Plan& plan, const PlannedStep& step) {
  json hosts = json::array();
  for (const uint32_t host : step.apply.hosts) hosts.push_back(plan.hosts[host].name);
  json with = json::object();
  hamisha::action::v1::HostCompare compare;
  if (step.apply.message.UnpackTo(&compare)) with["from"] = compare.from();
  return absl::StrCat("      - {id: ", json(step.id).dump(), ", action: ", step.apply.action,
                      ", hosts: ", hosts.dump(), ", with: ", with.dump(),
                      ", timeout: ", absl::ToInt64Milliseconds(step.apply.timeout), "ms}\n");
}

struct Difference {
  std::string host;
  std::string fact;
  bool blocks = false;
  std::string values;
};

std::vector<Difference> DifferencesOf(const v1::RunView& run) {
  std::vector<Difference> differences;
  for (const v1::StepView& step : run.steps()) {
    if (step.action() != kCompare) continue;
    for (const v1::HostView& host : step.hosts()) {
      for (const auto& [fact, text] : host.facts()) {
        absl::string_view values = text;
        const bool blocks = absl::ConsumePrefix(&values, kBlocks);
        absl::ConsumePrefix(&values, kTold);
        differences.push_back({host.host(), fact, blocks, std::string(values)});
      }
    }
  }
  std::sort(differences.begin(), differences.end(), [](const Difference& a, const Difference& b) {
    return std::tie(b.blocks, a.host, a.fact) < std::tie(a.blocks, b.host, b.fact);
  });
  return differences;
}

}  // namespace

std::string PreflightPlaybook(const Plan& plan) {
  std::string steps;
  bool compares = false;
  for (const PlannedStep& step : plan.steps) {
    if (!IsOfHosts(step.apply.action)) continue;
    absl::StrAppend(&steps, StepYaml(plan, step));
    compares = compares || step.apply.action == kCompare;
  }
  if (!compares) return "";
  return absl::StrCat(
      "apiVersion: hamisha/v1\nkind: Playbook\n"
      "metadata: {name: preflight, description: Compares servers and changes nothing}\n"
      "phases:\n  - name: prepare\n    steps:\n",
      steps);
}

bool MayHaveToGoBack(const v1::RunView& run) {
  if (run.state() == v1::RUN_STATE_ROLLED_BACK) return false;
  return std::any_of(run.steps().begin(), run.steps().end(), [](const v1::StepView& step) {
    return step.has_started() && !IsOfHosts(step.action());
  });
}

std::string RenderPreflight(const v1::RunView& run) {
  std::vector<std::vector<std::string>> rows = {{"host", "fact", "", "values"}};
  for (const Difference& difference : DifferencesOf(run)) {
    rows.push_back({Printable(difference.host), Printable(difference.fact),
                    difference.blocks ? "blocks" : "told", Printable(difference.values)});
  }
  std::string text;
  if (rows.size() > 1) text = absl::StrCat(absl::StrJoin(Align(rows), "\n"), "\n");
  if (run.state() == v1::RUN_STATE_SUCCEEDED) {
    absl::StrAppend(&text, "nothing blocks\n");
  } else if (run.refused()) {
    absl::StrAppend(&text, "a run would be refused: mend what blocks, and ask again\n");
  } else {
    absl::StrAppend(&text, "not compared: ", Printable(run.explanation()), "\n");
  }
  return text;
}

std::string RenderPreflightJson(const v1::RunView& run) {
  json differences = json::array();
  for (const Difference& difference : DifferencesOf(run)) {
    differences.push_back({{"host", difference.host},
                           {"fact", difference.fact},
                           {"blocks", difference.blocks},
                           {"values", difference.values}});
  }
  const json object = {{"run", run.run()},
                       {"state", RunStateName(run.state())},
                       {"refused", run.refused()},
                       {"explanation", run.explanation()},
                       {"differences", std::move(differences)}};
  return object.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace orchestrator
