// What an agent cannot know: how far its server's clock is from the orchestrator's. Pure.
#pragma once

#include "absl/time/time.h"
#include "hamisha/agent/v1/agent.pb.h"

namespace orchestrator {

// Of live runs, and where an action does not say another; half a round trip is in what is measured.
inline constexpr absl::Duration kClockOffsetMax = absl::Seconds(1);

// Adds the offset to what the agent found of its server, and judges it where the result asks for
// that: a clock that is too far off makes a success a refusal.
void AddClockOffset(absl::Duration offset, hamisha::agent::v1::OrderResult& result);

}  // namespace orchestrator
