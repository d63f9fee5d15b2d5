// What a run's steps say about time. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "hamisha/orchestrator/v1/orchestrator.pb.h"

namespace lab {

absl::Time FromProto(const google::protobuf::Timestamp& time);

bool IsTerminal(hamisha::orchestrator::v1::RunState state);

// "succeeded", "rolled_back", "stopped", "unknown", "running", "rolling_back".
std::string ToString(hamisha::orchestrator::v1::RunState state);

struct PhaseTime {
  std::string name;  // "way back" for all of the way back.
  absl::Duration length;
};

// Phases that were begun, in order, then the way back. A phase without an end lasts until its last
// known moment.
std::vector<PhaseTime> PhaseTimes(const hamisha::orchestrator::v1::RunView& run);

// The first step on the way forward that a host failed or left unknown; nullptr when there is none.
const hamisha::orchestrator::v1::StepView* FailedStep(
    const hamisha::orchestrator::v1::RunView& run);

// From the decision to go back until the gateways had let the writes go again; nothing when the
// run did not go back, or no writes were held.
std::optional<absl::Duration> SourceWritingAfter(const hamisha::orchestrator::v1::RunView& run);

}  // namespace lab
