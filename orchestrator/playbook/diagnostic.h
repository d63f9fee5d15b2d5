#pragma once

#include <string>

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

}  // namespace orchestrator
