// The weekend itself, and the one that a wrong state sends back.
#include <catch2/catch.hpp>

#include "absl/strings/match.h"
#include "tests/integration/rehearse.h"

namespace {

TEST_CASE("one command brings a live ledger home, and clients do not notice", "[weekend]") {
  const Rehearsed weekend = Rehearse({.round_trip = "150ms"});
  CAPTURE(weekend.output);
  CHECK(weekend.exit_code == 0);
  CHECK(weekend.outcome() == "succeeded");
  CHECK(weekend.writing_site() == "target");
  CHECK(weekend.summary["client_errors"] == 0);
  CHECK(weekend.summary["write_pause_ms"] < 1'000);
  for (const auto& shard : weekend.summary["shards"]) {
    CAPTURE(shard);
    CHECK(shard["root_equal"] == true);
    CHECK(shard["logs_equal"] == true);
    CHECK(shard["epoch"] == 2);
  }
  CheckPromises(weekend);
}

TEST_CASE("a byte flipped in the target's state sends the run back", "[weekend]") {
  const Rehearsed weekend = Rehearse(
      {.faults =
           "  - {after_step: start_replication, flip_state_bit: {site: target, shard: 1}}\n"});
  CAPTURE(weekend.output);
  CHECK(weekend.exit_code == 6);
  CHECK(weekend.outcome() == "rolled_back");
  CHECK(weekend.writing_site() == "source");
  CHECK(weekend.summary["client_errors"] == 0);
  CHECK(weekend.summary["mismatch"] == true);
  CHECK(weekend.summary["source_writing_after_ms"] <= 1'000);
  CHECK(weekend.summary["shards"][0]["root_equal"] != false);
  CHECK(weekend.summary["shards"][1]["root_equal"] == false);
  // Found before anything is frozen, and named.
  CHECK_THAT(weekend.output, Catch::Contains("credits_posted is"));
  CheckPromises(weekend);
}

TEST_CASE("a target whose servers differ in what matters is refused before anything moves",
          "[weekend]") {
  const Rehearsed weekend = Rehearse({.machines = "{target: {open_files: 256}}"});
  CAPTURE(weekend.output);
  CHECK(weekend.exit_code == 3);
  CHECK(weekend.outcome() == "stopped");
  CHECK(weekend.writing_site() == "source");
  CHECK(weekend.summary["client_errors"] == 0);
  const std::string because = weekend.summary["explanation"];
  CHECK_THAT(because,
             Catch::Contains("target-0: must not take over from source-0: open_files") &&
                 Catch::Contains("target-1: must not take over from source-1: open_files") &&
                 Catch::Contains("256 on target-1") && Catch::Contains("Nothing had been changed"));
  for (const auto& [order, times] : weekend.OrdersBegun()) {
    CAPTURE(order);
    CHECK((absl::StrContains(order, " facts ") || absl::StrContains(order, " drift ")));
  }
  CheckPromises(weekend);
}

}  // namespace
