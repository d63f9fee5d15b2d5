#include "ledger/copy/limits_text.h"

#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "ledger/copy/duration.h"

namespace ledger {
namespace {

namespace pb = ::hamisha::ledger::v1;

constexpr double kRateMax = 1e12;

// "22:00" as minutes.
absl::StatusOr<uint32_t> ParseMinute(absl::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  uint32_t hour = 0;
  uint32_t minute = 0;
  if (parts.size() == 2 && parts[1].size() == 2 && absl::SimpleAtoi(parts[0], &hour) &&
      absl::SimpleAtoi(parts[1], &minute) && hour < 24 && minute < 60) {
    return hour * 60 + minute;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is no time of day: write it as 22:00"));
}

absl::StatusOr<int32_t> ParseZone(absl::string_view text) {
  if (text == "Z") return 0;
  if (text.size() == 6 && (text[0] == '+' || text[0] == '-')) {
    const auto minutes = ParseMinute(text.substr(1));
    if (minutes.ok()) return static_cast<int32_t>(*minutes) * (text[0] == '-' ? -1 : 1);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is no time zone: write it as +03:00 or Z"));
}

std::string RateText(uint64_t bytes_per_s) {
  constexpr double kMega = 1e6;
  return absl::StrFormat("%g MB/s", static_cast<double>(bytes_per_s) / kMega);
}

std::string MinuteText(uint32_t minute) {
  return absl::StrFormat("%02d:%02d", minute / 60, minute % 60);
}

std::string ZoneText(int32_t minutes) {
  const auto absolute = static_cast<uint32_t>(std::abs(minutes));
  return absl::StrCat(minutes < 0 ? "-" : "+", MinuteText(absolute));
}

}  // namespace

absl::StatusOr<uint64_t> ParseRate(absl::string_view text) {
  absl::string_view number = absl::StripSuffix(absl::StripAsciiWhitespace(text), "/s");
  double unit = 0;  // Only nothing goes without one: "50" is hardly 50 bytes.
  const std::pair<absl::string_view, double> units[] = {
      {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}};
  for (const auto& [name, bytes] : units) {
    if (!absl::ConsumeSuffix(&number, name)) continue;
    unit = bytes;
    break;
  }
  double value = 0;
  const bool is_number = absl::SimpleAtod(absl::StripAsciiWhitespace(number), &value);
  if (is_number && value >= 0 && value * unit <= kRateMax && (unit > 0 || value == 0)) {
    return static_cast<uint64_t>(value * unit);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "'", text, "' is no rate: write it as 50MB/s, with B, kB, MB or GB; 0: no limit"));
}

absl::StatusOr<pb::QuietHours> ParseQuietHours(absl::string_view text, absl::string_view zone) {
  const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits('@', 1));
  const std::vector<std::string> ends = absl::StrSplit(parts[0], '-');
  if (ends.size() != 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "': write quiet hours as 22:00-06:00 or 22:00-06:00@10MB/s"));
  }
  pb::QuietHours hours;
  ASSIGN_OR_RETURN(const uint32_t from, ParseMinute(ends[0]));
  ASSIGN_OR_RETURN(const uint32_t to, ParseMinute(ends[1]));
  ASSIGN_OR_RETURN(const int32_t offset, ParseZone(zone));
  hours.set_from_minute(from);
  hours.set_to_minute(to);
  hours.set_utc_offset_minutes(offset);
  if (parts.size() == 2) {
    ASSIGN_OR_RETURN(const uint64_t rate, ParseRate(parts[1]));
    hours.set_max_bytes_per_s(rate);
  }
  return hours;
}

std::string ToText(const pb::CopyLimits& limits) {
  std::string text = absl::StrCat(
      "rate: ", limits.max_bytes_per_s() == 0 ? "no limit" : RateText(limits.max_bytes_per_s()),
      "\ncommit latency: ");
  if (limits.max_commit_latency_ratio() == 0) {
    absl::StrAppend(&text, "not looked at\n");
  } else {
    absl::StrAppend(&text, "slower above ", limits.max_commit_latency_ratio(),
                    " times the p99 without a copy\n");
  }
  for (const pb::QuietHours& hours : limits.quiet_hours()) {
    absl::StrAppend(
        &text, "quiet: ", MinuteText(hours.from_minute()), "-", MinuteText(hours.to_minute()), " ",
        ZoneText(hours.utc_offset_minutes()), ", ",
        hours.max_bytes_per_s() == 0 ? "nothing is sent" : RateText(hours.max_bytes_per_s()), "\n");
  }
  if (const pb::CopyPacing& pacing = limits.pacing(); pacing.has_commit_p99()) {
    absl::StrAppend(&text, "commits now: p99 ",
                    absl::FormatDuration(FromProto(pacing.commit_p99())));
    if (pacing.has_commit_p99_before()) {
      absl::StrAppend(&text, ", without a copy ",
                      absl::FormatDuration(FromProto(pacing.commit_p99_before())),
                      pacing.held_back_by_commits() ? ": copies are held back" : "");
    }
    absl::StrAppend(&text, "\n");
  }
  return text;
}

}  // namespace ledger
