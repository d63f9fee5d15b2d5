// As much of JSON Schema as ours uses, to see that it says what the reader does.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "orchestrator/playbook/document.h"

namespace orchestrator {

// As an editor's YAML reader takes it: plain scalars are numbers and booleans where they can be.
nlohmann::json ToJson(const Value& value);

// Places where the value is not what the schema wants, as "/phases/0/name: …". Requires that the
// schema holds no keyword that it does not know.
std::vector<std::string> Violations(const nlohmann::json& schema, const nlohmann::json& value);

}  // namespace orchestrator
