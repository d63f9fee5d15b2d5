#include "orchestrator/plan/binding.h"

#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "base/status_macros.h"
#include "orchestrator/plan/plan.h"
#include "orchestrator/playbook/actions.h"
#include "orchestrator/playbook/suggest.h"

namespace orchestrator {
namespace {

std::vector<Binding::Part> ReadParts(const Value& scalar, const ExpressionNames& names,
                                     Problems& problems) {
  std::vector<Binding::Part> parts;
  const std::string& text = scalar.text;
  size_t at = 0;
  for (size_t begin = text.find("${"); begin != std::string::npos; begin = text.find("${", at)) {
    const size_t end = text.find('}', begin);
    INVARIANT(end != std::string::npos);  // Variables::Replace() looked.
    if (begin > at) parts.push_back({.text = text.substr(at, begin - at), .output = std::nullopt});
    absl::StatusOr<Expression> output =
        CompileOutput(text.substr(begin + 2, end - begin - 2), names);
    if (output.ok()) {
      parts.push_back({.text = "", .output = *std::move(output)});
    } else {
      problems.Add(scalar.place, absl::StrCat(Quoted(text.substr(begin, end + 1 - begin)), ": ",
                                              std::string(output.status().message())));
    }
    at = end + 1;
  }
  if (at < text.size()) parts.push_back({.text = text.substr(at), .output = std::nullopt});
  return parts;
}

}  // namespace

std::vector<Binding> TakeBindings(Value& with, const ExpressionNames& names, Problems& problems) {
  std::vector<Binding> bindings;
  for (size_t i = 0; i < with.keys.size(); ++i) {
    Value& value = with.values[i];
    const bool holds_output = value.kind == Value::Kind::kScalar && !value.reported &&
                              absl::StrContains(value.text, "${");
    if (!holds_output) continue;
    bindings.push_back({.field = with.keys[i].text, .parts = ReadParts(value, names, problems)});
    value.reported = true;
  }
  return bindings;
}

absl::StatusOr<google::protobuf::Any> BoundMessage(const PlannedAction& action,
                                                   const RunFindings& run, uint32_t host) {
  const ActionInfo* info = FindAction(action.action);
  INVARIANT(info != nullptr);
  const std::unique_ptr<google::protobuf::Message> message = NewMessage(*info);
  INVARIANT(action.message.UnpackTo(message.get()));
  for (const Binding& binding : action.bindings) {
    std::string text;
    for (const Binding::Part& part : binding.parts) {
      std::string output = part.text;
      if (part.output.has_value()) {
        absl::StatusOr<std::string> found = part.output->Text(run, host);
        if (!found.ok()) {
          return absl::InvalidArgumentError(absl::StrCat(
              "cannot fill in '", binding.field, "': ", std::string(found.status().message())));
        }
        output = *std::move(found);
      }
      absl::StrAppend(&text, output);
    }
    RETURN_IF_ERROR(SetField(*info, binding.field, text, *message));
  }
  google::protobuf::Any any;
  any.PackFrom(*message);
  return any;
}

}  // namespace orchestrator
