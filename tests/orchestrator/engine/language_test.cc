// What `when`, `until` and outputs of steps do to a run. Playbooks as people write them.
#include <catch2/catch.hpp>

#include "absl/strings/str_cat.h"
#include "hamisha/action/v1/gateway.pb.h"
#include "hamisha/action/v1/ledger.pb.h"
#include "orchestrator/engine/dry_run.h"
#include "orchestrator/plan/compile.h"
#include "tests/orchestrator/engine/plans.h"
#include "tests/orchestrator/plan/texts.h"

namespace orchestrator {
namespace {

using Lines = std::vector<std::string>;
using hamisha::agent::v1::OUTCOME_SUCCEEDED;
using hamisha::orchestrator::v1::RUN_STATE_ROLLED_BACK;
using hamisha::orchestrator::v1::RUN_STATE_STOPPED;
using hamisha::orchestrator::v1::RUN_STATE_SUCCEEDED;

Plan PlanOf(const std::string& steps) {
  const std::string playbook = absl::StrCat(
      "apiVersion: hamisha/v1\nkind: Playbook\nmetadata: {name: p}\nvars: {far: 1000}\n",
      "phases:\n  - name: only\n    steps:\n", steps);
  const Compilation compilation =
      Compile({.path = "p", .yaml = playbook}, {.path = "i", .yaml = kInventory});
  for (const Diagnostic& diagnostic : compilation.diagnostics) UNSCOPED_INFO(ToString(diagnostic));
  REQUIRE(compilation.diagnostics.empty());
  return compilation.plan;
}

const std::string kLook =
    "      - {id: look, action: ledger.await_lag, hosts: targets, with: {max_lag: 1s}}\n";

std::string Canary(const std::string& id, const std::string& more = "") {
  return absl::StrCat("      - {id: ", id, ", action: probe.canary, hosts: gateway-0", more, "}\n");
}

void SucceedWith(Driver& driver, const std::string& step, const std::string& host,
                 const std::map<std::string, std::string>& facts) {
  hamisha::agent::v1::OrderResult result;
  *result.mutable_key() = driver.Sent(step, host).key();
  result.set_outcome(OUTCOME_SUCCEEDED);
  result.set_message("done");
  for (const auto& [name, value] : facts) (*result.mutable_facts())[name] = value;
  driver.Answer(result);
}

void LookAt(Driver& driver, const std::string& first, const std::string& second) {
  driver.Start();
  SucceedWith(driver, "look", "target-0", {{"lag_records", first}});
  SucceedWith(driver, "look", "target-1", {{"lag_records", second}});
  driver.NewOrders();
}

TEST_CASE("a step whose condition is true begins", "[language]") {
  Driver driver(
      PlanOf(kLook + Canary("far", ", when: \"max(steps.look.facts.lag_records) > vars.far\"")));
  LookAt(driver, "3", "1001");
  CHECK(driver.StateOf("far") == StepState::kRunning);
  driver.RequireSameReplay();
}

TEST_CASE("a step whose condition is not true is skipped, and counts as succeeded", "[language]") {
  Driver driver(PlanOf(kLook +
                       Canary("far", ", when: \"max(steps.look.facts.lag_records) > vars.far\"") +
                       Canary("next", ", needs: [far]") +
                       Canary("tells", ", needs: [far], when: \"steps.far.state == 'skipped'\"")));
  LookAt(driver, "3", "1000");
  CHECK(driver.StateOf("far") == StepState::kSkipped);
  CHECK(driver.StateOf("next") == StepState::kRunning);
  CHECK(driver.StateOf("tells") == StepState::kRunning);
  driver.Succeed("next", "gateway-0");
  driver.Succeed("tells", "gateway-0");
  CHECK(driver.engine().state() == RUN_STATE_SUCCEEDED);
  CHECK(driver.engine().explanation().empty());
  driver.RequireSameReplay();
}

TEST_CASE("a run whose last step is skipped ends", "[language]") {
  Driver driver(PlanOf(Canary("a") + Canary("b", ", when: \"steps.a.state == 'failed'\"")));
  driver.Start();
  driver.Succeed("a", "gateway-0");
  CHECK(driver.engine().state() == RUN_STATE_SUCCEEDED);
}

TEST_CASE("a condition that cannot be looked at fails its step, and says why", "[language]") {
  const std::string when = ", when: \"steps.look.facts.lag_records > 5\"";
  SECTION("stop") {
    Driver driver(PlanOf(kLook + Canary("far", when) + Canary("next")));
    LookAt(driver, "3", "4");
    CHECK(driver.engine().state() == RUN_STATE_STOPPED);
    CHECK(driver.engine().explanation().find(
              "step 'far' failed: 'when' (steps.look.facts.lag_records > 5) cannot be looked at: "
              "steps.look.facts.lag_records is not the same on all hosts ('3' and '4'): write "
              "min() or max() around it") == 0);
    driver.RequireSameReplay();
  }
  SECTION("rollback") {
    Driver driver(PlanOf(
        "      - {id: hold, action: gateway.hold, hosts: gateway-0, with: {max_hold: 1s}}\n" +
        kLook + Canary("far", when + ", on_failure: rollback") +
        Canary("beside", ", needs: [look]")));
    driver.Start();
    driver.Succeed("hold", "gateway-0");
    SucceedWith(driver, "look", "target-0", {});
    SucceedWith(driver, "look", "target-1", {});
    CHECK(driver.StateOf("far") == StepState::kFailed);
    CHECK(driver.StateOf("beside") == StepState::kSkipped);
    driver.Succeed("hold/back/0", "gateway-0");
    CHECK(driver.engine().state() == RUN_STATE_ROLLED_BACK);
    driver.RequireSameReplay();
  }
  SECTION("continue") {
    Driver driver(PlanOf(kLook + Canary("far", when + ", on_failure: continue") + Canary("next")));
    LookAt(driver, "3", "4");
    CHECK(driver.StateOf("next") == StepState::kRunning);
  }
}

TEST_CASE("a held condition is looked at again when people say retry", "[language]") {
  Driver driver(
      PlanOf("      - {id: look, action: ledger.await_lag, hosts: targets, with: {max_lag: 1s}, "
             "max_fail_percentage: 100}\n" +
             Canary("far",
                    ", when: \"count(steps.look.facts.lag_records) == 2 and "
                    "steps.look.facts.lag_records > 5\", on_failure: hold") +
             Canary("beside", ", needs: [look]")));
  LookAt(driver, "7", "8");
  CHECK(driver.engine().Held(1));
  hamisha::orchestrator::v1::PersonAct act;
  act.set_act(hamisha::orchestrator::v1::ACT_RETRY);
  act.set_by("amina");
  act.set_reason("look again");
  act.set_step("far");
  driver.Act(act);
  CHECK(driver.engine().Held(1));
  act.set_act(hamisha::orchestrator::v1::ACT_SKIP);
  driver.Act(act);
  driver.Succeed("beside", "gateway-0");
  CHECK(driver.engine().state() == RUN_STATE_SUCCEEDED);
  driver.RequireSameReplay();
}

TEST_CASE("until asks for further attempts, and fails after the last", "[language]") {
  Driver driver(
      PlanOf("      - {id: look, action: ledger.await_lag, hosts: target-0, with: {max_lag: 1s}, "
             "until: facts.lag_records < 10, retries: 2, delay: 3s}\n"));
  driver.Start();
  SucceedWith(driver, "look", "target-0", {{"lag_records", "50"}});
  CHECK(driver.StateOf("look") == StepState::kRetryWait);
  CHECK(driver.engine().NextDeadline() == driver.now() + absl::Seconds(3));
  driver.TickNext();
  SECTION("true in the end") {
    SucceedWith(driver, "look#2", "target-0", {{"lag_records", "9"}});
    CHECK(driver.engine().state() == RUN_STATE_SUCCEEDED);
  }
  SECTION("never true") {
    SucceedWith(driver, "look#2", "target-0", {{"lag_records", "30"}});
    driver.TickNext();
    SucceedWith(driver, "look#3", "target-0", {});
    CHECK(driver.engine().state() == RUN_STATE_STOPPED);
    CHECK(driver.engine().explanation().find(
              "step 'look' (ledger.await_lag) failed on target-0: not yet true that "
              "facts.lag_records < 10: the result has no fact 'lag_records'; done") == 0);
  }
  driver.RequireSameReplay();
}

TEST_CASE("outputs of steps are filled in for each host when its order is sent", "[language]") {
  Driver driver(
      PlanOf(kLook +
             "      - {id: near, action: ledger.await_lag, hosts: targets, with: {max_lag: 1s, "
             "max_records: '${steps.look.facts.lag_records}'}}\n" +
             "      - {id: hold, action: gateway.hold, hosts: gateways, with: {max_hold: "
             "'${max(steps.look.facts.lag_records)}00ms'}}\n"));
  LookAt(driver, "3", "4");
  hamisha::action::v1::LedgerAwaitLag near;
  REQUIRE(driver.Sent("near", "target-0").action().UnpackTo(&near));
  CHECK(near.max_records() == 3);
  CHECK(near.max_lag().seconds() == 1);
  REQUIRE(driver.Sent("near", "target-1").action().UnpackTo(&near));
  CHECK(near.max_records() == 4);
  driver.Succeed("near", "target-0");
  driver.Unknown("near", "target-1");
  REQUIRE(driver.Sent("near/probe", "target-1").action().UnpackTo(&near));
  CHECK(near.max_records() == 4);
  driver.Succeed("near/probe", "target-1");
  hamisha::action::v1::GatewayHold hold;
  REQUIRE(driver.Sent("hold", "gateway-1").action().UnpackTo(&hold));
  CHECK(hold.max_hold().nanos() == 400'000'000);
  driver.Fail("hold", "gateway-0", "full");
  driver.Succeed("hold", "gateway-1");
  driver.RollBack("enough");
  REQUIRE(driver.Sent("hold/back/0", "gateway-1").action().UnpackTo(&hold));
  CHECK(hold.max_hold().nanos() == 400'000'000);
  driver.RequireSameReplay();
}

TEST_CASE("an output that is missing, or does not fit, fails the step clearly", "[language]") {
  struct Row {
    std::string value;
    std::string says;
  };
  const auto row = GENERATE(values<Row>({
      {"${steps.look.facts.lag}",
       "cannot fill in 'max_records': steps.look.facts.lag is not known: no host that succeeded "
       "reported it (the step is succeeded): write lag_records"},
      {"${steps.look.facts.lag_records}x", "'max_records' is '3x': write a whole number"},
  }));
  Driver driver(
      PlanOf(kLook + absl::StrCat("      - {id: near, action: ledger.await_lag, hosts: targets, "
                                  "with: {max_lag: 1s, max_records: '",
                                  row.value, "'}, serial: 1}\n")));
  LookAt(driver, "3", "3");
  CHECK(driver.NewOrders().empty());
  CHECK(driver.engine().state() == RUN_STATE_STOPPED);
  CAPTURE(driver.engine().explanation());
  CHECK(driver.engine().explanation().find(row.says) != std::string::npos);
  driver.RequireSameReplay();
}

TEST_CASE("a wave none of whose orders can be written is followed by the next", "[language]") {
  Driver driver(PlanOf(
      kLook +
      "      - {id: near, action: ledger.await_lag, hosts: targets, with: {max_lag: 1s, "
      "max_records: '${steps.look.facts.lag_records}'}, serial: 1, max_fail_percentage: 50}\n"));
  driver.Start();
  SucceedWith(driver, "look", "target-0", {{"lag_records", "many"}});
  SucceedWith(driver, "look", "target-1", {{"lag_records", "4"}});
  driver.Succeed("near", "target-1");
  CHECK(driver.engine().state() == RUN_STATE_SUCCEEDED);
  CHECK(driver.engine().explanation().find("'max_records' is 'many'") != std::string::npos);
  driver.RequireSameReplay();
}

TEST_CASE("a dry run shows steps whatever their conditions", "[language]") {
  const Plan plan =
      PlanOf(kLook + Canary("far", ", when: \"max(steps.look.facts.lag_records) > vars.far\"") +
             "      - {id: near, action: ledger.await_lag, hosts: targets, with: {max_lag: 1s, "
             "max_records: '${steps.look.facts.lag_records}'}}\n");
  CHECK(DryRunSteps(plan).size() == 3);
}

}  // namespace
}  // namespace orchestrator
