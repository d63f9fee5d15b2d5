#include "orchestrator/cli/text.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace orchestrator {
namespace {

constexpr size_t kNamesShownMax = 4;

bool IsContinuation(char letter) { return (static_cast<unsigned char>(letter) & 0xc0U) == 0x80U; }

}  // namespace

std::string HumanDuration(absl::Duration duration) {
  if (duration < absl::Milliseconds(999.5)) {
    return absl::StrFormat("%.0f ms", std::max(0.0, absl::ToDoubleMilliseconds(duration)));
  }
  if (duration < absl::Seconds(59.95)) {
    return absl::StrFormat("%.1f s", absl::ToDoubleSeconds(duration));
  }
  const int64_t seconds = absl::ToInt64Seconds(duration + absl::Milliseconds(500));
  if (seconds < 3600) return absl::StrFormat("%d min %d s", seconds / 60, seconds % 60);
  return absl::StrFormat("%d h %d min", seconds / 3600, seconds % 3600 / 60);
}

absl::Time ToTime(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

std::string ToRfc3339(absl::Time time, absl::TimeZone zone) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3S%Ez", time, zone);
}

std::string FormatTimeOfDay(absl::Time time, absl::TimeZone zone) {
  return absl::FormatTime("%H:%M:%E3S", time, zone);
}

std::string Printable(absl::string_view text) {
  std::string line;
  line.reserve(text.size());
  for (const char letter : text) {
    line += absl::ascii_iscntrl(static_cast<unsigned char>(letter)) ? ' ' : letter;
  }
  return line;
}

size_t Width(absl::string_view text) {
  return text.size() - static_cast<size_t>(std::count_if(text.begin(), text.end(), IsContinuation));
}

std::string Cut(const std::string& text, size_t columns) {
  if (Width(text) <= columns) return text;
  size_t end = 0;
  for (size_t shown = 0; end < text.size(); ++end) {
    if (IsContinuation(text[end])) continue;
    if (++shown >= columns) break;
  }
  return absl::StrCat(text.substr(0, end), "…");
}

std::vector<std::string> Align(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::vector<std::string> lines;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      absl::StrAppend(&line, row[i], std::string(widths[i] - Width(row[i]) + 2, ' '));
    }
    absl::StripTrailingAsciiWhitespace(&line);
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string JoinNames(const std::vector<std::string>& names) {
  if (names.size() <= kNamesShownMax) return absl::StrJoin(names, ", ");
  const std::vector<std::string> shown(names.begin(), names.begin() + 2);
  return absl::StrCat(absl::StrJoin(shown, ", "), " and ", names.size() - shown.size(), " more");
}

}  // namespace orchestrator
