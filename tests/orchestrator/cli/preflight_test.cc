// What `hamisha preflight` runs, and what it says.
#include "orchestrator/cli/preflight.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "hamisha/action/v1/ledger.pb.h"
#include "orchestrator/cli/coverage_view.h"
#include "orchestrator/plan/compile.h"
#include "tests/folders.h"
#include "tests/orchestrator/plan/texts.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;
using Catch::Matchers::Contains;
using Names = std::vector<std::string>;

const std::set<std::string> kAll = {"source-0", "source-1",  "target-0",
                                    "target-1", "gateway-0", "gateway-1"};

Plan Compiled(const std::string& yaml) {
  Compilation compilation = Compile({.path = "playbook.yaml", .yaml = yaml},
                                    {.path = "inventory.yaml", .yaml = kInventory + kPeople});
  CAPTURE(yaml);
  for (const Diagnostic& diagnostic : compilation.diagnostics) UNSCOPED_INFO(ToString(diagnostic));
  REQUIRE(compilation.diagnostics.empty());
  return compilation.plan;
}

Plan Weekend() {
  std::ostringstream yaml;
  yaml << std::ifstream(SourceFolder() + "/playbooks/weekend_cutover.yaml").rdbuf();
  return Compiled(yaml.str());
}

const PlannedStep& StepOf(const Plan& plan, const std::string& action) {
  const auto found = std::find_if(plan.steps.begin(), plan.steps.end(),
                                  [&](const auto& step) { return step.apply.action == action; });
  REQUIRE(found != plan.steps.end());
  return *found;
}

Names HostsOf(const Plan& plan, const PlannedStep& step) {
  Names names;
  for (const uint32_t host : step.apply.hosts) names.push_back(plan.hosts[host].name);
  return names;
}

TEST_CASE("a preflight of the weekend asks all its servers and changes nothing", "[preflight]") {
  const Plan plan = Compiled(PreflightPlaybook(Weekend(), kAll));
  REQUIRE(plan.steps.size() == 4);
  CHECK(StepOf(plan, "host.facts").apply.hosts.size() == 4);
  CHECK(HostsOf(plan, StepOf(plan, "host.compare")) == Names{"target-0", "target-1"});
  CHECK(StepOf(plan, "ledger.readiness").apply.hosts.size() == 4);
  CHECK(HostsOf(plan, StepOf(plan, "gateway.readiness")) == Names{"gateway-0", "gateway-1"});
  for (const PlannedStep& step : plan.steps) {
    CHECK_FALSE(step.apply.mutates);
    CHECK(step.on_failure == OnFailure::kContinue);
  }
}

TEST_CASE("limits are those of the playbook's own step", "[preflight]") {
  const Plan plan = Compiled(PreflightPlaybook(Weekend(), kAll));
  hamisha::action::v1::LedgerReadiness readiness;
  REQUIRE(StepOf(plan, "ledger.readiness").apply.message.UnpackTo(&readiness));
  CHECK(readiness.from() == "source");
  CHECK(readiness.to() == "target");
  CHECK(readiness.max_lag().seconds() == 2);
  CHECK(readiness.replicas_may_be_missing());
}

TEST_CASE("servers that cannot be asked do not keep the others from being asked", "[preflight]") {
  std::set<std::string> connected = kAll;
  connected.erase("source-1");
  connected.erase("gateway-0");
  const Plan plan = Compiled(PreflightPlaybook(Weekend(), connected));
  CHECK(HostsOf(plan, StepOf(plan, "host.facts")) == Names{"source-0", "target-0", "target-1"});
  CHECK(HostsOf(plan, StepOf(plan, "host.compare")) == Names{"target-0"});
  CHECK(HostsOf(plan, StepOf(plan, "gateway.readiness")) == Names{"gateway-1"});
  CHECK(PreflightPlaybook(Weekend(), {}).empty());
}

TEST_CASE("a playbook without checks of its own is checked by its first seal", "[preflight]") {
  const Plan plan = Compiled(PreflightPlaybook(Compiled(kPlaybook), kAll));
  hamisha::action::v1::LedgerReadiness readiness;
  REQUIRE(StepOf(plan, "ledger.readiness").apply.message.UnpackTo(&readiness));
  CHECK(readiness.from() == "source");
  CHECK(readiness.to() == "target");
  CHECK(StepOf(plan, "gateway.readiness").apply.hosts.size() == 2);
}

// Of one step, with what each host found.
struct Checked {
  v1::RunView run;

  v1::HostView& Host(const std::string& name, const std::string& state) {
    if (run.steps().empty()) run.add_steps()->set_action("ledger.readiness");
    v1::HostView& host = *run.mutable_steps(0)->add_hosts();
    host.set_host(name);
    host.set_state(state);
    return host;
  }
};

void AddObstacle(v1::HostView& host, const std::string& what, bool blocks) {
  auto& obstacle = *host.add_obstacles();
  obstacle.set_what(what);
  obstacle.set_found("12 s");
  obstacle.set_limit("at most 2 s");
  obstacle.set_to_do(blocks ? "wait" : "");
  obstacle.set_blocks(blocks);
}

