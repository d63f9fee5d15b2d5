#pragma once

#include <cstdint>
#include <string>
#include <utility>
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

// Where something stands in a text; line and column count from 1.
struct TextPlace {
  int line = 1;
  int column = 1;
  uint32_t file = 0;  // Among those of its Problems.
};

// Collects the problems of a text and of those that it includes. Not thread-safe.
class Problems {
 public:
  explicit Problems(std::string path) : paths_{std::move(path)} {}

  // One more text; its number, for places in it.
  uint32_t AddFile(std::string path);
  const std::string& PathOf(uint32_t file) const { return paths_[file]; }

  void Add(TextPlace place, absl::string_view message);

  bool empty() const { return found_.empty(); }
  // In order of file and place; those of one place in the order they were added. What was found
  // twice, because a text is included twice, is there once.
  std::vector<Diagnostic> InOrder() const;

 private:
  struct Found {
    TextPlace place;
    std::string message;
  };
  std::vector<std::string> paths_;
  std::vector<Found> found_;
};

}  // namespace orchestrator
