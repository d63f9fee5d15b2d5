#include "orchestrator/engine/ready_steps.h"

#include <catch2/catch.hpp>

#include "tests/orchestrator/engine/plans.h"

namespace orchestrator {
namespace {

using Steps = std::vector<uint32_t>;

Plan PlanWithNeeds(const std::vector<Steps>& needs) {
  Plan plan = EmptyPlan();
  for (size_t i = 0; i < needs.size(); ++i) {
    plan.steps.push_back(
        MakeStep(std::string(1, static_cast<char>('a' + i)), {kGateway}, {.needs = needs[i]}));
  }
  return plan;
}

TEST_CASE("steps that need nothing may begin at once, and are given once", "[engine]") {
  ReadySteps ready(PlanWithNeeds({{}, {0}, {}}));
  CHECK(ready.Take() == Steps{0, 2});
  CHECK(ready.Take().empty());
}

TEST_CASE("a step may begin when the last of its needs is met", "[engine]") {
  ReadySteps ready(PlanWithNeeds({{}, {}, {0, 1}}));
  ready.Take();
  ready.Met(1);
  CHECK(ready.Take().empty());
  ready.Met(0);
  CHECK(ready.Take() == Steps{2});
}

TEST_CASE("what becomes ready together comes in the plan's order", "[engine]") {
  ReadySteps ready(PlanWithNeeds({{}, {}, {1}, {0}, {1}}));
  ready.Take();
  ready.Met(1);
  ready.Met(0);
  CHECK(ready.Take() == Steps{2, 3, 4});
}

}  // namespace
}  // namespace orchestrator
