// A window of seconds, and a link that becomes so slow that the run no longer fits into it.
#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/file_system.h"
#include "tests/integration/rehearse.h"

namespace {

// Freezes without having waited for the replicas: what is behind must cross the link while clients
// wait. Forty seconds, the last fifteen of them for going back.
constexpr char kHastyNight[] = R"(apiVersion: hamisha/v1
kind: Playbook
metadata: {name: hasty_night, description: Freezes before the replicas are near}
window: {start: 2015-04-18T23:00:00+03:00, end: 2015-04-18T23:00:40+03:00, rollback_reserve: 15s}
phases:
  - name: prepare
    on_failure: rollback
    steps:
      - {id: facts, action: host.facts, hosts: [sources, targets], timeout: 60s}
      - {id: canary, action: probe.canary, hosts: gateways, timeout: 30s}
      - {id: start_replication, action: ledger.replicate, hosts: targets, with: {from: source}, timeout: 10s}
  - name: freeze
    on_failure: rollback
    steps:
      - {id: hold_writes, action: gateway.hold, hosts: gateways, with: {max_hold: 60s}, timeout: 15s}
      - id: seal
        action: ledger.seal
        hosts: sources
        with: {to: target}
        timeout: 10s
        rollback:
          - {action: ledger.refuse, hosts: targets, timeout: 10s}
          - {action: ledger.unseal, hosts: sources, timeout: 10s}
  - name: replicate
    on_failure: rollback
    steps:
      - {id: frontier, action: ledger.await_position, hosts: targets, timeout: 120s}
  - name: verify
    on_failure: rollback
    steps:
      - {id: compare, action: ledger.compare, hosts: targets, timeout: 30s}
  - name: switch
    on_failure: rollback
    steps:
      - id: open
        action: ledger.open
        hosts: targets
        timeout: 10s
        rollback:
          - {action: ledger.follow, hosts: sources, with: {from: target}, timeout: 10s}
          - {action: ledger.seal, hosts: targets, with: {to: source}, timeout: 10s}
          - {action: ledger.await_position, hosts: sources, timeout: 10s}
          - {action: ledger.open, hosts: sources, timeout: 10s}
      - id: route
        action: gateway.route
        hosts: gateways
        with: {to: target}
        timeout: 5s
        rollback:
          - {action: gateway.route, hosts: gateways, with: {to: source}, timeout: 5s}
      - id: release
        action: gateway.release
        hosts: gateways
        timeout: 10s
        rollback:
          - {action: gateway.hold, hosts: gateways, with: {max_hold: 60s}, timeout: 15s}
)";

struct JournalLine {
  absl::Time time;
  nlohmann::json entry;
};

std::vector<JournalLine> EntriesOf(const Rehearsed& rehearsed, const std::string& kind) {
  std::vector<JournalLine> found;
  std::ifstream lines(rehearsed.summary["journal"].get<std::string>());
  for (std::string line; std::getline(lines, line);) {
    nlohmann::json entry = nlohmann::json::parse(line);
    if (entry["kind"] != kind) continue;
    absl::Time time;
    std::string error;
    REQUIRE(absl::ParseTime(absl::RFC3339_full, entry["time"].get<std::string>(), &time, &error));
    found.push_back({time, std::move(entry)});
  }
  return found;
}

bool Warns(const JournalLine& forecast) {
  return !forecast.entry["data"]["warning"].get<std::string>().empty();
}

TEST_CASE("a rehearsal that a slow link keeps from its window is warned of, and goes back in time",
          "[window]") {
  const Rehearsed fast = Rehearse({.playbook = kHastyNight});
  CAPTURE(fast.output);
  REQUIRE(fast.outcome() == "succeeded");
  CHECK(fast.summary["window"]["outside_ms"] == 0);
  const std::string profile = fast.summary["profile"];
  CHECK(profile == fast.directory() + "/profile.json");

  const Rehearsed slow =
      Rehearse({.faults = "  - {at_step: facts, slow_link: {bandwidth: 200kB/s, for: forever}}\n",
                .playbook = kHastyNight,
                .profile = profile,
                .accounts_per_shard = 50'000,
                .rate_per_s = 100});
  CAPTURE(slow.output);
  CHECK(slow.exit_code == 6);
  CHECK(slow.outcome() == "rolled_back");
  const std::string because = slow.summary["explanation"];
  CHECK_THAT(because, Catch::Contains("latest safe abort time"));

  // Outside the window by zero seconds, the source writes again, and nothing is lost.
  CHECK(slow.summary["window"]["outside_ms"] == 0);
  CHECK(slow.summary["window"]["left_ms"] > 0);
  CHECK(slow.writing_site() == "source");
  CHECK(slow.summary["client_errors"] == 0);
  CheckPromises(slow);

  // Ahead of time: the first warning came seconds before the run had to go back.
  CHECK_FALSE(slow.summary["warnings"].empty());
  const std::vector<JournalLine> came = EntriesOf(slow, "abort_time_came");
  REQUIRE(came.size() == 1);
  const std::vector<JournalLine> forecasts = EntriesOf(slow, "forecast");
  const auto first = std::find_if(forecasts.begin(), forecasts.end(), Warns);
  REQUIRE(first != forecasts.end());
  const double ahead_s = absl::ToDoubleSeconds(came[0].time - first->time);
  CHECK(ahead_s > 1);
}

}  // namespace
