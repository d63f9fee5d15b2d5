#pragma once

#include <map>
#include <optional>
#include <string>

#include "orchestrator/playbook/document.h"

namespace orchestrator {

// The playbook's `vars:`: names and texts.
class Variables {
 public:
  Variables() = default;
  // Reads the mapping; values that are no scalars, or hold ${…} themselves, are problems.
  Variables(const Value& vars, Problems& problems);

  // A copy in which every ${name} of every scalar is replaced, once. Unknown names are problems.
  Value Replace(const Value& value, Problems& problems) const;

 private:
  void ReplaceText(Value& scalar, Problems& problems) const;

  std::map<std::string, std::optional<std::string>> texts_;  // nullopt: unreadable, and reported.
};

}  // namespace orchestrator
