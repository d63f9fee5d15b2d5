#include "orchestrator/playbook/diagnostic.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_format.h"

namespace orchestrator {

std::string ToString(const Diagnostic& diagnostic) {
  return absl::StrFormat("%s:%d:%d: %s", diagnostic.path, diagnostic.line, diagnostic.column,
                         diagnostic.message);
}

void Problems::Add(TextPlace place, absl::string_view message) {
  diagnostics_.push_back(
      {.path = path_, .line = place.line, .column = place.column, .message = std::string(message)});
}

std::vector<Diagnostic> Problems::InOrder() const {
  std::vector<Diagnostic> ordered = diagnostics_;
  std::stable_sort(ordered.begin(), ordered.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  return ordered;
}

}  // namespace orchestrator
