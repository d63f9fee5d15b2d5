// What the program says about the form of its files: from the table that the readers accept keys by
// (orchestrator/playbook/specs.h) and from the actions' messages. Pure.
#pragma once

#include <string>

namespace orchestrator {

// The reference page, Markdown.
std::string ReferencePage();

// A JSON Schema (2020-12) of playbooks, files of steps and inventories, for editors. It knows the
// form, not what `hamisha validate` knows: names, order, hosts, conditions.
std::string ReferenceSchema();

}  // namespace orchestrator
