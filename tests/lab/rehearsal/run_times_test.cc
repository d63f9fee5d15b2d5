#include "lab/rehearsal/run_times.h"

#include <catch2/catch.hpp>

#include "lab/rehearsal/progress.h"
#include "tests/lab/rehearsal/run_views.h"

namespace lab {
namespace {

const char* const kRolledBack = R"(
  state: RUN_STATE_ROLLED_BACK
  steps { id: "replicate" phase: "prepare" action: "ledger.replicate" state: "undone"
          started { seconds: 10 } ended { seconds: 12 } hosts { host: "t" state: "succeeded" } }
  steps { id: "hold" phase: "freeze" action: "gateway.hold" state: "undone"
          started { seconds: 13 } ended { seconds: 14 } hosts { host: "g" state: "succeeded" } }
  steps { id: "compare" phase: "verify" action: "ledger.compare" state: "undone"
          started { seconds: 14 } ended { seconds: 15 }
          hosts { host: "t" state: "failed" message: "shard 0 differs" } }
  steps { id: "hold/back" back: true undoes: "hold" action: "gateway.hold" state: "succeeded"
          started { seconds: 15 nanos: 1000 } ended { seconds: 15 nanos: 400000000 } }
  steps { id: "replicate/back" back: true undoes: "replicate" action: "ledger.replicate"
          state: "succeeded" started { seconds: 16 } ended { seconds: 17 } })";

TEST_CASE("phases last from their first step to their last, and the way back is one", "[times]") {
  const auto phases = PhaseTimes(RunOf(kRolledBack));
  REQUIRE(phases.size() == 4);
  CHECK(phases[0].name == "prepare");
  CHECK(phases[0].length == absl::Seconds(2));
  CHECK(phases[2].name == "verify");
  CHECK(phases[3].name == "way back");
  CHECK(phases[3].length == absl::Seconds(2) - absl::Microseconds(1));
}

TEST_CASE("the source writes again when the gateways let go", "[times]") {
  auto run = RunOf(kRolledBack);
  CHECK(FailedStep(run)->id() == "compare");
  CHECK(SourceWritingAfter(run) == absl::Milliseconds(400));

  SECTION("not yet, while they have not") {
    run.mutable_steps(3)->clear_ended();
    CHECK_FALSE(SourceWritingAfter(run).has_value());
  }
  SECTION("there is nothing to tell of a run that did not go back") {
    run.mutable_steps()->DeleteSubrange(3, 2);
    CHECK_FALSE(SourceWritingAfter(run).has_value());
  }
  SECTION("asked for by a person, the way back begins with its first step") {
    run.mutable_steps(2)->mutable_hosts(0)->set_state("succeeded");
    CHECK(SourceWritingAfter(run) == absl::Milliseconds(400) - absl::Microseconds(1));
  }
}

TEST_CASE("states have names", "[times]") {
  namespace api = hamisha::orchestrator::v1;
  CHECK(ToString(api::RUN_STATE_ROLLED_BACK) == "rolled_back");
  CHECK(IsTerminal(api::RUN_STATE_UNKNOWN));
  CHECK_FALSE(IsTerminal(api::RUN_STATE_ROLLING_BACK));
}

TEST_CASE("progress tells each change once", "[times]") {
  RunNarrator narrator;
  auto run = RunOf(kRolledBack);
  auto forward = run;
  forward.mutable_steps()->DeleteSubrange(3, 2);
  forward.mutable_steps(0)->set_state("succeeded");
  forward.mutable_steps(1)->set_state("succeeded");
  forward.mutable_steps(2)->set_state("failed");
  const auto lines = narrator.Tell(forward);
  REQUIRE(lines.size() == 3 + 3);
  CHECK(lines[0] == "prepare");
  CHECK_THAT(lines[1], Catch::Contains("replicate") && Catch::Contains("2.000 s"));
  CHECK_THAT(lines[5], Catch::Contains("t: shard 0 differs"));

  // What is undone is told by the steps of the way back.
  const auto back = narrator.Tell(run);
  REQUIRE(back.size() == 1 + 2);
  CHECK(back[0] == "way back");
  CHECK(narrator.Tell(run).empty());
  run.mutable_steps(4)->set_state("failed");
  CHECK(narrator.Tell(run).size() == 1);
}

}  // namespace
}  // namespace lab
