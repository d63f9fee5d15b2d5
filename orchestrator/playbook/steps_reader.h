#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "orchestrator/playbook/includes.h"
#include "orchestrator/playbook/playbook.h"

namespace orchestrator {

// Where steps are read: in the playbook itself, or in an included file.
struct StepsScope {
  std::string prefix = {};               // Of ids: "west.".
  std::shared_ptr<Variables> vars;       // Never null.
  std::string on_failure;                // Of steps that do not say their own.
  int32_t include = -1;                  // Index into Playbook::includes.
  std::vector<std::string> within = {};  // Paths of the included files around, outermost first.
};

// Reads the items of `steps:`. Keeps references to its arguments.
class StepsReader {
 public:
  StepsReader(IncludedTexts& texts, Playbook& playbook, Problems& problems)
      : texts_(texts), playbook_(playbook), problems_(problems) {}

  // Appends to `steps`, and includes to the playbook's.
  void Read(const Value& list, const StepsScope& scope, std::vector<PlaybookStep>& steps);

  // `spec`: GuardrailSpec() or StepGuardrailSpec(). Variables are replaced already.
  std::vector<PlaybookGuardrail> ReadGuardrails(const Value& list, const ObjectSpec& spec,
                                                const StepsScope& scope);

 private:
  void ReadInclude(const Value& value, const StepsScope& scope, std::vector<PlaybookStep>& steps);
  const Value* FindIncluded(const Value& path, const StepsScope& scope);
  void ReadIncluded(const Value& root, StepsScope scope, const Variables& given,
                    std::vector<PlaybookStep>& steps);
  PlaybookStep ReadGate(const Value& written, const StepsScope& scope);
  PlaybookStep ReadStep(const Value& written, const StepsScope& scope);
  void ReadCommon(Fields& fields, const StepsScope& scope, PlaybookStep& step);
  std::optional<Approval> ReadApproval(const Value& value);
  void ReadLimits(Fields& fields, const ObjectSpec& spec, PlaybookGuardrail& guardrail);
  void ReadRepeats(Fields& fields, PlaybookStep& step);
  std::vector<ActionCall> ReadRollback(const Value& value);
  ActionCall ReadCall(Fields& fields, const Value& map);
  std::optional<Located> ReadId(Fields& fields, const StepsScope& scope);
  std::optional<Located> ReadExpression(Fields& fields, absl::string_view key);
  uint32_t ReadNumberOf(Fields& fields, const ObjectSpec& spec, absl::string_view key,
                        uint32_t otherwise);
  Value WithVariables(const Value& item, const StepsScope& scope);

  IncludedTexts& texts_;
  Playbook& playbook_;
  Problems& problems_;
};

}  // namespace orchestrator
