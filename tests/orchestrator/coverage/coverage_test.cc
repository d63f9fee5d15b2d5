#include "orchestrator/coverage/coverage.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "tests/orchestrator/engine/plans.h"

namespace orchestrator {
namespace {

using Catch::Matchers::Contains;
using Texts = std::vector<std::string>;

void GoForward(Driver& run, const std::string& last) {
  run.Start();
  run.Succeed("hold", "gateway-0");
  if (last == "hold") return;
  run.Succeed("seal", "source-0");
  run.Succeed("seal", "source-1");
  if (last == "seal") return;
  run.Succeed("open", "target-0");
  run.Succeed("open", "target-1");
}

void Undo(Driver& run, const std::string& step, const Texts& hosts, bool nothing_to_do = false) {
  for (const std::string& host : hosts) {
    hamisha::agent::v1::OrderResult result;
    *result.mutable_key() = run.Sent(step, host).key();
    result.set_outcome(hamisha::agent::v1::OUTCOME_SUCCEEDED);
    result.set_nothing_to_do(nothing_to_do);
    run.Answer(result);
  }
}

// From behind the seal: nothing was opened, and the seal itself is undone.
Coverage BackFromSeal() {
  Driver run(SmallCutover());
  GoForward(run, "seal");
  run.Fail("open", "target-0", "its root differs");
  run.Fail("open/probe", "target-1", "not there");
  Undo(run, "open/back/0", {"target-0", "target-1"}, /*nothing_to_do=*/true);
  Undo(run, "seal/back/0", {"target-0", "target-1"});
  Undo(run, "seal/back/1", {"source-0", "source-1"});
  Undo(run, "hold/back/0", {"gateway-0"});
  REQUIRE(run.engine().state() == hamisha::orchestrator::v1::RUN_STATE_ROLLED_BACK);
  return CoverageOf(run.engine());
}

// From the end: what was opened is undone, after which the seal's way back finds nothing.
Coverage BackFromTheEnd() {
  Driver run(SmallCutover());
  GoForward(run, "open");
  run.RollBack("to see the way back");
  Undo(run, "open/back/0", {"target-0", "target-1"});
  Undo(run, "seal/back/0", {"target-0", "target-1"}, /*nothing_to_do=*/true);
  Undo(run, "seal/back/1", {"source-0", "source-1"}, /*nothing_to_do=*/true);
  Undo(run, "hold/back/0", {"gateway-0"});
  REQUIRE(run.engine().state() == hamisha::orchestrator::v1::RUN_STATE_ROLLED_BACK);
  return CoverageOf(run.engine());
}

TEST_CASE("before any rehearsal every undo is to be proved", "[coverage]") {
  CHECK(UndosMissing(SmallCutover(), {}) == Texts{"hold: undo of test.hold",
                                                  "seal: ledger.refuse, ledger.unseal",
                                                  "open: undo of test.open"});
  CHECK(StepsToProve(SmallCutover(), {}) == Texts{"hold", "seal", "open"});
}

TEST_CASE("a run that only went forward proves no undo", "[coverage]") {
  Driver run(SmallCutover());
  GoForward(run, "open");
  const Coverage coverage = CoverageOf(run.engine());
  CHECK(coverage[2].ran());
  CHECK(coverage[2].succeeded());
  CHECK_FALSE(coverage[2].undo(0).tried());
  CHECK(UndosMissing(SmallCutover(), coverage).size() == 3);
}

TEST_CASE("an undo that had nothing to do was tried, and proves nothing", "[coverage]") {
  const Coverage coverage = BackFromTheEnd();
  CHECK(coverage[1].undo(0).tried());
  CHECK_FALSE(coverage[1].undo(0).proved());
  CHECK(UndosMissing(SmallCutover(), coverage) == Texts{"seal: ledger.refuse, ledger.unseal"});
}

TEST_CASE("rehearsals add up", "[coverage]") {
  Coverage sum;
  AddCoverage(BackFromTheEnd(), sum);
  AddCoverage(BackFromSeal(), sum);
  CHECK(UndosMissing(SmallCutover(), sum).empty());
  CHECK(RollbackNotProved(SmallCutover(), sum).empty());
  CHECK(sum[2].failed());  // The branch on failure, by one of the two.
  CHECK(sum[2].succeeded());
}

TEST_CASE("an undo that failed on one host is not proved", "[coverage]") {
  Driver run(SmallCutover());
  GoForward(run, "hold");
  run.Fail("seal", "source-0", "the disk is full");
  for (int i = 0; i < 40 && !run.engine().ended(); ++i) {
    for (const auto& order : run.Open()) {
      run.Fail(order.key().step(), order.key().host(), "no answer from the node");
    }
    if (!run.engine().ended()) run.TickNext();
  }
  REQUIRE(run.engine().state() == hamisha::orchestrator::v1::RUN_STATE_UNKNOWN);
  const Coverage coverage = CoverageOf(run.engine());
  CHECK(coverage[0].undo(0).tried());
  CHECK_FALSE(coverage[0].undo(0).proved());
}

TEST_CASE("the refusal names each undo, and the command that proves it", "[coverage]") {
  const std::string refusal = RollbackNotProved(SmallCutover(), BackFromTheEnd());
  CHECK_THAT(refusal, Contains("seal: ledger.refuse, ledger.unseal") &&
                          Contains("hamisha rehearse PLAYBOOK --lab LAB --way-back") &&
                          Contains("hamisha profile import FILE"));
}

TEST_CASE("what another playbook's steps proved does not count", "[coverage]") {
  Coverage other = BackFromSeal();
  other[1].mutable_undo(0)->set_action("ledger.follow");
  CHECK(UndosMissing(SmallCutover(), other) ==
        Texts{"seal: ledger.refuse", "open: undo of test.open"});
}

TEST_CASE("what begins behind the point of no return has no way back to prove", "[coverage]") {
  Plan plan = SmallCutover();
  plan.steps[1].point_of_no_return = true;
  CHECK(StepsToProve(plan, {}) == Texts{"hold"});
}

TEST_CASE("coverage is read back as it was written", "[coverage]") {
  const Coverage coverage = BackFromSeal();
  const auto read = ParseCoverage(ToJson(coverage));
  REQUIRE(read.ok());
  REQUIRE(read->size() == coverage.size());
  for (size_t i = 0; i < coverage.size(); ++i) {
    CHECK((*read)[i].SerializeAsString() == coverage[i].SerializeAsString());
  }
  CHECK_FALSE(ParseCoverage(nlohmann::json::parse(R"([{"step": "seal"}])")).ok());
  CHECK_FALSE(ParseCoverage(nlohmann::json::parse(R"([{"step": 7}])")).ok());
}

}  // namespace
}  // namespace orchestrator
