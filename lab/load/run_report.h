// What people and programs read of a run and of its check.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "absl/time/time.h"
#include "lab/load/checker.h"
#include "lab/load/runner.h"

namespace lab {

std::string FormatWallTime(absl::Time time);  // RFC 3339 with milliseconds and zone.

void Add(const RunCounts& counts, RunCounts& total);

// One row of seconds.jsonl, and its line for people.
nlohmann::json ToJson(const RunSecond& second);
std::string ToLine(const RunSecond& second);

// summary.json.
nlohmann::json ToJson(const RunCounts& counts);

// check.json. write_pause_ms is the longest that an acknowledged write waited, counted from the
// time it was scheduled for; longest_gap_ms the longest time without any acknowledgement.
nlohmann::json ToJson(const Verdict& verdict);

}  // namespace lab
