#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/playbook/document.h"

namespace orchestrator {

// The `vars:` of a playbook, or of an included file: names and texts. Remembers which were used.
class Variables {
 public:
  Variables() = default;
  // Reads the mapping; values that are no scalars, or hold ${…} themselves, are problems.
  Variables(const Value& vars, Problems& problems);

  // What `given` has counts instead.
  void Override(const Variables& given);

  // A copy in which every ${name} of every scalar is replaced, once. Unknown names are problems.
  // Outputs of steps (IsOutput) stay as they are: they are known later.
  Value Replace(const Value& value, Problems& problems);

  bool contains(const std::string& name) const { return texts_.contains(name); }
  // nullptr: there is none, or it was unreadable. Counts as used.
  const std::string* Find(const std::string& name);
  bool used(const std::string& name) const { return used_.contains(name); }
  std::vector<std::string> Names() const;

 private:
  void ReplaceText(Value& scalar, Problems& problems);
  std::optional<std::string> TextOf(const std::string& name, Value& scalar, Problems& problems);

  std::map<std::string, std::optional<std::string>> texts_;  // nullopt: unreadable, and reported.
  std::set<std::string> used_;
};

// Whether what stands in ${…} is an output of a step, and no variable: "steps.copy.facts.position",
// "max(steps.copy.facts.position)".
bool IsOutput(absl::string_view name);

}  // namespace orchestrator
