#include "orchestrator/cli/plan_view.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

#include "orchestrator/plan/compile.h"
#include "tests/folders.h"
#include "tests/golden.h"
#include "tests/orchestrator/plan/texts.h"

namespace orchestrator {
namespace {

Plan Weekend() {
  std::ostringstream yaml;
  yaml << std::ifstream(SourceFolder() + "/playbooks/weekend_cutover.yaml").rdbuf();
  Compilation compilation = Compile({.path = "weekend_cutover.yaml", .yaml = yaml.str()},
                                    {.path = "inventory.yaml", .yaml = kInventory + kPeople});
  REQUIRE(compilation.diagnostics.empty());
  compilation.plan.digest = base::Sha256Of("");  // So that comments may change freely.
  return compilation.plan;
}

TEST_CASE("a dry run of the weekend", "[plan_view]") {
  MatchGolden("weekend_dry_run.txt", RenderDryRun(Weekend()));
  MatchGolden("weekend_dry_run.json", RenderDryRunJson(Weekend()));
}

TEST_CASE("the plan of the weekend", "[plan_view]") {
  MatchGolden("weekend_plan.txt", RenderPlan(Weekend(), absl::FixedTimeZone(3 * 3600)));
  MatchGolden("weekend_plan.json",
              RenderPlanJson(Weekend(), absl::FixedTimeZone(3 * 3600), nullptr));
}

}  // namespace
}  // namespace orchestrator
