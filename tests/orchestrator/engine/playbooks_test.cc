// The playbooks that users start from: each compiles, and its dry run is what its text promises.
#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "orchestrator/engine/dry_run.h"
#include "orchestrator/plan/compile.h"
#include "tests/folders.h"
#include "tests/golden.h"
#include "tests/orchestrator/plan/texts.h"

namespace orchestrator {
namespace {

absl::StatusOr<std::string> ReadPlaybook(const std::string& path) {
  std::ifstream file(absl::StrCat(SourceFolder(), "/playbooks/", path));
  if (!file) return absl::NotFoundError(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

const std::string kOneServer =
    "apiVersion: hamisha/v1\nkind: Inventory\nsites: [source, target]\nhosts:\n"
    "  - {name: old, site: source, kind: ledger, shard: 0, node_key: " +
    kNodeKey + "}\n  - {name: new, site: target, kind: ledger, shard: 0, node_key: " + kNodeKey +
    "}\n  - {name: door, site: target, kind: gateway}\n"
    "groups: {sources: [old], targets: [new], gateways: [door]}\n";

Plan PlanOf(const std::string& path, const std::string& inventory) {
  SourceText playbook{.path = path, .yaml = ReadPlaybook(path).value()};
  REQUIRE(ReadIncludes(ReadPlaybook, playbook).empty());
  const Compilation compilation =
      Compile(playbook, {.path = "inventory.yaml", .yaml = inventory + kPeople});
  for (const Diagnostic& diagnostic : compilation.diagnostics) UNSCOPED_INFO(ToString(diagnostic));
  REQUIRE(compilation.diagnostics.empty());
  return compilation.plan;
}

void MatchDryRun(const std::string& golden, const Plan& plan) {
  MatchGolden(golden, absl::StrCat(absl::StrJoin(DryRun(plan), "\n"), "\n"));
}

TEST_CASE("a night of three hours begins the evening before", "[playbooks]") {
  const Plan plan = PlanOf("three_hour_night.yaml", kInventory);
  for (const PlannedStep& step : plan.steps) {
    CAPTURE(step.id);
    CHECK(step.before_window == (step.phase == "evening"));
  }
  CHECK(plan.window->end - plan.window->start == absl::Hours(3));
  MatchDryRun("three_hour_night.txt", plan);
}

TEST_CASE("a single server moves as many do", "[playbooks]") {
  MatchDryRun("single_server.txt", PlanOf("single_server.yaml", kOneServer));
}

TEST_CASE("whatever changes something before the point of no return has a way back",
          "[playbooks]") {
  for (const Plan& plan :
       {PlanOf("three_hour_night.yaml", kInventory), PlanOf("single_server.yaml", kOneServer)}) {
    CHECK(plan.steps.back().point_of_no_return);
    for (const PlannedStep& step : plan.steps) {
      CAPTURE(plan.name, step.id);
      if (step.apply.mutates) CHECK((step.own_undo || !step.rollback.empty()));
    }
  }
}

}  // namespace
}  // namespace orchestrator
