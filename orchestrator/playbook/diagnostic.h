#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace orchestrator {

// One problem in a playbook, at a place a person can jump to.
// `line` and `column` count from 1, as editors do.
struct Diagnostic {
  std::string path;
  int line;
  int column;
  std::string message;  // What is wrong, then what to write instead.
};

// "playbooks/move.yaml:12:7: unknown action 'ledger.seel': did you mean 'ledger.seal'?"
std::string ToString(const Diagnostic& diagnostic);

// Where something stands in a text; both count from 1.
struct TextPlace {
  int line = 1;
  int column = 1;
};

// Collects the problems of one text. Not thread-safe.
class Problems {
 public:
  explicit Problems(std::string path) : path_(std::move(path)) {}

  void Add(TextPlace place, absl::string_view message);

  bool empty() const { return diagnostics_.empty(); }
  // In order of place; those of one place in the order they were added.
  std::vector<Diagnostic> InOrder() const;

 private:
  std::string path_;
  std::vector<Diagnostic> diagnostics_;
};

}  // namespace orchestrator
