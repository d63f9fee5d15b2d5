// What may stand in our files: one table, which the readers accept keys by, and from which the
// reference page and the schema for editors are written.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"

namespace orchestrator {

enum class FieldType : uint8_t {
  kText,
  kName,
  kNames,    // A name, or a list of names.
  kWord,     // One of `words`.
  kNumber,   // Whole, from `smallest` to `largest`.
  kDecimal,  // Any number.
  kBool,
  kDuration,
  kTimeout,  // A duration above zero.
  kTime,
  kWaves,  // 1 | 25% | [1, 25%, 100%]
  kExpression,
  kPath,       // Of a file to include.
  kVariables,  // A mapping of names to single values.
  kGroups,     // A mapping of names to names.
  kFloors,     // A mapping of groups to parts: {gateways: 50%}
  kWith,       // The fields of the action.
  kObject,
  kObjects,  // A list of mappings, at least one unless `may_be_empty`.
  kSteps,    // A list of steps, gates and includes.
};

struct ObjectSpec;

struct FieldSpec {
  const char* name;
  FieldType type;
  const char* summary;
  bool required = false;
  const char* otherwise = "";          // What holds when it is absent; "" when nothing does.
  const ObjectSpec* object = nullptr;  // Of kObject and kObjects.
  std::vector<const char*> words = {};
  uint64_t smallest = 0;
  uint64_t largest = 0;
  bool may_be_empty = false;  // Lists.
};

struct ObjectSpec {
  const char* what;  // "step", for messages.
  const char* summary;
  std::vector<FieldSpec> fields;

  const FieldSpec* Find(absl::string_view name) const;
};

// In the order in which the reference page shows them.
const ObjectSpec& PlaybookSpec();
const ObjectSpec& MetadataSpec();
const ObjectSpec& WindowSpec();
const ObjectSpec& PhaseSpec();
const ObjectSpec& StepSpec();
const ObjectSpec& RollbackSpec();
const ObjectSpec& GateSpec();
const ObjectSpec& ApprovalSpec();
const ObjectSpec& GuardrailSpec();      // Of the whole playbook.
const ObjectSpec& StepGuardrailSpec();  // Of one step.
const ObjectSpec& IncludeSpec();
const ObjectSpec& StepsFileSpec();
const ObjectSpec& InventorySpec();
const ObjectSpec& HostSpec();
const ObjectSpec& PersonSpec();
const std::vector<const ObjectSpec*>& AllSpecs();

// Kinds of files, which `kind:` names.
constexpr const char* kPlaybookKind = "Playbook";
constexpr const char* kStepsKind = "Steps";
constexpr const char* kInventoryKind = "Inventory";

}  // namespace orchestrator
