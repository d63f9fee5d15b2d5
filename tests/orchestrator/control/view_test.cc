#include "orchestrator/control/view.h"

#include <google/protobuf/util/message_differencer.h>

#include <catch2/catch.hpp>

#include <random>

#include "tests/orchestrator/engine/plans.h"

namespace orchestrator {
namespace {

using google::protobuf::util::MessageDifferencer;
using hamisha::agent::v1::Order;
using hamisha::agent::v1::OrderResult;
using hamisha::orchestrator::v1::RunView;

RunView ViewOf(const Engine& engine, const Progress& progress = {}) {
  return Assemble(SnapshotTaker().Take(engine, progress));
}

OrderResult RandomResult(const Order& order, std::mt19937& random) {
  OrderResult result;
  *result.mutable_key() = order.key();
  result.set_outcome(static_cast<hamisha::agent::v1::Outcome>(1 + random() % 3));
  result.set_message(std::to_string(random() % 100));
  (*result.mutable_facts())["position"] = std::to_string(random() % 100);
  return result;
}

// One event that the engine accepts: an answer, also a late one, a deadline, or a way back.
void Happen(Driver& run, std::mt19937& random) {
  const uint32_t dice = static_cast<uint32_t>(random() % 100);
  const Order order = run.sent()[random() % run.sent().size()];
  if (dice < 70 && run.engine().Expects(order.key()))
    return run.Answer(RandomResult(order, random));
  if (dice == 99 && run.engine().state() != hamisha::orchestrator::v1::RUN_STATE_ROLLING_BACK &&
      run.engine().state() != hamisha::orchestrator::v1::RUN_STATE_ROLLED_BACK) {
    return run.RollBack("by chance");
  }
  if (run.engine().NextDeadline() < absl::InfiniteFuture()) run.TickNext();
}

TEST_CASE("a view that is built on from the one before equals one built at once", "[control]") {
  const uint32_t seed = GENERATE(range(0u, 100u));
  std::mt19937 random(seed);
  Driver run(SmallCutover());
  SnapshotTaker taker;
  run.Start();
  for (int event = 0; event < 100; ++event) {
    CAPTURE(seed, event);
    Happen(run, random);
    if (random() % 3 == 0) continue;  // Nobody looks.
    REQUIRE(
        MessageDifferencer::Equals(Assemble(taker.Take(run.engine(), {})), ViewOf(run.engine())));
  }
}

TEST_CASE("a snapshot shares the steps that have not changed since the one before", "[control]") {
  Driver run(SmallCutover());
  SnapshotTaker taker;
  run.Start();
  const RunSnapshot before = taker.Take(run.engine(), {});
  run.Succeed("hold", "gateway-0");
  const RunSnapshot after = taker.Take(run.engine(), {});
  CHECK(after.steps[0] != before.steps[0]);
  CHECK(after.steps[1] != before.steps[1]);  // Began.
  CHECK(after.steps[2] == before.steps[2]);
}

TEST_CASE("a snapshot does not change when the run goes on", "[control]") {
  Driver run(SmallCutover());
  SnapshotTaker taker;
  run.Start();
  const RunSnapshot snapshot = taker.Take(run.engine(), {});
  const RunView before = Assemble(snapshot);
  run.Succeed("hold", "gateway-0");
  taker.Take(run.engine(), {});
  CHECK(MessageDifferencer::Equals(Assemble(snapshot), before));
}

TEST_CASE("new progress of a step shows in the next snapshot", "[control]") {
  Driver run(SmallCutover());
  SnapshotTaker taker;
  run.Start();
  taker.Take(run.engine(), {});
  const Progress progress = {{ProgressKey("hold", "gateway-0"), "lag 3 s"}};
  taker.Touch(0);
  const RunView view = Assemble(taker.Take(run.engine(), progress));
  CHECK(view.steps(0).hosts(0).state() == "running");
  CHECK(view.steps(0).hosts(0).message() == "lag 3 s");
}

}  // namespace
}  // namespace orchestrator
