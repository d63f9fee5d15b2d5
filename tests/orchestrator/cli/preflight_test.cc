// What `hamisha preflight` runs, and what it says.
#include "orchestrator/cli/preflight.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

#include "orchestrator/plan/compile.h"
#include "tests/orchestrator/plan/texts.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;

Plan Compiled(const std::string& yaml) {
  Compilation compilation = Compile({.path = "playbook.yaml", .yaml = yaml},
                                    {.path = "inventory.yaml", .yaml = kInventory});
  for (const Diagnostic& diagnostic : compilation.diagnostics) UNSCOPED_INFO(ToString(diagnostic));
  REQUIRE(compilation.diagnostics.empty());
  return compilation.plan;
}

TEST_CASE("a preflight of the weekend compares all its targets and changes nothing",
          "[preflight]") {
  std::ostringstream yaml;
  yaml << std::ifstream(std::string(SOURCE_DIR) + "/playbooks/weekend_cutover.yaml").rdbuf();
  const Plan plan = Compiled(PreflightPlaybook(Compiled(yaml.str())));
  REQUIRE(plan.steps.size() == 2);
  CHECK(plan.steps[0].apply.action == "host.facts");
  CHECK(plan.steps[0].apply.hosts.size() == 4);
  CHECK(plan.steps[1].apply.action == "host.compare");
  CHECK(plan.steps[1].apply.hosts.size() == 2);
  CHECK(plan.steps[1].apply.timeout == absl::Seconds(10));
  for (const PlannedStep& step : plan.steps) {
    CHECK_FALSE(step.apply.mutates);
    CHECK(step.on_failure == OnFailure::kStop);
  }
}

TEST_CASE("a playbook that compares nothing has no preflight", "[preflight]") {
  CHECK(PreflightPlaybook(Compiled(kPlaybook)).empty());
}

v1::RunView Compared() {
  v1::RunView run;
  run.set_run("r1");
  v1::StepView& step = *run.add_steps();
  step.set_action("host.compare");
  step.mutable_started()->set_seconds(1);
  v1::HostView& host = *step.add_hosts();
  host.set_host("target-0");
  auto& facts = *host.mutable_facts();
  facts["kernel_release"] = "told; 6.1 on source-0, 5.10 on target-0 (may differ)";
  facts["memory"] = "blocks; 64 GiB on source-0, 8 GiB on target-0 (at least)";
  run.set_state(v1::RUN_STATE_STOPPED);
  run.set_refused(true);
  return run;
}

TEST_CASE("what blocks comes first", "[preflight]") {
  CHECK(RenderPreflight(Compared()) ==
        "host      fact                    values\n"
        "target-0  memory          blocks  64 GiB on source-0, 8 GiB on target-0 (at least)\n"
        "target-0  kernel_release  told    6.1 on source-0, 5.10 on target-0 (may differ)\n"
        "a run would be refused: mend what blocks, and ask again\n");
}

TEST_CASE("a preflight never comes between a run and its way back", "[preflight]") {
  v1::RunView run = Compared();
  CHECK_FALSE(MayHaveToGoBack(run));  // A preflight, or a run that was refused.
  v1::StepView& seal = *run.add_steps();
  seal.set_action("ledger.seal");
  CHECK_FALSE(MayHaveToGoBack(run));  // Never begun.
  seal.mutable_started()->set_seconds(2);
  CHECK(MayHaveToGoBack(run));
  run.set_state(v1::RUN_STATE_ROLLED_BACK);
  CHECK_FALSE(MayHaveToGoBack(run));
}

}  // namespace
}  // namespace orchestrator
