// What people are asked in a run, and what they decided, in words. Pure.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "hamisha/orchestrator/v1/orchestrator.pb.h"

namespace orchestrator {

// Whether a gate, or a point of no return, waits for people: exit code 8.
bool WaitsForPeople(const hamisha::orchestrator::v1::RunView& run);

// Of a step that asks people: "asks ops, business: 1 more person and the role business are missing;
// 28 min left; approved by asha". `now` as in RenderOptions. "" for a step that asks nobody now.
std::string AskedText(const hamisha::orchestrator::v1::StepView& step, absl::Time now);

// "approve gate 'go'", for a person who is about to.
std::string IntentOf(const hamisha::orchestrator::v1::PersonAct& act);
// "asha approved gate 'go'", for the record.
std::string DeedOf(const hamisha::orchestrator::v1::PersonAct& act);

// What there is to be seen of a run, on one line, for the record of what a person saw when
// deciding: time, state, what runs, waits and failed, the journal's length and hash.
std::string SawText(const hamisha::orchestrator::v1::RunView& run, absl::Time now);

}  // namespace orchestrator