v1::ListAgentsResponse Agents(const std::set<std::string>& connected) {
  v1::ListAgentsResponse agents;
  for (const std::string& host : kAll) {
    auto& agent = *agents.add_agents();
    agent.set_host(host);
    agent.set_connected(connected.contains(host));
  }
  return agents;
}

TEST_CASE("all that was found comes at once, what blocks first", "[preflight]") {
  Checked checked;
  AddObstacle(checked.Host("target-1", "failed"), "lag", true);
  AddObstacle(checked.Host("target-0", "succeeded"), "clock", false);
  checked.Host("gateway-0", "unknown").set_message("no answer in time");
  std::set<std::string> connected = kAll;
  connected.erase("source-0");
  v1::RunView before;
  before.set_run("r1");
  before.set_state(v1::RUN_STATE_UNKNOWN);
  before.set_leaves_something(true);
  const auto agents = Agents(connected);
  const Plan plan = Weekend();
  const Preflight preflight = JudgePreflight({.plan = plan,
                                              .agents = agents,
                                              .checked = &checked.run,
                                              .newest = &before,
                                              .rollback_not_proved = "no rehearsal has gone back"});
  CHECK(preflight.blocks());
  Names found;
  for (const Finding& finding : preflight.findings) {
    found.push_back(finding.host + (finding.blocks ? " blocks " : " told ") + finding.what);
  }
  CHECK(found == Names{" blocks leftover", " blocks rehearsal", "gateway-0 blocks ledger.readiness",
                       "source-0 blocks agent", "target-1 blocks lag", "target-0 told clock"});

  const std::string text = RenderPreflight(preflight);
  CHECK_THAT(text,
             Contains("hamisha rollback r1 --reason TEXT") &&
                 Contains("target-1   lag               blocks  12 s (at most 2 s): wait\n") &&
                 Contains("no answer in time") && Contains("clients' writes would wait about") &&
                 Contains("a run would be refused: mend what blocks, and ask again\n"));
  const auto json = nlohmann::json::parse(RenderPreflightJson(preflight));
  CHECK(json["blocks"] == true);
  CHECK(json["findings"].size() == 6);
  CHECK(json["findings"][4]["to_do"] == "wait");
  CHECK(json["pause"]["not_known"].size() == 4);
}

TEST_CASE("when nothing blocks it says so", "[preflight]") {
  Checked checked;
  for (const std::string& host : kAll) checked.Host(host, "succeeded");
  const auto agents = Agents(kAll);
  const Plan plan = Weekend();
  const Preflight preflight = JudgePreflight({.plan = plan,
                                              .agents = agents,
                                              .checked = &checked.run,
                                              .newest = nullptr,
                                              .rollback_not_proved = ""});
  CHECK_FALSE(preflight.blocks());
  CHECK_THAT(RenderPreflight(preflight), Catch::EndsWith("nothing blocks\n"));
}

TEST_CASE("a pause that is longer than the gateways hold blocks", "[preflight]") {
  Checked checked;
  (*checked.Host("target-0", "succeeded").mutable_facts())["lag_us"] = "21000000";
  const auto agents = Agents(kAll);
  const Plan plan = Weekend();
  const Preflight preflight = JudgePreflight({.plan = plan,
                                              .agents = agents,
                                              .checked = &checked.run,
                                              .newest = nullptr,
                                              .rollback_not_proved = ""});
  REQUIRE(preflight.findings.size() == 1);
  CHECK(preflight.findings[0].what == "pause");
  CHECK(preflight.blocks());
}

TEST_CASE("coverage shows each step's branches, and what is not proved", "[coverage]") {
  v1::CoverageView coverage;
  coverage.set_playbook_digest("d1");
  CHECK_THAT(RenderCoverage(coverage), Contains("no rehearsal of this playbook is known"));
  coverage.add_runs("r1");
  v1::StepCoverage& hold = *coverage.add_steps();
  hold.set_step("hold");
  hold.set_action("gateway.hold");
  hold.set_on_failure("rollback");
  hold.set_ran(true);
  auto& release = *hold.add_undo();
  release.set_action("undo of gateway.hold");
  release.set_proved(true);
  v1::StepCoverage& seal = *coverage.add_steps();
  seal = hold;
  seal.set_step("seal");
  seal.set_failed(true);
  seal.mutable_undo(0)->set_proved(false);
  seal.mutable_undo(0)->set_tried(true);
  coverage.add_steps()->set_step("facts");
  const std::string text = RenderCoverage(coverage);
  CHECK_THAT(text,
             Contains("NOT PROVED: undo of gateway.hold (nothing was to be undone)") &&
                 Contains("2 of 3 steps ran, 1 of 3 failed once, 0 of 3 were unknown once; 1 of 2 "
                          "ways back are proved"));
}

}  // namespace
}  // namespace orchestrator
