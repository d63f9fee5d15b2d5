#include "orchestrator/playbook/diagnostic.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "absl/strings/str_format.h"

namespace orchestrator {

std::string ToString(const Diagnostic& diagnostic) {
  return absl::StrFormat("%s:%d:%d: %s", diagnostic.path, diagnostic.line, diagnostic.column,
                         diagnostic.message);
}

uint32_t Problems::AddFile(std::string path) {
  paths_.push_back(std::move(path));
  return static_cast<uint32_t>(paths_.size() - 1);
}

void Problems::Add(TextPlace place, absl::string_view message) {
  found_.push_back({.place = place, .message = std::string(message)});
}

std::vector<Diagnostic> Problems::InOrder() const {
  std::vector<Found> ordered = found_;
  std::stable_sort(ordered.begin(), ordered.end(), [](const Found& a, const Found& b) {
    return std::tie(a.place.file, a.place.line, a.place.column) <
           std::tie(b.place.file, b.place.line, b.place.column);
  });
  std::set<std::tuple<uint32_t, int, int, std::string>> seen;
  std::vector<Diagnostic> diagnostics;
  for (Found& found : ordered) {
    const TextPlace place = found.place;
    if (!seen.emplace(place.file, place.line, place.column, found.message).second) continue;
    diagnostics.push_back({.path = paths_[place.file],
                           .line = place.line,
                           .column = place.column,
                           .message = std::move(found.message)});
  }
  return diagnostics;
}

}  // namespace orchestrator
