#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/any.pb.h"
#include "orchestrator/plan/expression.h"

namespace orchestrator {

struct PlannedAction;

// A field of `with` whose text is known only when the order is sent.
struct Binding {
  struct Part {
    std::string text;                  // Of the playbook, when there is no output.
    std::optional<Expression> output;  // Of a step.
  };
  std::string field;
  std::vector<Part> parts;
};

// Takes the fields that hold ${steps.…} out of `with`: they are marked as read. What is wrong with
// them is a problem.
std::vector<Binding> TakeBindings(Value& with, const ExpressionNames& names, Problems& problems);

// The action's message for one host, its bindings filled in. INVALID_ARGUMENT says which field
// cannot be, and why.
absl::StatusOr<google::protobuf::Any> BoundMessage(const PlannedAction& action,
                                                   const RunFindings& run, uint32_t host);

}  // namespace orchestrator
