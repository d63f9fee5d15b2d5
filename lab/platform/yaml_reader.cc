#include "lab/platform/yaml_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace lab {
namespace {

size_t EditDistance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string Nearest(const std::string& word, const std::vector<std::string>& known) {
  std::string nearest;
  size_t distance_min = std::max<size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const size_t distance = EditDistance(word, candidate);
    if (distance >= distance_min) continue;
    distance_min = distance;
    nearest = candidate;
  }
  return nearest;
}

void YamlReader::Problem(const YAML::Node& node, const std::string& message) {
  const YAML::Mark mark = node.Mark();
  problems_.push_back(absl::StrCat(path_, ":", mark.line + 1, ":", mark.column + 1, ": ", message));
}

bool YamlReader::IsMap(const YAML::Node& node, const std::string& what,
                       std::initializer_list<const char*> known) {
  const std::vector<std::string> names(known.begin(), known.end());
  if (!node.IsMap()) {
    Problem(node, absl::StrCat(what, " is not a map: write its keys (", absl::StrJoin(names, ", "),
                               "), each with a value"));
    return false;
  }
  for (const auto& entry : node) {
    const std::string key = entry.first.Scalar();
    if (std::find(names.begin(), names.end(), key) != names.end()) continue;
    const std::string nearest = Nearest(key, names);
    Problem(entry.first, absl::StrCat("unknown key '", key, "' in ", what, ": ",
                                      nearest.empty() ? "it may have: " + absl::StrJoin(names, ", ")
                                                      : "did you mean '" + nearest + "'?"));
  }
  return true;
}

std::optional<std::string> YamlReader::Scalar(const YAML::Node& map, const char* key) {
  const YAML::Node value = map[key];
  if (!value) return std::nullopt;
  if (value.IsScalar()) return value.Scalar();
  Problem(value, absl::StrCat("'", key, "' is not a single value: write one"));
  return std::nullopt;
}

std::optional<std::string> YamlReader::Text(const YAML::Node& map, const char* key) {
  return Scalar(map, key);
}

std::optional<uint64_t> YamlReader::Whole(const YAML::Node& map, const char* key, uint64_t low,
                                          uint64_t high) {
  const std::optional<std::string> text = Scalar(map, key);
  if (!text) return std::nullopt;
  uint64_t value = 0;
  if (absl::SimpleAtoi(*text, &value) && value >= low && value <= high) return value;
  Problem(map[key],
          absl::StrCat("'", key, ": ", *text, "': write a whole number from ", low, " to ", high));
  return std::nullopt;
}

std::optional<double> YamlReader::Positive(const YAML::Node& map, const char* key) {
  const std::optional<std::string> text = Scalar(map, key);
  if (!text) return std::nullopt;
  double value = 0;
  if (absl::SimpleAtod(*text, &value) && value > 0 && value < 1e9) return value;
  Problem(map[key], absl::StrCat("'", key, ": ", *text, "': write a number above 0"));
  return std::nullopt;
}

std::optional<absl::Duration> YamlReader::Length(const YAML::Node& map, const char* key,
                                                 const char* endless) {
  const std::optional<std::string> text = Scalar(map, key);
  if (!text) return std::nullopt;
  if (endless != nullptr && *text == endless) return absl::InfiniteDuration();
  absl::Duration value;
  if (absl::ParseDuration(*text, &value) && value >= absl::ZeroDuration() &&
      value < absl::Hours(1'000)) {
    return value;
  }
  Problem(map[key], absl::StrCat("'", key, ": ", *text, "': write a time such as 150ms or 5s",
                                 endless == nullptr ? "" : absl::StrCat(", or '", endless, "'")));
  return std::nullopt;
}

std::optional<uint64_t> YamlReader::BytesPerSecond(const YAML::Node& map, const char* key) {
  const std::optional<std::string> text = Scalar(map, key);
  if (!text) return std::nullopt;
  static constexpr std::array<std::pair<const char*, double>, 4> kUnits = {
      {{"GB/s", 1e9}, {"MB/s", 1e6}, {"kB/s", 1e3}, {"B/s", 1}}};
  for (const auto& [unit, factor] : kUnits) {
    if (!absl::EndsWith(*text, unit)) continue;
    double value = 0;
    const std::string number = text->substr(0, text->size() - absl::string_view(unit).size());
    if (!absl::SimpleAtod(number, &value) || value <= 0 || value * factor > 1e12) break;
    return static_cast<uint64_t>(value * factor);
  }
  Problem(map[key],
          absl::StrCat("'", key, ": ", *text,
                       "': write bytes a second, such as 200MB/s (B/s, kB/s, MB/s, GB/s)"));
  return std::nullopt;
}

}  // namespace lab
