// How long clients' writes will wait at the gateways. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "hamisha/orchestrator/v1/orchestrator.pb.h"
#include "orchestrator/plan/plan.h"

namespace orchestrator {

struct PausePart {
  std::string what;
  absl::Duration length;
};

// The pause lies between the first step that holds writes and the one that releases them. Formula,
// by what ledger.readiness has just measured, the worst of all shards counting:
//
//   pause = one round trip of the link      the seal's order out, its result and the last records
//   back
//         + lag                             what the replica lacked then, at the speed of its
//         making
//         + p99 of a source's commits       the Seal record
//         + p99 of a target's commits       the Open record
//         + 10 ms for each step in between  its order, its result, two syncs of the journal
//
// Nothing in it grows with accounts or history, as long as both sides' trees are whole: where they
// are not a seal is refused, and ledger.readiness says so.
struct PauseForecast {
  absl::Duration pause;
  std::vector<PausePart> parts;
  std::vector<std::string> not_known;          // What was not measured, and counts as nothing.
  std::optional<absl::Duration> longest_hold;  // That the plan's gateway.hold allows.
};

// Nothing when the plan holds no writes.
std::optional<PauseForecast> ForecastPause(const Plan& plan,
                                           const hamisha::orchestrator::v1::RunView& checked);

// "about 245 ms (150 ms a round trip, 12 ms lag, …); the gateways hold for at most 20 s"
std::string Describe(const PauseForecast& forecast);

}  // namespace orchestrator
