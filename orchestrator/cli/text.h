// Small helpers for text that people read.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"

namespace orchestrator {

// "312 ms", "4.2 s", "2 min 5 s", "1 h 30 min"; "0 ms" for what is shorter than that.
std::string HumanDuration(absl::Duration duration);

absl::Time ToTime(const google::protobuf::Timestamp& timestamp);
// RFC 3339 with milliseconds and zone.
std::string ToRfc3339(absl::Time time, absl::TimeZone zone);
// "23:00:01.250", for lists whose heading says the day and zone.
std::string FormatTimeOfDay(absl::Time time, absl::TimeZone zone);

// `text` on one line, without what could disturb a terminal.
std::string Printable(absl::string_view text);

// Columns that `text` takes: its code points.
size_t Width(absl::string_view text);
// `text` cut to `columns`, with "…" at its end when something is lost.
std::string Cut(const std::string& text, size_t columns);

// Rows as lines with aligned columns, two spaces apart; no blanks at the ends.
std::vector<std::string> Align(const std::vector<std::vector<std::string>>& rows);

// "source-0, source-1"; "source-0, source-1 and 7 more".
std::string JoinNames(const std::vector<std::string>& names);

}  // namespace orchestrator
