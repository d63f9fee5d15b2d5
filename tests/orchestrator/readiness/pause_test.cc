#include "orchestrator/readiness/pause.h"

#include <catch2/catch.hpp>

#include "hamisha/action/v1/gateway.pb.h"
#include "tests/orchestrator/engine/plans.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;

// hold, seal, open, release: with five steps in all, one of them before the pause.
Plan Cutover() {
  Plan plan = EmptyPlan();
  const auto add = [&](const char* action, std::vector<uint32_t> hosts) {
    plan.steps.push_back(MakeStep(action, std::move(hosts), {.needs = {}}));
    plan.steps.back().apply.action = action;
  };
  add("ledger.await_lag", {kTarget0, kTarget1});
  add("gateway.hold", {kGateway});
  add("ledger.seal", {kSource0, kSource1});
  add("ledger.open", {kTarget0, kTarget1});
  add("gateway.release", {kGateway});
  hamisha::action::v1::GatewayHold hold;
  hold.mutable_max_hold()->set_seconds(20);
  plan.steps[1].apply.message.PackFrom(hold);
  return plan;
}

void AddHost(v1::RunView& run, const std::string& host,
             const std::map<std::string, std::string>& facts) {
  if (run.steps().empty()) run.add_steps();
  v1::HostView& view = *run.mutable_steps(0)->add_hosts();
  view.set_host(host);
  for (const auto& [name, value] : facts) (*view.mutable_facts())[name] = value;
}

v1::RunView Checked() {
  v1::RunView run;
  AddHost(run, "source-0", {{"round_trip_us", "150000"}, {"commit_p99_us", "2000"}});
  AddHost(run, "source-1", {{"round_trip_us", "160000"}, {"commit_p99_us", "1000"}});
  AddHost(run, "target-0", {{"lag_us", "7000"}, {"commit_p99_us", "3000"}});
  AddHost(run, "target-1", {{"lag_us", "12000"}, {"commit_p99_us", "4000"}});
  return run;
}

TEST_CASE("the pause is one round trip, the lag, two commits, and 10 ms a step", "[pause]") {
  const auto forecast = ForecastPause(Cutover(), Checked());
  REQUIRE(forecast.has_value());
  CHECK(forecast->pause == absl::Milliseconds(160 + 12 + 2 + 4 + 4 * 10));
  CHECK(forecast->not_known.empty());
  CHECK(forecast->longest_hold == absl::Seconds(20));
  CHECK(Describe(*forecast) ==
        "about 218 ms (160 ms a round trip, 12 ms lag, 2 ms the seal's commit, 4 ms the open's "
        "commit, 40 ms the steps in between); the gateways hold for at most 20.0 s");
}

TEST_CASE("the worst of all shards counts", "[pause]") {
  v1::RunView checked = Checked();
  AddHost(checked, "target-0", {{"lag_us", "5000000"}});
  CHECK(ForecastPause(Cutover(), checked)->pause ==
        absl::Seconds(5) + absl::Milliseconds(160 + 2 + 4 + 40));
}

TEST_CASE("what was not measured is said, and counts as nothing", "[pause]") {
  v1::RunView checked = Checked();
  for (v1::HostView& host : *checked.mutable_steps(0)->mutable_hosts()) {
    host.mutable_facts()->erase("lag_us");
  }
  const auto forecast = ForecastPause(Cutover(), checked);
  CHECK(forecast->not_known == std::vector<std::string>{"lag"});
  CHECK(forecast->pause == absl::Milliseconds(160 + 2 + 4 + 40));
}

TEST_CASE("a plan that holds no writes has no pause", "[pause]") {
  Plan plan = Cutover();
  plan.steps.erase(plan.steps.begin() + 1);
  CHECK_FALSE(ForecastPause(plan, Checked()).has_value());
}

}  // namespace
}  // namespace orchestrator
