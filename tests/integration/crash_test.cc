// kill -9 of the orchestrator and of agents, each followed by a restart.
#include <catch2/catch.hpp>

#include "absl/strings/str_cat.h"
#include "tests/integration/rehearse.h"

namespace {

std::string Kill(const std::string& moment, const std::string& process) {
  return absl::StrCat("  - {", moment, ", kill: {process: ", process, ", restart_after: 500ms}}\n");
}

void CheckTheWeekendGoesOn(const std::string& moment, const std::string& process) {
  CAPTURE(moment, process);
  const Rehearsed weekend = Rehearse({.faults = Kill(moment, process)});
  CAPTURE(weekend.output);
  CHECK(weekend.exit_code == 0);
  CHECK(weekend.outcome() == "succeeded");
  CHECK(weekend.writing_site() == "target");
  CHECK(weekend.summary["client_errors"] == 0);
  CheckPromises(weekend);
}

TEST_CASE("the orchestrator may die in any phase, and the run goes on to the same end", "[crash]") {
  const char* const moment = GENERATE("at_step: caught_up", "at_step: seal", "after_step: seal",
                                      "at_step: compare", "at_step: open", "at_step: follow");
  DYNAMIC_SECTION(moment) { CheckTheWeekendGoesOn(moment, "orchestrator"); }
}

struct Row {
  const char* moment;
  const char* process;
};

TEST_CASE("an agent may die in the middle, and the run goes on to the same end", "[crash]") {
  const auto row = GENERATE(values<Row>({
      {"at_step: start_replication", "agent-target-0"},
      {"at_step: hold_writes", "agent-gateway-0"},
      {"at_step: seal", "agent-source-0"},
      {"after_step: seal", "agent-target-1"},
      {"at_step: open", "agent-target-0"},
      {"after_step: open", "agent-gateway-1"},
      {"at_step: follow", "agent-source-1"},
  }));
  DYNAMIC_SECTION(row.process << " " << row.moment) {
    CheckTheWeekendGoesOn(row.moment, row.process);
  }
}

TEST_CASE("the orchestrator may die on the way back", "[crash]") {
  const Rehearsed weekend = Rehearse(
      {.faults = "  - {after_step: start_replication, flip_state_bit: {site: target, shard: 0}}\n" +
                 Kill("at_step: caught_up", "orchestrator")});
  CAPTURE(weekend.output);
  CHECK(weekend.exit_code == 6);
  CHECK(weekend.writing_site() == "source");
  CheckPromises(weekend);
}

// Everything against everything: run it with `integration_tests "[matrix]"`, or the orchestrator
// alone, at every boundary between steps, with `integration_tests "[boundaries]"`.
std::string EveryMoment() {
  const std::string step = GENERATE(
      "facts", "drift", "start_replication", "caught_up", "canary_before", "lag_small", "challenge",
      "ready", "gateways_ready", "go", "still_ready", "hold_writes", "seal", "frontier", "compare",
      "open", "route", "release", "follow", "certify", "canary_after", "complete");
  const std::string when = GENERATE("at_step: ", "after_step: ");
  // Behind the last step there is no run any more to go on with.
  return when + step == "after_step: complete" ? "at_step: complete" : when + step;
}

TEST_CASE("the orchestrator may die at every boundary between steps", "[.][matrix][boundaries]") {
  const std::string moment = EveryMoment();
  DYNAMIC_SECTION(moment) { CheckTheWeekendGoesOn(moment, "orchestrator"); }
}

TEST_CASE("any agent may die at any step", "[.][matrix]") {
  const std::string process = GENERATE("agent-source-0", "agent-source-1", "agent-target-0",
                                       "agent-target-1", "agent-gateway-0", "agent-gateway-1");
  const std::string moment = EveryMoment();
  DYNAMIC_SECTION(process << " " << moment) { CheckTheWeekendGoesOn(moment, process); }
}

// Here the run may have to go back: a step that finds its server dead fails, and says so.
void CheckTheWeekendEndsClearly(const std::string& moment, const std::string& process) {
  CAPTURE(moment, process);
  const Rehearsed weekend = Rehearse({.faults = Kill(moment, process), .rollback_unknown = true});
  CAPTURE(weekend.output);
  CHECK((weekend.exit_code == 0 || weekend.exit_code == 6));
  CHECK(weekend.writing_site() == (weekend.exit_code == 0 ? "target" : "source"));
  CheckPromises(weekend);
}

TEST_CASE("a ledger or a gateway may die in the middle, and the run ends clearly", "[crash]") {
  const auto row = GENERATE(values<Row>({
      {"at_step: seal", "ledger-0-source"},
      {"at_step: open", "ledger-1-target"},
      {"after_step: hold_writes", "gateway-0"},
  }));
  DYNAMIC_SECTION(row.process << " " << row.moment) {
    CheckTheWeekendEndsClearly(row.moment, row.process);
  }
}

TEST_CASE("any ledger or gateway may die at any step, and the run ends clearly", "[.][matrix]") {
  const std::string process = GENERATE("ledger-0-source", "ledger-1-source", "ledger-0-target",
                                       "ledger-1-target", "gateway-0", "gateway-1");
  const std::string moment = EveryMoment();
  DYNAMIC_SECTION(process << " " << moment) { CheckTheWeekendEndsClearly(moment, process); }
}

}  // namespace
