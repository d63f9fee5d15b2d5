#include "orchestrator/playbook/suggest.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace orchestrator {
namespace {

constexpr size_t kComparedLettersMax = 64;
constexpr size_t kListedMax = 20;
constexpr size_t kQuotedLettersMax = 80;

}  // namespace

size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<std::vector<size_t>> distance(a.size() + 1, std::vector<size_t>(b.size() + 1, 0));
  for (size_t i = 0; i <= a.size(); ++i) distance[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) distance[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = distance[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      distance[i][j] = std::min({replace, distance[i - 1][j] + 1, distance[i][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        distance[i][j] = std::min(distance[i][j], distance[i - 2][j - 2] + 1);
      }
    }
  }
  return distance[a.size()][b.size()];
}

std::string Suggest(absl::string_view wrong, const std::vector<std::string>& known) {
  if (known.empty()) return "";
  const std::string* best = nullptr;
  size_t best_distance = std::max<size_t>(1, wrong.size() / 3) + 1;
  for (const std::string& name : known) {
    if (wrong.size() > kComparedLettersMax || name.size() > kComparedLettersMax) continue;
    const size_t distance = EditDistance(wrong, name);
    if (distance < best_distance && distance < name.size()) {
      best_distance = distance;
      best = &name;
    }
  }
  if (best != nullptr) return absl::StrCat(": did you mean '", *best, "'?");
  if (known.size() > kListedMax) return "";
  return absl::StrCat(": write ", known.size() == 1 ? "" : "one of ", absl::StrJoin(known, ", "));
}

std::string Quoted(absl::string_view text) {
  const bool shorten = text.size() > kQuotedLettersMax;
  return absl::StrCat("'", absl::Utf8SafeCEscape(text.substr(0, kQuotedLettersMax)),
                      shorten ? "…'" : "'");
}

}  // namespace orchestrator
