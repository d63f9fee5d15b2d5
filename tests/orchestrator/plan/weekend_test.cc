#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "orchestrator/plan/compile.h"
#include "tests/folders.h"
#include "tests/orchestrator/plan/texts.h"

namespace orchestrator {
namespace {

Plan Weekend() {
  std::ostringstream yaml;
  yaml << std::ifstream(SourceFolder() + "/playbooks/weekend_cutover.yaml").rdbuf();
  const Compilation compilation = Compile({.path = "weekend_cutover.yaml", .yaml = yaml.str()},
                                          {.path = "inventory.yaml", .yaml = kInventory + kPeople});
  for (const Diagnostic& diagnostic : compilation.diagnostics) UNSCOPED_INFO(ToString(diagnostic));
  REQUIRE(compilation.diagnostics.empty());
  return compilation.plan;
}

TEST_CASE("the weekend is a chain, and goes back by itself from the first change to the release",
          "[weekend]") {
  const Plan plan = Weekend();
  bool changed = false;
  bool released = false;
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    CAPTURE(plan.steps[i].id);
    if (i > 0) CHECK(plan.steps[i].needs == std::vector<uint32_t>{static_cast<uint32_t>(i - 1)});
    changed = changed || plan.steps[i].apply.mutates;
    CHECK(plan.steps[i].on_failure == (released  ? OnFailure::kHold
                                       : changed ? OnFailure::kRollback
                                                 : OnFailure::kStop));
    released = released || plan.steps[i].id == "release";
  }
  CHECK(released);
}

TEST_CASE("people say go before the pause, and let the last step begin", "[weekend]") {
  const Plan plan = Weekend();
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    CAPTURE(plan.steps[i].id);
    CHECK(plan.steps[i].gate.has_value() == (plan.steps[i].id == "go"));
    CHECK(plan.steps[i].point_of_no_return == (i + 1 == plan.steps.size()));
  }
}

TEST_CASE("nothing may be in the way when people are asked, and none when writes are held",
          "[weekend]") {
  const Plan plan = Weekend();
  std::vector<std::string> ids;
  for (const PlannedStep& step : plan.steps) ids.push_back(step.id);
  const auto begin = std::find(ids.begin(), ids.end(), "ready");
  REQUIRE(ids.end() - begin > 5);
  CHECK(std::vector<std::string>(begin, begin + 5) ==
        std::vector<std::string>{"ready", "gateways_ready", "go", "still_ready", "hold_writes"});
}

TEST_CASE("servers are compared before anything changes", "[weekend]") {
  const Plan plan = Weekend();
  CHECK(plan.steps[0].apply.action == "host.facts");
  CHECK(plan.steps[0].apply.hosts.size() == 4);
  CHECK(plan.steps[1].apply.action == "host.compare");
  CHECK(plan.steps[1].apply.takes_host_facts);
}

TEST_CASE("everything in the weekend that changes something has a way back", "[weekend]") {
  for (const PlannedStep& step : Weekend().steps) {
    CAPTURE(step.id);
    if (step.apply.mutates) CHECK((step.own_undo || !step.rollback.empty()));
  }
}

TEST_CASE("gateways hold through the whole switch and its way back", "[weekend]") {
  // The longest that orders may take between hold_writes and release is what max_hold must be
  // compared with by people; here only: a failed order is noticed before a client gives up.
  for (const PlannedStep& step : Weekend().steps) {
    if (step.phase != "freeze" && step.phase != "replicate" && step.phase != "switch") continue;
    CAPTURE(step.id);
    CHECK(step.apply.timeout <= absl::Seconds(10));
  }
}

}  // namespace
}  // namespace orchestrator
