#pragma once

#include <string>
#include <vector>

namespace orchestrator {

// A text and where it came from.
struct SourceText {
  std::string path;  // For messages only; of an included text, as `include:` writes it.
  std::string yaml;
  std::vector<SourceText> includes =
      {};  // Of a playbook: all texts that it includes, also by others.
};

}  // namespace orchestrator
